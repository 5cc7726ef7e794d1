"""Mutants: programs that differ from one of ours in one place, for `mutations.py`."""

import ast
import dataclasses
import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

SWAPS: dict[type[ast.AST], tuple[type[ast.AST], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,), ast.NotIn: (ast.In,), ast.And: (ast.Or,), ast.Or: (ast.And,),
    ast.Add: (ast.Sub,), ast.Sub: (ast.Add,), ast.Mult: (ast.Div,), ast.Div: (ast.Mult,), ast.Pow: (ast.Mult,),
    ast.FloorDiv: (ast.Mult,), ast.Mod: (ast.Mult,), ast.BitAnd: (ast.BitOr,), ast.BitOr: (ast.BitAnd,),
}  # fmt: skip
PAIRS = (("min", "max"), ("any", "all"), ("minimum", "maximum"), ("fmin", "fmax"), ("floor", "ceil"))
NAMES = {a: b for pair in PAIRS for a, b in (pair, pair[::-1])}
CONTEXT, LONGEST = 24, 60  # letters shown around a change, and of it
Edit = tuple[Any, str | int, Any]  # of a node or a list, the attribute or place, and what shall stand there


@dataclasses.dataclass(frozen=True)
class Mutant:
    """One change of one file."""

    key: str  # the same as long as the function around it is
    file: str
    line: int
    where: str  # qualified name of the outermost function, or of the class; empty at module level
    change: str
    source: str = dataclasses.field(repr=False)


def mutate(root: Path, file: str) -> list[Mutant]:
    """All mutants of a file, given by its path from `root`."""
    tree = ast.parse((root / file).read_text("utf-8"))
    nodes, original = list(walk(tree)), ast.unparse(tree)
    texts: dict[str, str] = {"": ""}
    for node, where, _ in nodes:
        if where not in texts:
            texts[where] = ast.unparse(node)
    counts: Counter[str] = Counter()
    mutants = []
    for node, where, statement in nodes:
        before = ast.unparse(statement)
        for owner, place, new in list(edits_of(node)):
            assign: Callable[..., None] = setattr if isinstance(place, str) else type(owner).__setitem__
            old = getattr(owner, place) if isinstance(place, str) else owner[place]
            assign(owner, place, new)
            source, after = ast.unparse(tree), ast.unparse(statement)
            assign(owner, place, old)
            if source == original:
                continue
            change = show_change(before, after)
            base = f"{file} {where} {texts[where]} {change}"
            counts[base] += 1
            key = hashlib.sha256(f"{base} {counts[base]}".encode()).hexdigest()[:12]
            line = getattr(old, "lineno", getattr(node, "lineno", getattr(statement, "lineno", 1)))
            mutants.append(Mutant(key, file, line, where, change, source))
    return mutants


def walk(
    node: ast.AST, where: str = "", statement: ast.AST | None = None, *, inside: bool = False
) -> Iterator[tuple[ast.AST, str, ast.AST]]:
    """Every node that does something, the function or class that it is in, and the statement; no types, no texts."""
    statement = node if statement is None or isinstance(node, ast.stmt) else statement
    yield node, where, statement
    inside = inside or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "bases"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST) or isinstance(child, ast.JoinedStr):
                continue
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                continue
            deeper = where
            if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not inside:
                deeper = f"{where}.{child.name}".lstrip(".")
            yield from walk(child, deeper, statement, inside=inside)


def edits_of(node: ast.AST) -> Iterator[Edit]:
    """What may be changed of one node, its children aside."""
    if isinstance(node, ast.Compare):
        for place, operator in enumerate(node.ops):
            yield from ((node.ops, place, other()) for other in SWAPS.get(type(operator), ()))
    elif isinstance(node, ast.BoolOp | ast.BinOp | ast.AugAssign):
        yield from ((node, "op", other()) for other in SWAPS.get(type(node.op), ()))
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool | int | float):
        value = node.value
        yield (
            node,
            "value",
            not value if isinstance(value, bool) else value + 1 if isinstance(value, int) else 2 * value or 1.0,
        )
    elif isinstance(node, ast.Name) and node.id in NAMES:
        yield node, "id", NAMES[node.id]
    elif isinstance(node, ast.Attribute) and node.attr in NAMES:
        yield node, "attr", NAMES[node.attr]
    elif isinstance(node, ast.If | ast.IfExp | ast.While) and not isinstance(node.test, ast.Compare | ast.UnaryOp):
        yield node, "test", ast.UnaryOp(ast.Not(), node.test)
    elif isinstance(node, ast.comprehension):
        yield from ((node, "ifs", [*node.ifs[:place], *node.ifs[place + 1 :]]) for place in range(len(node.ifs)))
    elif isinstance(node, ast.Return) and node.value and not isinstance(node.value, ast.Constant):
        yield node, "value", ast.Constant(None)
    elif isinstance(node, ast.Call):
        for place, keyword in enumerate(node.keywords):
            if keyword.arg:
                yield node, "keywords", [*node.keywords[:place], *node.keywords[place + 1 :]]
    for name, value in ast.iter_fields(node):
        if isinstance(value, ast.UnaryOp):
            yield node, name, value.operand  # not x, -x, ~x
        for place, child in enumerate(value if isinstance(value, list) else ()):
            if isinstance(child, ast.UnaryOp):
                yield value, place, child.operand
            goes = isinstance(child, ast.Raise | ast.AugAssign | ast.Continue | ast.Break)
            if goes or (isinstance(child, ast.Expr) and not isinstance(child.value, ast.Constant)):
                yield value, place, ast.Pass()


def show_change(before: str, after: str) -> str:
    """Where two texts differ, by whole words, with a little around it: `min(a, [b -> c])`."""
    before, after = " ".join(before.split()), " ".join(after.split())
    start = count_equal(before, after)
    while start and before[start - 1] not in " ([{,.":
        start -= 1
    end = count_equal(before[start:][::-1], after[start:][::-1])
    while end and before[len(before) - end] not in " )]},.:":
        end -= 1
    old, new = (text[start : len(text) - end] for text in (before, after))
    left, right = before[max(0, start - CONTEXT) : start], before[len(before) - end :][:CONTEXT]
    old, new = (text if len(text) <= LONGEST else f"{text[: LONGEST - 20]} ... {text[-15:]}" for text in (old, new))
    return f"{left}[{old} -> {new}]{right}"


def count_equal(one: str, other: str) -> int:
    """Letters that are the same in both from the beginning."""
    differ = (place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
    return next(differ, min(len(one), len(other)))

"""An extension of griffe: doctests in the text of docstrings are code, as they are under `Examples:`."""

from typing import Any

from griffe import Extension, Object


class FenceDoctests(Extension):
    """Puts fences around them."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Called for each object that has been read."""
        if obj.docstring:
            obj.docstring.value = fence(obj.docstring.value)


def fence(text: str) -> str:
    r"""Text whose doctests, each up to the next empty line, stand in fences.

    >>> fence("One.\n\n>>> 1 + 1\n2\n\nTwo.")
    'One.\n\n```pycon\n>>> 1 + 1\n2\n```\n\nTwo.'
    >>> fence("Two.")
    'Two.'
    """
    parts = text.replace("  # doctest: +SKIP", "").split("\n\n")
    return "\n\n".join(f"```pycon\n{part.rstrip()}\n```" if part.startswith(">>> ") else part for part in parts)

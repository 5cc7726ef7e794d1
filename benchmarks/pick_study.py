"""Which frames are worth labelling next: those that `data pick` takes, or some at random? Errors after one round.

    python benchmarks/pick_study.py mouse.yaml --out study [--first 20] [--count 20] [--seeds 0 1 2] [--steps 400 250]
        [--film]

For every seed a network learns from some of the recipe's labelled frames. The others play the film: it predicts them,
`data pick` takes some, their own labels are the corrections, and training goes on from the network, with these and with
as many at random. Printed are errors on the recipe's validation frames. With `--film` frames are in time, by the
numbers that are their names, so that jumps count. Frames without labels show nobody: they are neither learnt from first
nor drawn at random.
"""

import argparse
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

from nimblepose.core.files import write_atomically
from nimblepose.data.coco import read_json
from nimblepose.media.frame_names import place_frames
from nimblepose.training.best_validation import read_best_validation
from nimblepose.training.recipe import load_recipe


def main() -> None:
    """All seeds, one line for every network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--first", type=int, default=20, help="frames that are labelled before")
    parser.add_argument("--count", type=int, default=20, help="frames of the round")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, nargs=2, default=[400, 250], help="before, and in the round")
    parser.add_argument("--film", action="store_true", help="the frames are those of a film, not some of them")
    args = parser.parse_args()
    recipe = load_recipe(args.recipe)
    coco, images = read_json(Path(recipe.data.annotations[0])), Path(recipe.data.images[0])
    names = sorted(image["file_name"] for image in coco["images"])
    shown = {annotation["image_id"] for annotation in coco["annotations"]}
    empty = {image["file_name"] for image in coco["images"] if image["id"] not in shown}
    print(
        "| seed | labelled | mean px | median px | PCK@0.1 | missed | AP |\n|---|---|---|---|---|---|---|", flush=True
    )
    for seed in args.seeds:
        folder = args.out / f"seed{seed}"
        shuffled = random.Random(seed).sample([name for name in names if name not in empty], len(names) - len(empty))  # noqa: S311
        first, others = shuffled[: args.first], shuffled[args.first :]
        before = learn(args.recipe, coco, first, folder / "before", steps=args.steps[0], start=recipe.start, seed=seed)
        report(seed, f"{len(first)}", before)
        film = sorted([*others, *empty])
        picked = pick(before, images, film, folder, count=args.count, seed=seed, in_time=args.film)
        for way, chosen in (("picked", picked), ("at random", others[: args.count])):
            start = str((before / "model.safetensors").resolve())
            run = folder / way.replace(" ", "-")
            learn(args.recipe, coco, [*first, *chosen], run, steps=args.steps[1], start=start, seed=seed)
            report(seed, f"{len(first)} + {len(chosen)} {way}", run)


def learn(
    recipe: Path, coco: dict[str, Any], names: list[str], run: Path, *, steps: int, start: str, seed: int
) -> Path:
    """Train on some of the labelled frames."""
    kept = {image["id"] for image in coco["images"] if image["file_name"] in set(names)}
    part = coco | {key: [one for one in coco[key] if one[of] in kept] for key, of in _KEYS.items()}
    path = run.with_name(f"{run.name}.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, json.dumps(part).encode())
    changes = [f"data.annotations=[{path.resolve()}]", f"start={start}", f"seed={seed}", f"schedule.steps={steps}"]
    changes += [f"validation.every={steps}", "data.workers=1", "tensorboard=false", "validation.pictures=0"]
    call("train", str(recipe), *changes, "--out", str(run), "--no-preflight")
    return run


_KEYS = {"images": "id", "annotations": "image_id"}


def pick(
    run: Path, images: Path, names: list[str], folder: Path, *, count: int, seed: int, in_time: bool = False
) -> list[str]:
    """Names of the frames that `data pick` takes of those that nobody has labelled yet."""
    film, found, taken = folder / "film", folder / "found", folder / "next"
    film.mkdir(parents=True, exist_ok=True)
    for name in names:
        (film / Path(name).name).symlink_to((images / name).resolve())
    verb, none = ("track", "--no-video") if in_time else ("predict", "--no-pictures")
    options = ["--model", str(run / "model.safetensors"), "--backend", "torch", "--max-people", "1", "--threads", "1"]
    call(verb, str(film), "--format", "json", none, "--out", str(found), *options)
    (results,) = found.glob("*poses.json*")
    call("data", "pick", str(film), str(results), "--count", str(count), "--seed", str(seed), "--out", str(taken))
    images_taken = read_json(taken / "annotations.json")["images"]
    if in_time:
        ordered = sorted(names)
        indices = [index for index, _ in place_frames([Path(name).stem for name in ordered], 1.0)[0]]
        return [ordered[indices.index(image["frame"])] for image in images_taken]
    stems = {Path(image["file_name"]).stem for image in images_taken}
    return [name for name in names if Path(name).stem in stems]


def report(seed: int, labelled: str, run: Path) -> None:
    """A row of the table."""
    best = read_best_validation(run)
    if best is None:
        raise SystemExit(f"{run}: nothing was validated")
    errors = best.overall
    row = [
        seed,
        labelled,
        f"{errors.mean:.1f}",
        f"{errors.median:.1f}",
        f"{errors.pck:.3f}",
        f"{errors.missed:.1%}",
        f"{best.ap:.3f}",
    ]
    print("| " + " | ".join(map(str, row)) + " |", flush=True)


def call(*words: str) -> None:
    """A verb of the command line; its output is kept for when it fails."""
    done = subprocess.run([sys.executable, "-m", "nimblepose", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"nimblepose {' '.join(words)}\n{done.stdout}\n{done.stderr}")


if __name__ == "__main__":
    main()

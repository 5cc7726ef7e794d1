"""Who is found where nobody is: 200 pictures without people, from packages that ship pictures and drawn ones.

    pip install --no-deps --target PACKAGES -r benchmarks/nobody.txt
    python benchmarks/nobody.py PACKAGES/ [--beside DATA/] [--looks 256 balanced ...] [--model MODEL] [--show FOLDER]

Every picture was looked at: there are no people in them, no faces, no dolls. 95 lie in the packages, which are neither
imported nor run; 105 are drawn (`drawn_things.py`). Printed is, for each way of looking (`ways_of_looking.py`), with
the thresholds of `predict`, how many people are found, in how many pictures, and how sure of them the model is.
`--beside` adds a second table: of the parts beside, above or below everybody in the pictures of a set in COCO layout
that are labelled completely, at least 160 pixels wide and high.
"""

import argparse
import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from drawn_things import KINDS, draw
from face_study import find_empty_part
from face_study import iterate as iterate_complete
from ways_of_looking import open_estimator

from nimblepose import Poses
from nimblepose.codec.options import DecodeOptions
from nimblepose.core.files import make_folder, write_atomically
from nimblepose.drawing.people import draw_poses
from nimblepose.media.encoding import encode_picture
from nimblepose.media.pictures import Picture, read_picture

SEEDS = 5  # pictures of every kind that is drawn
SURE = 0.5  # expected OKS
LISTED = 12  # pictures named in a row
SHIPPED = {  # folder of an installed package -> pictures without people in it
    "arcade/resources/assets/images": (
        "backgrounds/abstract_1.jpg backgrounds/stars.png cards/cardHearts10.png "
        "cybercity_background/far-buildings.png cybercity_background/foreground.png "
        "enemies/bee.png enemies/frog.png enemies/ladybug.png enemies/mouse.png "
        "miami_synth_parallax/layers/buildings.png miami_synth_parallax/layers/palms.png spritesheets/tiles.png "
        "tiles/cactus.png"
    ),
    "gradio/media_assets/images": "cheetah.jpg cheetah1.jpg lion.jpg tower.jpg",
    "gradio/test_data": "cheetah2.jpg",
    "holoviews/examples": "assets/macaw.png assets/penguins.png reference/features/assets/pollen.png",
    "imgaug": "quokka.jpg quokka_depth_map_halfres.png",
    "labmaze/assets": "sky_03/lf.png style_01/wall_blue_d.png style_03/wall_cyan_d.png",
    "panda3d/models/maps": (
        "envir-bamboo.png envir-ground.jpg envir-mountain1.png envir-mountain2.png envir-reeds.png envir-rock1.jpg "
        "envir-rock2.jpg envir-tree1.png envir-tree2.png envir-treetrunk.jpg"
    ),
    "psychopy/assets": "USB.png creditCard.png default.png",
    "psychopy/demos/builder/Design Templates/randomisedBlocks/stims": "house01.jpg house02.jpg house03.jpg",
    "psychopy/demos/builder/Experiments": (
        "BART/assets/blueBalloon.png BART/assets/redBalloon.png dragAndDrop/stimuli/solution_1.png "
        "mentalRotation/F.png navon/bigHsmallS.png navon/bigSsmallH.png"
    ),
    "psychopy/demos/coder/iohub/eyetracking/gcCursor/images": "fall.jpg lake.jpg",
    "pybullet_data": (
        "aliengo/meshes/aliengo.png colors16.png cube.png domino/domino.jpg duckCM.png heightmaps/Maze.png "
        "heightmaps/gimp_overlay_out.png jenga/jenga.png quadruped/t-motor.jpg racecar/meshes/wheel.jpg "
        "roboschool/models_outdoor/stadium/stadium_grass.jpg table/table.png tray/tray.jpg uvmap.png"
    ),
    "pyvista/examples": "2k_earth_daymap.jpg",
    "skimage/data": (
        "brick.png cell.png chelsea.png clock_motion.png coffee.png coins.png color.png grass.png gravel.png horse.png "
        "hubble_deep_field.jpg ihc.png moon.png motorcycle_left.png page.png phantom.png retina.jpg rocket.jpg text.png"
    ),
    "sklearn/datasets/images": "china.jpg flower.jpg",
    "ursina/textures": (
        "items/bag.png items/bow_arrow.png items/gem.png items/orb.png items/sword.png perlin_noise.png shore.jpg "
        "sky_sunset.jpg test_tileset.png"
    ),
}


def list_shipped(packages: Path) -> list[Path]:
    """The pictures in the packages.

    Raises:
        SystemExit: some are missing; the message names them.
    """
    files = [packages / folder / name for folder, names in SHIPPED.items() for name in names.split()]
    if missing := [str(file) for file in files if not file.is_file()]:
        raise SystemExit("\n".join(["not there (the command above installs the versions that have them):", *missing]))
    return files


def iterate(packages: Path) -> Iterator[tuple[str, Picture]]:
    """All 200, each with its name."""
    for file in list_shipped(packages):
        yield file.relative_to(packages).as_posix(), read_picture(file)
    for kind in KINDS:
        for seed in range(SEEDS):
            yield f"{kind} {seed}", draw(kind, seed)


def iterate_beside(data: Path) -> Iterator[tuple[str, Picture]]:
    """Parts of the pictures of a set beside everybody in them."""
    for number, (picture, people) in enumerate(iterate_complete(data, 0)):
        part = find_empty_part(picture, people)
        if part is not None:
            yield f"beside {number}", part


def main() -> None:
    """Look, count, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packages", type=Path)
    parser.add_argument("--beside", type=Path, help="a set in COCO layout")
    parser.add_argument("--looks", nargs="+", default=["256", "368"])
    parser.add_argument("--model", type=Path)
    parser.add_argument("--show", type=Path, help="folder for the pictures in which somebody is found, drawn into")
    args = parser.parse_args()
    look(args, f"{{}} pictures, {len(KINDS) * SEEDS} of them drawn", list(iterate(args.packages)))
    if args.beside:
        look(args, f"{{}} parts of pictures of {args.beside.name} beside everybody", list(iterate_beside(args.beside)))


def look(args: argparse.Namespace, what: str, named: list[tuple[str, Picture]]) -> None:
    """Print a table, a row for each way of looking."""
    names, pictures = zip(*named, strict=True)
    digest = hashlib.sha256(b"".join(np.ascontiguousarray(picture).tobytes() for picture in pictures)).hexdigest()
    print(f"{what.format(len(pictures))} (sha256 of their pixels {digest[:16]}...)\n")
    print(
        f"| looks | people | in pictures | sure of (from {SURE}) | highest score | where |\n" + "|---" * 6 + "|",
        flush=True,
    )
    for way in args.looks:
        found = list(open_estimator(args.model, way, decode=DecodeOptions()).stream(pictures))
        scores = np.concatenate([poses.scores for poses in found])
        where = [f"{name} {len(poses)}" for name, poses in zip(names, found, strict=True) if len(poses)]
        cells = (
            len(scores),
            len(where),
            (scores >= SURE).sum(),
            f"{scores.max(initial=0):.2f}",
            ", ".join(where[:LISTED]),
        )
        print(f"| {way} | {' | '.join(map(str, cells))} |", flush=True)
        if args.show:
            show(args.show / way, names, pictures, found)
    print()


def show(folder: Path, names: tuple[str, ...], pictures: tuple[Picture, ...], found: list[Poses]) -> None:
    """Write the pictures in which somebody is found."""
    make_folder(folder)
    for name, picture, poses in zip(names, pictures, found, strict=True):
        if len(poses):
            file = folder / f"{name.replace('/', '-').replace(' ', '_')}.jpg"
            write_atomically(file, encode_picture(draw_poses(picture, poses), ".jpg"))


if __name__ == "__main__":
    main()

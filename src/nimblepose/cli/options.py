"""Options that several verbs have, so that they read alike everywhere, and what is written in them."""

import dataclasses
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from nimblepose.core.errors import OptionError
from nimblepose.core.geometry import Size
from nimblepose.results.formats import FORMATS

if TYPE_CHECKING:
    from nimblepose.drawing.people import DrawOptions

# Of the model and how it is run


def list_models() -> list[str]:
    """Names for shells to complete."""
    from nimblepose.runtime.models import MODELS, PACKAGED

    return [*PACKAGED, *MODELS]


def list_skeletons() -> list[str]:
    """Names for shells to complete."""
    from nimblepose.core.skeleton import BUILT_IN

    return list(BUILT_IN)


ModelOption = Annotated[
    str | None,
    typer.Option("--model", "-m", autocompletion=list_models, help="Name or file; see `nimblepose model list`."),
]
BackendOption = Annotated[
    Literal["auto", "onnxruntime", "openvino", "torch"], typer.Option(help="What runs the network.")
]
ThreadsOption = Annotated[int, typer.Option(min=0, help="0: all usable cores.")]
_HEIGHT = "Height the network sees; larger finds smaller people, more slowly. Without it that which the model is for."
PassHeightOption = Annotated[int | None, typer.Option(min=32, max=4096, help=_HEIGHT)]  # or the quality says it
HeightOption = PassHeightOption  # or it is 368
QualityOption = Annotated[
    Literal["fast", "balanced", "best"] | None,
    typer.Option(
        help="How closely to look. Pictures: whole, then again at whoever is too small or too large; without it "
        "balanced, or one pass at --input-height, or at the height that the model says it was made for. Videos: at the "
        "whole and where people are expected, at the same cost for every frame; without it one pass."
    ),
]
AnyWayOption = Annotated[
    bool, typer.Option("--any-way-up", help="Of pictures: find people who lie or are upside down, too; slower.")
]
MinScoreOption = Annotated[
    float | None,
    typer.Option(
        min=0, max=1, help="Leave out people of a lower score; 0 shows every guess. Without it what suits --quality."
    ),
]
ScalesOption = Annotated[
    list[str],
    typer.Option(
        metavar="NUMBER,...",
        help="Average one pass over these multiples of the height, such as 0.5,1,1.5,2: more is found, more slowly.",
    ),
]
ONE_SCALE = ["1"]
MaxPeopleOption = Annotated[
    int,
    typer.Option(
        "--max-people", "--max-poses", min=0, help="Only so many of each picture or frame, the best; 0: everybody."
    ),
]
FlipOption = Annotated[
    bool, typer.Option("--flip", help="Average with the mirrored picture: better, at twice the time.")
]
CompleteOption = Annotated[
    bool,
    typer.Option("--complete", help="Of pictures: put keypoints not found where they should be; their score is 0."),
]
MaxPixelsOption = Annotated[
    int,
    typer.Option(
        "--max-pixels",
        min=1,
        help="Of a picture. JPEGs with more are read reduced, other files refused.",
    ),
]
SkeletonOption = Annotated[
    str,
    typer.Option("--skeleton", "-s", autocompletion=list_skeletons, help="A built-in name, or a YAML or JSON file."),
]
LicenceOption = Annotated[str | None, typer.Option(help="Licence of the weights, written into the checkpoint.")]
SeedOption = Annotated[int, typer.Option(help="Of what is left to chance; the same seed gives the same result.")]

# Annotated pictures

DataOption = Annotated[
    Path | None, typer.Option("--data", "-d", help="Folder in COCO layout; or give --images and --annotations.")
]
ImagesOption = Annotated[Path | None, typer.Option(help="Folder of the annotated pictures.")]
AnnotationsOption = Annotated[Path | None, typer.Option(help="COCO keypoint file, .json or .json.gz.")]
LimitOption = Annotated[int, typer.Option(min=0, help="Only the first so many pictures; 0: all.")]

# What is written

FileOption = Annotated[Path, typer.Option("--out", "-o", help="File to write.")]
CheckpointOption = Annotated[Path, typer.Option("--out", "-o", help="Checkpoint to write (.safetensors).")]
OnnxOption = Annotated[Path, typer.Option("--out", "-o", help="ONNX file to write.")]
ReportOption = Annotated[Path | None, typer.Option(help="Write the figures with all it takes to repeat them (.json).")]
OutOption = Annotated[
    Path | None, typer.Option("--out", "-o", help="Folder for all results; without it, next to each source.")
]
FormatOption = Annotated[
    list[str],
    typer.Option(
        "--format",
        "-f",
        metavar="NAME,...",
        autocompletion=lambda: [f.name for f in FORMATS],
        help=f"Any of these, with commas or repeated: {', '.join(f'{f.name} ({f.help})' for f in FORMATS)}.",
    ),
]
OWN_FORMAT = ["json"]
PicturesOption = Annotated[
    bool, typer.Option("--pictures/--no-pictures", help="Write annotated pictures and videos; without is faster.")
]
PixelsOption = Annotated[
    bool, typer.Option("--pixels", help="The file takes pixels, uint8, and normalises them: faster.")
]
RangeOption = Annotated[
    str,
    typer.Option(
        "--range",
        metavar="LOW,HIGH",
        help="Values of pictures of more than 8 bits that become black and white; auto: those there; full: all.",
    ),
]
RotateOption = Annotated[
    Literal["0", "90", "180", "270"],
    typer.Option(
        "--rotate",
        help="Turn pictures and frames so many degrees with the clock first, for cameras that hang on their side or "
        "head; results are in pixels of what was turned.",
    ),
]
WebRuntimeOption = Annotated[
    Path | None,
    typer.Option(
        "--runtime",
        help="Folder of the files of ONNX Runtime Web 1.30.0, its `dist`; without it those of the cache, which `web` "
        "fetches.",
    ),
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")]

# Labels of other tools

FromOption = Annotated[str | None, typer.Option("--from", help="Whose labels or results they are; else it is seen.")]
StrictOption = Annotated[
    bool, typer.Option("--strict", help="What cannot be taken, or would be lost, is an error; nothing is written.")
]

# What is drawn

_DRAWING = "Drawing"
ColourOption = Annotated[
    Literal["auto", "limb", "person"],
    typer.Option(rich_help_panel=_DRAWING, help="Colours; auto: by person where there are identities, else by limb."),
]
ScoresOption = Annotated[bool, typer.Option("--scores", rich_help_panel=_DRAWING, help="Write each person's score.")]
LineWidthOption = Annotated[
    float,
    typer.Option(
        "--line-width",
        min=0.1,
        max=10,
        rich_help_panel=_DRAWING,
        help="Of limbs and outlines, times the usual width.",
    ),
]
CanvasOption = Annotated[
    Literal["picture", "black", "controlnet"],
    typer.Option(
        rich_help_panel=_DRAWING,
        help="What is drawn on: the picture, black, or black with limbs and colours as ControlNet knows them.",
    ),
]
BoxesOption = Annotated[bool, typer.Option("--boxes", rich_help_panel=_DRAWING, help="Draw boxes.")]
ErrorsOption = Annotated[
    bool,
    typer.Option(
        "--errors",
        rich_help_panel=_DRAWING,
        help="Draw circles of the error to expect of each keypoint, one standard deviation.",
    ),
]
LooksOption = Annotated[
    bool,
    typer.Option("--looks", rich_help_panel=_DRAWING, help="Of pictures: draw the parts that were looked at again."),
]
TrailsOption = Annotated[
    float, typer.Option(min=0, rich_help_panel=_DRAWING, help="Seconds of everybody's way to draw; 0: none.")
]
BlurOption = Annotated[
    bool,
    typer.Option(
        "--blur-faces",
        rich_help_panel=_DRAWING,
        help="Blur whatever may be a head, of people left out of the results, too. No guarantee: see docs/privacy.md.",
    ),
]

# Videos

_VIDEO = "Videos"
EveryOption = Annotated[int, typer.Option(min=1, rich_help_panel=_VIDEO, help="Take every n-th frame.")]
StartOption = Annotated[str, typer.Option(rich_help_panel=_VIDEO, help="Begin here: seconds, or h:mm:ss.")]
EndOption = Annotated[str | None, typer.Option(rich_help_panel=_VIDEO, help="Stop before: seconds, or h:mm:ss.")]
SmoothOption = Annotated[
    Literal["live", "offline", "off"],
    typer.Option(
        rich_help_panel=_VIDEO,
        help="Steady keypoints: without looking ahead; or, of files, in a second pass that also fills short gaps.",
    ),
]
ResumeOption = Annotated[
    bool, typer.Option("--resume", help="Go on where a run with the same sources and options broke off.")
]
ShowOption = Annotated[
    bool,
    typer.Option("--show", help="Open a window; q or Esc ends. Of pictures: any other key goes on to the next one."),
]
RateOption = Annotated[
    float,
    typer.Option(min=0.01, max=10_000, rich_help_panel=_VIDEO, help="Frames per second of folders and pages."),
]


def parse_seconds(text: str) -> float:
    """A time as people write it.

    >>> parse_seconds("90"), parse_seconds("1:30"), parse_seconds("1:00:02.5")
    (90.0, 90.0, 3602.5)

    Raises:
        OptionError: it is none.
    """
    try:
        parts = [float(part) for part in text.split(":")]
        if len(parts) > 3 or any(not 0 <= part < 1e9 for part in parts):
            raise ValueError(text)
    except ValueError as error:
        raise OptionError(f"{text!r} is no time; write seconds, or h:mm:ss") from error
    return sum(part * factor for part, factor in zip(reversed(parts), (1, 60, 3600), strict=False))


def parse_numbers(text: str, *, option: str, like: str) -> tuple[float, ...]:
    """Numbers separated by commas, as `option` takes them, such as those that `like` shows.

    Raises:
        OptionError: something else, `inf` and `nan` included.
    """
    try:
        numbers = tuple(float(part) for part in text.split(","))
        if not all(map(math.isfinite, numbers)):
            raise ValueError(text)
    except ValueError as error:
        raise OptionError(f"{option} takes numbers separated by commas, such as {like}; got {text!r}") from error
    return numbers


def scale_lines(options: "DrawOptions", factor: float) -> "DrawOptions":
    """The same with lines so many times as wide, for `--line-width`."""
    return dataclasses.replace(
        options, line_width=factor * options.line_width, max_line_width=factor * options.max_line_width
    )


def parse_scales(given: Sequence[str]) -> tuple[float, ...]:
    """What `--scales` was given, once or more often.

    >>> parse_scales(["0.5,1", "2"])
    (0.5, 1.0, 2.0)

    Raises:
        OptionError: no numbers.
    """
    return parse_numbers(",".join(given), option="--scales", like="0.5,1,1.5,2")


def parse_part(start: str, end: str | None) -> tuple[float, float | None]:
    """The seconds from `--start` to `--end`.

    >>> parse_part("1:00", "2:00")
    (60.0, 120.0)

    Raises:
        OptionError: no times, or nothing between them.
    """
    begin, stop = parse_seconds(start), None if end is None else parse_seconds(end)
    if stop is not None and stop <= begin:
        raise OptionError(f"--end {end} is not after --start {start}, so nothing would be left")
    return begin, stop


def parse_size(text: str) -> Size:
    """HEIGHTxWIDTH in pixels.

    >>> parse_size("256x456")
    (256, 456)

    Raises:
        OptionError: something else.
    """
    match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text.strip().lower())
    if match is None:
        raise OptionError(f"a size is HEIGHTxWIDTH, such as 256x456; got {text!r}")
    return int(match[1]), int(match[2])


def find_set(
    folder: Path | None, images: Path | None, annotations: Path | None, *, option: str = "--data"
) -> tuple[Path, Path]:
    """Annotation file and folder of pictures, however they were given; `option` is what gives the folder of both.

    Raises:
        OptionError: given in neither or both ways.
        DataError: the folder does not hold one set.
    """
    from nimblepose.data.sets import locate_set

    if folder is not None and (images or annotations):
        raise OptionError(f"give either {option}, or both --images and --annotations")
    if folder is not None:
        return locate_set(folder)
    if annotations is None or images is None:
        raise OptionError(f"give {option}, or both --images and --annotations")
    return annotations, images

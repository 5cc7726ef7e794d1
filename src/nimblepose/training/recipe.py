"""Recipe: everything that decides what a run will do. YAML <-> frozen dataclasses; contradictions are errors."""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

from nimblepose.codec.encode import EncodeOptions
from nimblepose.core.errors import TrainingError
from nimblepose.core.geometry import Size
from nimblepose.core.text import describe_error
from nimblepose.data.augment import AugmentOptions
from nimblepose.data.centres import CentreOptions
from nimblepose.data.dataset import SampleOptions
from nimblepose.model.network import NetworkOptions
from nimblepose.runtime.models import MODELS, PACKAGED, STARTS
from nimblepose.training.loss import LossOptions
from nimblepose.training.optimizer import OptimizerOptions, ScheduleOptions
from nimblepose.training.options import from_plain, override, place, to_plain
from nimblepose.training.trackers import TrackerName

_MAX_FILE_BYTES = 1_000_000  # a recipe is a page of text
_HEIGHT = 368  # the paper's input, in validation of networks for pictures of all kinds


def list_start_names() -> list[str]:
    """What `start` may name; anything else is a file."""
    return [*PACKAGED, *STARTS, *MODELS]


@dataclass(frozen=True, kw_only=True)
class DataOptions:
    """Which pictures; relative paths start at the recipe's folder."""

    annotations: tuple[str, ...] = ()  # COCO keypoint files, .json or .json.gz
    images: tuple[str, ...] = ()  # their picture folders, one each
    skeleton: str = "human18"  # a built-in name or a YAML file
    size: Size = (368, 368)  # (height, width) of the samples in pixels
    detail: float = 1.0  # samples are read (and blurred, and so on) this much larger, for views that look closer
    workers: int = 2  # processes that read and augment; 0: none but the trainer itself
    max_unreadable: float = 0.01  # fraction of samples; more, and the run stops
    negatives: float = 0.0  # of the samples: completely labelled pictures without anybody; the loss counts everywhere


@dataclass(frozen=True, kw_only=True)
class ValidationOptions:
    """Real AP and pixel errors by the product's own estimator."""

    annotations: str = ""  # empty: no validation
    images: str = ""
    every: int = 1000  # steps; also at the end of each phase
    patience: int = 0  # a phase ends after so many validations in a row that were not the best; 0: never
    height: int | None = None  # of the input; the model carries it, and all verbs use it. None: see `Recipe.height`
    max_pictures: int = 0  # the first so many with people; 0: all
    pictures: int = 4  # that are drawn, labels beside what was found; without annotations samples and their fields


@dataclass(frozen=True, kw_only=True)
class View:
    """One way in which a teacher looks at a sample."""

    scale: float = 1.0  # sides of the sample are multiplied by it
    mirrored: bool = False


@dataclass(frozen=True, kw_only=True)
class DistillOptions:
    """A teacher's fields as soft targets, mixed with the drawn ones."""

    teacher: str = ""  # a checkpoint; empty: none
    weight: float = 0.0  # of the teacher's fields in the targets, 0..1
    background: float | None = None  # away from the labelled, where labels are partial; else 0. None: `weight`
    views: tuple[View, ...] = (View(),)  # its fields are the mean over them: better with every view, and slower
    in_turn: bool = False  # one view per sample instead: over the steps the same mean, at the price of one
    blend: float = 0.0  # of the samples: blended with another (mixup), and taught by the teacher alone


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One run, of one or more phases. A phase is the recipe with some of its values replaced (`resolve`)."""

    name: str = "run"
    seed: int = 0
    data: DataOptions = field(default_factory=DataOptions)
    augment: AugmentOptions = field(default_factory=AugmentOptions)
    centres: CentreOptions = field(default_factory=CentreOptions)
    encode: EncodeOptions = field(default_factory=EncodeOptions)
    network: NetworkOptions = field(default_factory=NetworkOptions)
    start: str = ""  # a name or a file: a model of ours, or public weights; what fits is taken. Empty: from scratch
    freeze: tuple[str, ...] = ()  # parts by name: model, cpm, initial_stage, refinement_stages.0, ...
    batch_norm: Literal["train", "frozen", "sync"] = "train"
    batch_size: int = 80  # over all processes and accumulated parts
    accumulate: int = 1  # parts in which a process takes its share of a batch
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true"
    loss: LossOptions = field(default_factory=LossOptions)
    optimizer: OptimizerOptions = field(default_factory=OptimizerOptions)
    schedule: ScheduleOptions = field(default_factory=ScheduleOptions)
    average: float = 0.0  # decay of the moving average of weights; 0: none
    distill: DistillOptions = field(default_factory=DistillOptions)
    validation: ValidationOptions = field(default_factory=ValidationOptions)
    checkpoint_every: int = 500  # steps between states to resume from; also at each validation
    max_loss_growth: float = 100.0  # times the recent median: beyond, the run stops
    tensorboard: bool = True
    trackers: tuple[TrackerName, ...] = ()  # wandb, mlflow: where the run is told of, too
    accelerator: Literal["auto", "cpu", "cuda"] = "auto"
    devices: int = 1  # processes per machine
    machines: int = 1
    phases: tuple[Mapping[str, Any], ...] = ()  # for each, dotted keys and the values they take, one after the other
    ship_refinement_stages: int | None = None  # of the shipped network; the last ones are dropped at the end
    licence: str = "unknown"  # written into the checkpoints

    def __post_init__(self) -> None:
        """Find contradictions that need no data; `check` finds the others."""
        for fault in _find_faults(self):
            raise TrainingError(f"recipe {self.name!r}: {fault}")

    def resolve(self) -> list["Recipe"]:
        """One recipe per phase, without phases of its own.

        Raises:
            TrainingError: a phase names what does not exist, or contradicts itself.
        """
        plain = to_plain(self) | {"phases": []}
        found = []
        for number, changes in enumerate(self.phases or [{}]):
            changed = to_plain(plain)
            for key, value in changes.items():
                place(changed, str(key), value)
            try:
                found.append(from_plain(Recipe, changed))
            except TrainingError as error:
                raise TrainingError(f"phase {number}: {error}") from error
        return found

    @property
    def height(self) -> int:
        """Of the input in validation: what is said; else the pictures' in samples, or 368 where people set the scale.

        Only a height that is said makes the network one for pictures of that height; see `ModelMetadata.input_height`.
        """
        if self.validation.height is not None:
            return self.validation.height
        if self.augment.relative_to != "picture" and self.augment.centre != "picture":
            return _HEIGHT
        return max(1, round(self.augment.fill * self.data.size[0] / self.encode.stride)) * self.encode.stride

    @property
    def sample_options(self) -> SampleOptions:
        """What the dataset needs to know."""
        return SampleOptions(
            size=self.data.size,
            detail=self.data.detail,
            augment=self.augment,
            encode=self.encode,
            centres=self.centres,
            negatives=self.data.negatives,
        )


def load_recipe(path: Path, assignments: Iterable[str] = ()) -> Recipe:
    """Read a recipe, apply `key=value` overrides, resolve its paths against its folder.

    Raises:
        TrainingError: unreadable, misspelt, of the wrong kind or contradictory.
    """
    try:
        if path.stat().st_size > _MAX_FILE_BYTES:
            raise TrainingError(f"{path}: larger than {_MAX_FILE_BYTES} bytes; this is not a recipe")
        plain = yaml.safe_load(path.read_text("utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise TrainingError(f"cannot read recipe {path}: {describe_error(error)}") from error
    if not isinstance(plain, dict):
        raise TrainingError(f"{path}: expected a mapping of options, got {type(plain).__name__}")
    try:
        recipe = from_plain(Recipe, override(plain, assignments))
        recipe.resolve()
    except TrainingError as error:
        raise TrainingError(f"{path}: {error}") from error
    return resolve_paths(recipe, path.parent)


def resolve_paths(recipe: Recipe, folder: Path) -> Recipe:
    """The same with relative paths made to start at a folder."""

    def join(text: str) -> str:
        return str(folder / text) if text else text

    skeleton = recipe.data.skeleton
    if Path(skeleton).suffix:  # a file, not a built-in name
        skeleton = join(skeleton)
    data, validation = recipe.data, recipe.validation
    return dataclasses.replace(
        recipe,
        data=dataclasses.replace(
            data,
            annotations=tuple(map(join, data.annotations)),
            images=tuple(map(join, data.images)),
            skeleton=skeleton,
        ),
        validation=dataclasses.replace(
            validation, annotations=join(validation.annotations), images=join(validation.images)
        ),
        distill=dataclasses.replace(recipe.distill, teacher=join(recipe.distill.teacher)),
        start=recipe.start if recipe.start in list_start_names() else join(recipe.start),
    )


def _find_faults(recipe: Recipe) -> Iterable[str]:
    """Sentences about what cannot be."""
    data, share = recipe.data, recipe.batch_size / (recipe.devices * recipe.machines * recipe.accumulate)
    stride = recipe.encode.stride
    processes = recipe.devices * recipe.machines
    if not data.annotations:
        yield "data.annotations names no file"
    if len(data.annotations) != len(data.images):
        yield f"data: {len(data.annotations)} annotation files but {len(data.images)} picture folders; one for each"
    if any(side < stride or side % stride for side in data.size):
        yield f"data.size {data.size} must be multiples of encode.stride {stride}"
    if not 1 <= data.detail <= 4 or any(side * data.detail % 1 for side in data.size):
        yield f"data.detail {data.detail} must be in 1..4 and make whole numbers of the sides {data.size}"
    if min(recipe.batch_size, recipe.accumulate, recipe.devices, recipe.machines) < 1:
        yield "batch_size, accumulate, devices and machines must be at least 1"
    elif share != int(share) or share < 1:
        yield (
            f"batch_size {recipe.batch_size} does not divide into {processes} processes x {recipe.accumulate} parts; "
            f"make it a multiple of {processes * recipe.accumulate}"
        )
    if recipe.precision == "16-mixed" and recipe.accelerator == "cpu":
        yield "precision 16-mixed needs a GPU; on a CPU use bf16-mixed or 32-true"
    if recipe.batch_norm == "sync" and (processes == 1 or recipe.accelerator == "cpu"):
        yield "batch_norm sync needs several GPUs; use frozen (equal on any number of processes) or train"
    distill = recipe.distill
    weights = [distill.weight, distill.background or 0.0]
    if bool(distill.teacher) != (max(weights) > 0) or not all(0 <= weight <= 1 for weight in weights):
        yield "distill needs both, a teacher and a weight (of its own or for the background) in 0..1"
    if (distill.views != (View(),) or distill.in_turn or distill.blend or data.detail != 1) and not distill.teacher:
        yield "distill.views, in_turn and blend, and data.detail, are given without distill.teacher"
    if not 0 <= distill.blend <= 1:
        yield f"distill.blend is a part of the samples, in 0..1, got {distill.blend}"
    if not distill.views or not all(0.25 <= view.scale <= 4 for view in distill.views):
        yield "distill.views needs at least one, of a scale in 0.25..4"
    if recipe.validation.annotations and not recipe.validation.images:
        yield "validation.annotations is given without validation.images"
    if recipe.validation.patience < 0 or (recipe.validation.patience and not recipe.validation.annotations):
        yield "validation.patience must not be negative, and needs validation.annotations to judge by"
    height = recipe.validation.height
    if height is not None and not 32 <= height <= 4096:
        yield f"validation.height must be in 32..4096, got {height}"
    if min(recipe.validation.every, recipe.checkpoint_every) < 1:
        yield "validation.every and checkpoint_every must be at least 1"
    if not 0 <= recipe.average < 1:
        yield f"average must be in 0..1 (0.999 is usual), got {recipe.average}"
    if recipe.max_loss_growth <= 1:
        yield "max_loss_growth must be more than 1"
    if data.workers < 0 or not 0 <= data.max_unreadable <= 1:
        yield "data.workers must not be negative, data.max_unreadable lies in 0..1"
    if not 0 <= data.negatives <= 0.9:
        yield f"data.negatives is a part of the samples, in 0..0.9, got {data.negatives}"
    ship = recipe.ship_refinement_stages
    if ship is not None and not recipe.phases and not 0 <= ship <= recipe.network.refinement_stages:
        yield f"ship_refinement_stages {ship} is not among the network's {recipe.network.refinement_stages}"

"""Records -> training samples as tensors. Sample `i` of epoch `e` is a function of (seed, e, i) alone.

That is what makes a run resumable to the bit: neither the number of workers nor the moment of a crash matters.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from nimblepose.codec.encode import REFERENCE, EncodeOptions, encode
from nimblepose.core.errors import DataError, MediaError
from nimblepose.core.files import write_atomically
from nimblepose.core.geometry import Size, from_corner
from nimblepose.core.skeleton import Skeleton
from nimblepose.core.text import describe_error
from nimblepose.data.augment import AugmentOptions, Sample, choose_warp, disturb_picture, measure_subject, warp
from nimblepose.data.centres import CentreOptions, choose_centres
from nimblepose.data.coco import Record, load_records
from nimblepose.data.regions import paint_regions
from nimblepose.drawing.fields import draw_fields, tile
from nimblepose.media.encoding import encode_picture
from nimblepose.media.pictures import read_picture

_ANY, _WHOLE, _NOBODY = -1, -1, -2  # in place of a picture's number, and of a person's
_HEIGHT = (0.3, 1.0)  # of the picture's: how large whoever is not there may be
_REDUCED = {2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4, 8: cv2.IMREAD_REDUCED_COLOR_8}


class SampleBatch(NamedTuple):
    """What the loader hands to the loop; `heatmaps` and `pafs` are empty (B, 0, 0, 0) if the device draws them."""

    image: Tensor  # (B, 3, H, W) uint8, RGB; its sides times `detail`
    xy: Tensor  # (B, N, K, 2) float32, input pixels, NaN where not labelled or nobody
    loss_mask: Tensor  # (B, h, w) float32: 1 where the loss counts, 0 where not
    heatmaps: Tensor  # (B, K + 1, h, w) float32
    pafs: Tensor  # (B, 2L, h, w) float32
    unreadable: Tensor  # (B,) int64: 1 for a picture that could not be read; it counts nowhere
    partial: Tensor  # (B,) float32: 1 for a picture whose labels may miss people


@dataclass(frozen=True, kw_only=True)
class SampleOptions:
    """From record to tensors."""

    size: Size = (368, 368)
    detail: float = 1.0  # images are larger by this factor than the input, for a teacher that looks closer
    augment: AugmentOptions = field(default_factory=AugmentOptions)
    encode: EncodeOptions = REFERENCE
    centres: CentreOptions = field(default_factory=CentreOptions)
    negatives: float = 0.0  # of the samples: pictures in which nobody is
    draw_targets: bool = True  # False: leave it to the device


class PoseDataset(Dataset[SampleBatch]):
    """One sample per person (or per picture with people, if samples are centred on pictures), and then negatives.

    Indices are (epoch, number) pairs packed by `SampleOrder`: `index = epoch * len(dataset) + number`. A negative is
    one of the pictures that are completely labelled and show nobody, chosen anew every time.

    Raises:
        DataError: negatives are asked for, and there is no such picture.
    """

    def __init__(self, records: Sequence[Record], skeleton: Skeleton, options: SampleOptions, *, seed: int) -> None:
        self.records, self.skeleton, self.options, self.seed = list(records), skeleton, options, seed
        chosen = [choose_centres(record, options.centres) for record in self.records]
        if options.augment.centre == "picture":
            chosen = [[_WHOLE] if record.people.labelled.any() else [] for record in self.records]
        self.samples = [(i, person) for i, people in enumerate(chosen) for person in people]
        self.empty = [i for i, record in enumerate(self.records) if not (len(record.people.areas) or record.partial)]
        negatives = round(len(self.samples) * options.negatives / (1 - options.negatives))
        if negatives and not self.empty:
            raise DataError(
                "negatives are asked for, but every picture has people, or labels that may miss some; "
                "add pictures without annotations, or set data.negatives=0"
            )
        self.samples += [(_ANY, _NOBODY)] * negatives

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> SampleBatch:
        """One sample as a batch of one; an unreadable picture gives a sample that counts nowhere."""
        epoch, number = divmod(index, len(self.samples))
        rng = np.random.default_rng([self.seed, epoch, number])
        which, _ = self.samples[number]
        partial = which != _ANY and self.records[which].partial
        try:
            return to_batch(self.draw(number, rng), self.skeleton, self.options, partial=partial)
        except MediaError:
            return build_unreadable(self.skeleton, self.options)

    def draw(self, number: int, rng: np.random.Generator) -> Sample:
        """Read and augment one sample.

        Raises:
            MediaError: the picture is missing, damaged, or of another size than the annotations say.
        """
        which, person = self.samples[number]
        if which == _ANY:
            which = self.empty[rng.integers(len(self.empty))]
        record, augment = self.records[which], self.options.augment
        x, y, w, h = self._choose_box(record, person, rng)
        measure = measure_subject((h, w), record.size, augment)
        middle = from_corner(np.array([x + w / 2, y + h / 2]))
        how = choose_warp(middle, measure, self.options.size, augment, rng)
        reduced = next((r for r in (8, 4, 2) if how.factor * self.options.detail <= 1 / r), 1)
        image = read_reduced(record.path, record.size, reduced)
        sample = Sample(image, record.xy, paint_regions(record.ignore, record.size))
        size, detail = self.options.size, self.options.detail
        return disturb_picture(warp(sample, how, size, self.skeleton, reduced=reduced, detail=detail), augment, rng)

    def _choose_box(self, record: Record, person: int, rng: np.random.Generator) -> tuple[float, float, float, float]:
        """What a sample is centred on, as x, y, width, height: a person, the picture, or where somebody might be."""
        height, width = record.size
        if person >= 0:
            x, y, w, h = record.boxes[person].tolist()
            return x, y, w, h
        if person == _WHOLE or self.options.augment.centre == "picture":
            return 0.0, 0.0, width, height
        side = height * rng.uniform(*_HEIGHT)
        x, y = rng.uniform((0, 0), (width, height)).tolist()
        return x - side / 2, y - side / 2, side, side


def read_reduced(path: Path, size: Size, reduced: int) -> NDArray[np.uint8]:
    """A picture at 1/reduced of its size (rounded up), RGB, upright.

    JPEG is decoded at the smaller size, which averages blocks of pixels: faster than decoding all and free of
    aliasing.

    Raises:
        MediaError: missing, damaged, or not of `size` = (height, width).
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise MediaError(f"cannot read {path}: {describe_error(error)}") from error
    expected = tuple(-(-length // reduced) for length in size)
    if data[:2] == b"\xff\xd8" and data.rstrip(b"\0")[-2:] == b"\xff\xd9":
        decoded = cv2.imdecode(np.frombuffer(data, np.uint8), _REDUCED.get(reduced, cv2.IMREAD_COLOR))
        if decoded is None:
            raise MediaError(f"{path} is damaged: its JPEG data cannot be decoded; fetch or copy it again")
        image = np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), np.uint8)
    else:
        image = read_picture(data)
        if reduced > 1 and image.shape[:2] == size:
            image = np.asarray(cv2.resize(image, expected[::-1], interpolation=cv2.INTER_AREA), np.uint8)
    if image.shape[:2] != expected:
        raise MediaError(
            f"{path}: annotations say (height, width) {size}, the picture at 1/{reduced} has {image.shape[:2]}"
        )
    return image


def to_batch(sample: Sample, skeleton: Skeleton, options: SampleOptions, *, partial: bool = False) -> SampleBatch:
    """A batch of one, with targets if they are drawn here."""
    stride = options.encode.stride
    cells = (options.size[0] // stride, options.size[1] // stride)
    loss_mask = ~sample.ignore[stride // 2 :: stride, stride // 2 :: stride]  # a cell counts if its middle does
    wh = np.array(options.size[::-1], np.float32)
    within = ((sample.xy >= 0) & (sample.xy < wh)).all(-1).any(-1)
    xy = sample.xy[within]
    if options.draw_targets:
        heatmaps, pafs = encode(xy, cells, skeleton, options.encode)
    else:
        heatmaps = pafs = np.zeros((0, 0, 0), np.float32)
    return SampleBatch(
        torch.from_numpy(np.ascontiguousarray(sample.image.transpose(2, 0, 1)))[None],
        torch.from_numpy(np.ascontiguousarray(xy))[None],
        torch.from_numpy(loss_mask.astype(np.float32))[None],
        torch.from_numpy(np.ascontiguousarray(heatmaps))[None],
        torch.from_numpy(np.ascontiguousarray(pafs))[None],
        torch.zeros(1, dtype=torch.int64),
        torch.full((1,), float(partial)),
    )


def build_unreadable(skeleton: Skeleton, options: SampleOptions) -> SampleBatch:
    """A gray sample that counts nowhere and says so."""
    image = np.full((*(round(side * options.detail) for side in options.size), 3), 128, np.uint8)
    nobody = np.zeros((0, len(skeleton.keypoints), 2), np.float32)
    sample = Sample(image, nobody, np.ones(options.size, bool))
    return to_batch(sample, skeleton, options)._replace(unreadable=torch.ones(1, dtype=torch.int64))


def write_sheet(
    sets: Sequence[tuple[Path, Path]],
    skeleton: Skeleton,
    path: Path,
    *,
    samples: int,
    seed: int,
    options: SampleOptions | None = None,
) -> None:
    """Draw random training samples with their targets into one picture.

    Args:
        sets: Annotation files, each with the folder of its pictures.
        skeleton: Of the annotations.
        path: The picture to write; an existing one is replaced.
        samples: How many.
        seed: Chooses them and how they are augmented.
        options: How samples are made, as a recipe says; None: the defaults, of everybody who is labelled.

    Raises:
        DataError: nobody to show.
        MediaError: a picture that cannot be read, or the sheet cannot be written.
    """
    records = load_records([a for a, _ in sets], [i for _, i in sets], skeleton)
    options = options or SampleOptions(centres=CentreOptions(min_keypoints=1, min_area=0))
    dataset = PoseDataset(records, skeleton, options, seed=seed)
    if not len(dataset):
        raise DataError("nobody has keypoints, so there is nothing to show")
    rng = np.random.default_rng(seed)
    drawn = []
    for number in rng.permutation(len(dataset))[:samples].tolist():
        sample = dataset.draw(number, rng)
        cells = (options.size[0] // options.encode.stride, options.size[1] // options.encode.stride)
        image = np.where(sample.ignore[..., None], sample.image // 4, sample.image)  # dark: does not count
        drawn.append(draw_fields(image, *encode(sample.xy, cells, skeleton, options.encode)))
    write_atomically(path, encode_picture(tile(drawn, columns=2), path.suffix or ".png"))


def collate(samples: Sequence[SampleBatch]) -> SampleBatch:
    """Batches of one -> a batch; pictures with fewer people are filled with nobody (NaN)."""
    people = max(sample.xy.shape[1] for sample in samples)
    padded = [
        torch.nn.functional.pad(s.xy, (0, 0, 0, 0, 0, people - s.xy.shape[1]), value=float("nan")) for s in samples
    ]
    columns = [
        torch.cat(column)
        for column in zip(*(s._replace(xy=p) for s, p in zip(samples, padded, strict=True)), strict=True)
    ]
    return SampleBatch(*columns)


class SampleOrder:
    """Which samples make step `s`: the same for any number of processes and workers.

    Every epoch is its own shuffle; what is left over at its end (less than a batch) is dropped. Process `rank` of
    `world` takes its share of each global batch, so that several processes do together what one would do alone.
    """

    def __init__(self, length: int, batch_size: int, *, seed: int, rank: int = 0, world: int = 1) -> None:
        self.length, self.batch_size, self.seed, self.rank, self.world = length, batch_size, seed, rank, world
        self.steps_per_epoch = length // batch_size

    def list_indices(self, step: int) -> list[int]:
        """Indices of this process's share of the global batch of a step, counted from 0 over the whole run."""
        epoch, number = divmod(step, self.steps_per_epoch)
        shuffled = np.random.default_rng([self.seed, epoch, self.length]).permutation(self.length)
        share = self.batch_size // self.world
        first = number * self.batch_size + self.rank * share
        return [int(epoch * self.length + i) for i in shuffled[first : first + share]]

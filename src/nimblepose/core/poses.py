"""Poses: N people x K keypoints as arrays, and the same as other people's formats."""

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from nimblepose.core.controlnet import to_controlnet
from nimblepose.core.errors import ShapeError, SkeletonError
from nimblepose.core.geometry import Size, from_corner, to_corner
from nimblepose.core.optional import import_optional
from nimblepose.core.person import Person
from nimblepose.core.skeleton import COCO_17, Skeleton
from nimblepose.core.sketch import tabulate
from nimblepose.core.supervision import list_edges, to_key_points

if TYPE_CHECKING:
    import pandas as pd

ROW_COLUMNS = ("person", "person_score", "keypoint", "x", "y", "score", "interpolated", "error")


@dataclass(frozen=True, eq=False, repr=False)
class Poses:
    """N people in one picture, best first as the decoder gives them.

    A number chooses one of them (`poses[0]`, a `Person`), whatever else an array takes chooses some (`poses[:2]`,
    `poses[mask]`, `Poses` again); iterating gives one `Person` after the other.

    What is of the picture, and not of its people, stays as it is when they are chosen: `skeleton`, `heads`, `shot`,
    `camera_shift`, `looks` and `input_pixels`.

    Attributes:
        skeleton: Names and limbs of the K keypoints.
        keypoints: (N, K, 2) float32, x and y in picture pixels (first pixel's centre is (0, 0)); NaN = not found. Of
            completed poses none is NaN; those that were not found have score 0.
        keypoint_scores: (N, K) float32 in [0, 1]; 0 where not found, also where the pose was completed.
        scores: (N,) float32 in [0, 1], the OKS to expect of the pose where the model knows, else about that.
        track_ids: (N,) int64 identities over time, or None.
        interpolated: (N, K) bool, keypoints that were not seen but put between earlier and later ones; None: none.
        keypoint_errors: (N, K) float32, by how much a keypoint is expected to be off, in picture pixels: one standard
            deviation along x and along y, so that 39 % lie within it and 86 % within twice as much; NaN where it was
            not seen; None: the model does not know (see `nimblepose model poses`).
        limb_colours: (N, L, 3) float32, mean colour of the picture along each limb, NaN = not found; or None.
        heads: (M, 5) float32, wherever a head may be in the picture, surely or hardly, of the people here or of those
            left out: ellipses, x, y, half width, half height in picture pixels, and a score; None: not looked for.
        shot: Of a video, the number of the shot, from one hard cut to the next, that the picture belongs to.
        camera_shift: Of a video, how far the camera's motion has moved everything in the picture since the frame
            before, x and y in pixels; (0, 0) where it was at rest, or where that is not known.
        looks: (M, 4) float32, parts of the picture that were looked at again, x, y, width, height in picture pixels,
            counted from the corner of the first pixel; None: it was looked at as a whole only.
        input_pixels: That the network was shown to find them, looks included; 0: not known.

    Raises:
        ShapeError: an array of another shape.
    """

    skeleton: Skeleton
    keypoints: NDArray[np.float32]
    keypoint_scores: NDArray[np.float32]
    scores: NDArray[np.float32]
    track_ids: NDArray[np.int64] | None = None
    interpolated: NDArray[np.bool_] | None = None
    limb_colours: NDArray[np.float32] | None = None
    heads: NDArray[np.float32] | None = None
    shot: int = 0
    camera_shift: tuple[float, float] = (0.0, 0.0)
    looks: NDArray[np.float32] | None = None
    input_pixels: int = 0
    keypoint_errors: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        """Check shapes once, here, so that no function downstream has to."""
        n, k = len(self.scores), len(self.skeleton.keypoints)
        shapes = (self.keypoints.shape, self.keypoint_scores.shape, self.scores.shape)
        if shapes != ((n, k, 2), (n, k), (n,)):
            raise ShapeError(
                f"expected keypoints ({n}, {k}, 2), keypoint_scores ({n}, {k}), scores ({n},) for skeleton "
                f"{self.skeleton.name!r}, got {shapes}"
            )
        if self.track_ids is not None and self.track_ids.shape != (n,):
            raise ShapeError(f"expected track_ids ({n},), got {self.track_ids.shape}")
        if self.interpolated is not None and self.interpolated.shape != (n, k):
            raise ShapeError(f"expected interpolated ({n}, {k}), got {self.interpolated.shape}")
        if self.keypoint_errors is not None and self.keypoint_errors.shape != (n, k):
            raise ShapeError(f"expected keypoint_errors ({n}, {k}), got {self.keypoint_errors.shape}")
        limbs = len(self.skeleton.limbs)
        if self.limb_colours is not None and self.limb_colours.shape != (n, limbs, 3):
            raise ShapeError(f"expected limb_colours ({n}, {limbs}, 3), got {self.limb_colours.shape}")
        if self.heads is not None and self.heads.shape != (len(self.heads), 5):
            raise ShapeError(f"expected heads (M, 5), got {self.heads.shape}")
        if self.looks is not None and self.looks.shape != (len(self.looks), 4):
            raise ShapeError(f"expected looks (M, 4), got {self.looks.shape}")

    @classmethod
    def empty(cls, skeleton: Skeleton) -> "Poses":
        """Nobody."""
        k = len(skeleton.keypoints)
        return cls(skeleton, np.zeros((0, k, 2), np.float32), np.zeros((0, k), np.float32), np.zeros(0, np.float32))

    def __len__(self) -> int:
        return len(self.scores)

    @overload
    def __getitem__(self, index: int | np.integer[Any]) -> Person: ...
    @overload
    def __getitem__(self, index: Any) -> "Poses": ...
    def __getitem__(self, index: Any) -> "Poses | Person":
        chosen = np.arange(len(self))[index]
        return self._choose(chosen) if np.ndim(chosen) else Person(self._choose(chosen[None]))

    def _choose(self, chosen: NDArray[np.intp]) -> "Poses":
        return dataclasses.replace(
            self,
            keypoints=self.keypoints[chosen],
            keypoint_scores=self.keypoint_scores[chosen],
            scores=self.scores[chosen],
            track_ids=None if self.track_ids is None else self.track_ids[chosen],
            interpolated=None if self.interpolated is None else self.interpolated[chosen],
            limb_colours=None if self.limb_colours is None else self.limb_colours[chosen],
            keypoint_errors=None if self.keypoint_errors is None else self.keypoint_errors[chosen],
        )

    def __iter__(self) -> Iterator[Person]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        best = f", best score {self.scores.max():.2f}" if len(self) else ""
        who = "" if self.track_ids is None else f", ids {_list(self.track_ids.tolist())}"
        return f"<Poses: {len(self)} {'person' if len(self) == 1 else 'people'} of {self.skeleton.name!r}{best}{who}>"

    def _repr_html_(self) -> str:
        return tabulate(self)

    @property
    def found(self) -> NDArray[np.bool_]:
        """Which keypoints were found, (N, K)."""
        return ~np.isnan(self.keypoints[..., 0])

    @property
    def seen(self) -> NDArray[np.bool_]:
        """Which keypoints were found, and not put in place by the rest of the pose, (N, K)."""
        return self.found & (self.keypoint_scores > 0)

    @property
    def interpolation_flags(self) -> NDArray[np.bool_]:
        """`interpolated`, and all False where it is None, (N, K)."""
        return np.zeros(self.keypoint_scores.shape, bool) if self.interpolated is None else self.interpolated

    @property
    def boxes(self) -> NDArray[np.float32]:
        """Smallest boxes around the found keypoints, (N, 4) as x, y, width, height in pixels; NaN if none was found."""
        boxes = np.full((len(self), 4), np.nan, np.float32)
        some = self.found.any(axis=1)
        low, high = np.nanmin(self.keypoints[some], axis=1), np.nanmax(self.keypoints[some], axis=1)
        boxes[some] = np.concatenate([low, high - low], axis=-1)
        return boxes

    def to_skeleton(self, skeleton: Skeleton) -> "Poses":
        """The same people with the keypoints of another skeleton, matched by name; those we lack are NaN.

        Raises:
            SkeletonError: the two skeletons share no keypoint name.
        """
        shared = [name for name in skeleton.keypoints if name in self.skeleton.keypoints]
        if not shared:
            raise SkeletonError(f"skeletons {self.skeleton.name!r} and {skeleton.name!r} share no keypoint name")
        to = [skeleton.keypoints.index(name) for name in shared]
        ours = [self.skeleton.keypoints.index(name) for name in shared]
        k = len(skeleton.keypoints)
        keypoints = np.full((len(self), k, 2), np.nan, np.float32)
        scores = np.zeros((len(self), k), np.float32)
        keypoints[:, to], scores[:, to] = self.keypoints[:, ours], self.keypoint_scores[:, ours]
        flags = None
        if self.interpolated is not None:
            flags = np.zeros(scores.shape, bool)
            flags[:, to] = self.interpolated[:, ours]
        errors = None
        if self.keypoint_errors is not None:
            errors = np.full(scores.shape, np.nan, np.float32)
            errors[:, to] = self.keypoint_errors[:, ours]
        return dataclasses.replace(
            self,
            skeleton=skeleton,
            keypoints=keypoints,
            keypoint_scores=scores,
            interpolated=flags,
            keypoint_errors=errors,
            limb_colours=None,  # the limbs are others
        )

    # Other people's formats ------------------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: people with box, score and a list of keypoints; those not found are left out.

        Where the model knows what a keypoint is worth, every one has `error` in pixels, None of those that were not
        seen. After interpolation every keypoint has `interpolated`, true or false. All people and keypoints of a run
        have the same fields, so that readers may learn them from the first ones.
        """
        people = []
        flags, errors = self.interpolation_flags, self.keypoint_errors
        for i, (found, box) in enumerate(zip(self.found, self.boxes, strict=True)):
            person: dict[str, Any] = {"score": _round(self.scores[i], 4)}
            if self.track_ids is not None:
                person["track_id"] = int(self.track_ids[i])
            person["box"] = [_round(v, 2) for v in box] if found.any() else None
            person["keypoints"] = [
                {
                    "name": name,
                    "x": _round(self.keypoints[i, k, 0], 2),
                    "y": _round(self.keypoints[i, k, 1], 2),
                    "score": _round(self.keypoint_scores[i, k], 4),
                    **({} if errors is None else {"error": _round_known(errors[i, k], 2)}),
                    **({} if self.interpolated is None else {"interpolated": bool(flags[i, k])}),
                }
                for k, name in enumerate(self.skeleton.keypoints)
                if found[k]
            ]
            people.append(person)
        return {"skeleton": self.skeleton.name, "people": people}

    def to_coco(
        self, image_id: int, *, category_id: int = 1, max_people: int | None = None, file_name: str | None = None
    ) -> list[dict[str, Any]]:
        """COCO results, best first: annotated keypoints only, in the order of annotation files.

        COCO counts from the corner of the first pixel, so 0.5 is added to our pixel centres. Keypoints not found are
        written as 0, 0, 0, as COCO does for keypoints that are not labelled; `bbox` is around the others (without it,
        readers put one around the zeros, too). People with identities have a `track_id`; after interpolation each has
        `interpolated`, 0 or 1 per keypoint.

        Args:
            image_id: Of the picture.
            category_id: Of the kind of body.
            max_people: Only so many; average precision counts 20 per picture. None: everybody.
            file_name: Of the picture, written into each result if it is given.
        """
        order = np.argsort(-self.scores, kind="stable")[:max_people]
        xy = self.keypoints[order][:, self.skeleton.annotated_indices]
        score = self.keypoint_scores[order][:, self.skeleton.annotated_indices]
        rows = np.nan_to_num(np.concatenate([to_corner(xy), score[..., None]], axis=-1))
        rows[np.isnan(xy[..., 0])] = 0
        boxes = np.zeros((len(rows), 4), np.float32)
        for box, row, found in zip(boxes, rows, ~np.isnan(xy[..., 0]), strict=True):
            if found.any():
                low, high = row[found, :2].min(axis=0), row[found, :2].max(axis=0)
                box[:] = *low, *(high - low)
        results = []
        for i, row, box in zip(order, rows, boxes, strict=True):
            result: dict[str, Any] = {
                "image_id": int(image_id),
                "category_id": int(category_id),
                "keypoints": [_round(v, 3) for v in row.ravel()],
                "bbox": [_round(v, 3) for v in box],
                "score": float(self.scores[i]),
            }
            if file_name is not None:
                result["file_name"] = file_name
            if self.track_ids is not None:
                result["track_id"] = int(self.track_ids[i])
            if self.interpolated is not None:
                result["interpolated"] = self.interpolated[i, self.skeleton.annotated_indices].astype(int).tolist()
            results.append(result)
        return results

    def to_openpose(self, size: Size) -> dict[str, Any]:
        """One frame as OpenPose writes it, with the canvas fields that ControlNet tools expect.

        `pose_keypoints_2d` is x, y, score of each keypoint in this skeleton's order (human18 has OpenPose's own);
        0, 0, 0 = not found. After interpolation each person has `pose_interpolated_2d`, 0 or 1 per keypoint.

        Args:
            size: (height, width) of the picture in pixels.
        """
        rows = np.concatenate([self.keypoints, self.keypoint_scores[..., None]], axis=-1)
        rows[~self.found] = 0
        ids = [-1] * len(self) if self.track_ids is None else self.track_ids.tolist()
        people: list[dict[str, Any]] = [
            {
                "person_id": [int(i)],
                "pose_keypoints_2d": [round(float(v), 4) for v in row.ravel()],
                "face_keypoints_2d": [],
                "hand_left_keypoints_2d": [],
                "hand_right_keypoints_2d": [],
            }
            for i, row in zip(ids, rows, strict=True)
        ]
        if self.interpolated is not None:
            for person, flags in zip(people, self.interpolated, strict=True):
                person["pose_interpolated_2d"] = flags.astype(int).tolist()
        return {"version": 1.3, "canvas_height": int(size[0]), "canvas_width": int(size[1]), "people": people}

    def to_controlnet(self, size: Size) -> dict[str, Any]:
        """One frame as ControlNet's and ComfyUI's readers take it, whose files are lists of such frames.

        OpenPose's 18 keypoints as x, y in pixels of the canvas and a confidence of exactly 1, or 0, 0, 0 = not found:
        they keep only keypoints of confidence 1.

        Args:
            size: (height, width) of the picture in pixels.

        Raises:
            SkeletonError: the skeleton has none of these keypoints.
        """
        return to_controlnet(self, size)

    def to_rows(self) -> list[tuple[int, float, str, float, float, float, bool, float]]:
        """Tidy rows of the found keypoints, columns `ROW_COLUMNS`; person is the track id if there is one.

        `error` is NaN where it is not known.
        """
        who = range(len(self)) if self.track_ids is None else self.track_ids
        flags, errors = self.interpolation_flags, self.keypoint_errors
        errors = np.full(flags.shape, np.nan) if errors is None else errors
        return [
            (int(person), float(person_score), name, float(x), float(y), float(score), bool(flag), float(error))
            for person, person_score, *arrays in zip(
                who, self.scores, self.keypoints, self.keypoint_scores, flags, errors, strict=True
            )
            for name, (x, y), score, flag, error in zip(self.skeleton.keypoints, *arrays, strict=True)
            if not np.isnan(x)
        ]

    def to_dataframe(self) -> "pd.DataFrame":
        """`to_rows` as a pandas table.

        Raises:
            MissingPackageError: pandas is not installed.
        """
        table: pd.DataFrame = import_optional("pandas", "a table").DataFrame(self.to_rows(), columns=list(ROW_COLUMNS))
        return table

    def to_supervision(self) -> Any:
        """As `supervision.KeyPoints`, one row per pose, those without keypoints, too.

        Keypoints not found are (0, 0) there, by its convention, not `visible`, and of confidence 0; what is not finite
        is nowhere. `detection_confidence` are our `scores`, `class_id` is 0, and `data` has the number of the `pose`
        here, since `as_detections` leaves out those without keypoints, and its `track_id` where there is one. It knows
        no skeleton: give `supervision_edges` to `EdgeAnnotator(edges=...)`, which otherwise goes by the number of
        keypoints and draws none for 18.

        Raises:
            MissingPackageError: supervision is not installed.
        """
        return to_key_points(self)

    @property
    def supervision_edges(self) -> list[tuple[int, int]]:
        """The limbs of a body as pairs of keypoints counted from 1, as supervision's annotators take them."""
        return list_edges(self.skeleton)


def from_coco_people(people: Sequence[dict[str, Any]], skeleton: Skeleton = COCO_17) -> Poses:
    """COCO annotations or results to `Poses` (the inverse of `to_coco`); score 1 where the file gives none.

    What annotations do not label has visibility 0; in results, which have a score, only what lies at 0, 0 is missing.
    """
    shape = (len(people), len(skeleton.annotated), 3)
    raw = np.array([person["keypoints"] for person in people], np.float32).reshape(shape)
    results = np.array(["score" in person for person in people], bool).reshape(-1, 1)
    labelled = (raw[..., 2] > 0) | (results & (raw[..., :2] != 0).any(axis=-1))
    xy = np.where(labelled[..., None], from_corner(raw[..., :2]), np.nan).astype(np.float32)
    full = skeleton.from_annotated(xy)
    scores = np.array([person.get("score", 1.0) for person in people], np.float32)
    return Poses(skeleton, full, (~np.isnan(full[..., 0])).astype(np.float32), scores)


def _list(ids: Sequence[int], most: int = 8) -> str:
    return " ".join(map(str, ids[:most])) + (" ..." if len(ids) > most else "")


def _round(value: Any, digits: int) -> float:
    return round(float(value), digits)


def _round_known(value: Any, digits: int) -> float | None:
    return None if np.isnan(value) else round(float(value), digits)

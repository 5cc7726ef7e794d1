"""What is labelled beside what was found, to look at."""

import dataclasses

import cv2
import numpy as np
from numpy.typing import NDArray

from nimblepose.core.geometry import rescale
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import Skeleton
from nimblepose.data.coco import Record
from nimblepose.drawing.people import draw_poses
from nimblepose.media.pictures import Picture


def list_annotated(record: Record, skeleton: Skeleton) -> Poses:
    """The labelled people of a picture as poses in its pixels, of score 1."""
    labelled = (~np.isnan(record.xy[..., 0])).astype(np.float32)
    return Poses(skeleton, record.xy, labelled, np.ones(len(record.xy), np.float32))


def draw_comparison(record: Record, picture: Picture, found: Poses, *, height: int) -> Picture:
    """Labelled people on the left, what was found on the right, (height, 2 w, 3).

    Args:
        record: The labels.
        picture: (H, W, 3) RGB of the record; it may have been read reduced.
        found: In pixels of the record.
        height: Pixels of what is drawn: small pictures are enlarged first, so that lines and dots are not.
    """
    people, factor = list_annotated(record, found.skeleton), height / record.size[0]
    width = max(1, round(record.size[1] * factor))
    how = cv2.INTER_AREA if height < picture.shape[0] else cv2.INTER_LINEAR
    canvas = np.asarray(cv2.resize(picture, (width, height), interpolation=how), np.uint8)
    halves = [draw_poses(canvas, _scale(poses, factor)) for poses in (people, found)]
    return np.concatenate(halves, axis=1)


def stack(pictures: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Pictures below each other, filled with white to the widest."""
    width = max(picture.shape[1] for picture in pictures)
    fill = [((0, 0), (0, width - picture.shape[1]), (0, 0)) for picture in pictures]
    padded = [np.pad(p, f, constant_values=255) for p, f in zip(pictures, fill, strict=True)]
    return np.concatenate(padded)


def _scale(poses: Poses, factor: float) -> Poses:
    errors = None if poses.keypoint_errors is None else poses.keypoint_errors * np.float32(factor)
    keypoints = rescale(poses.keypoints, factor).astype(np.float32)
    return dataclasses.replace(poses, keypoints=keypoints, keypoint_errors=errors)

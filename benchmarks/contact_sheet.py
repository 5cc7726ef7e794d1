"""Frames of a video, evenly spread, as one picture to look at: `python benchmarks/contact_sheet.py VIDEO OUT.png`."""

import argparse
from pathlib import Path

import cv2
import numpy as np

from nimblepose.media.pictures import Picture
from nimblepose.media.sources import open_frames


def contact_sheet(video: Path, *, columns: int, rows: int, width: int, start: float, end: float | None) -> Picture:
    """Frames of the part chosen, row by row, each `width` pixels wide, with its index in a corner."""
    frames = [f for f in open_frames(video) if f.time >= start and (end is None or f.time < end)]
    chosen = [frames[i] for i in np.linspace(0, len(frames) - 1, min(len(frames), columns * rows)).round().astype(int)]
    tiles = []
    for frame in chosen:
        height = round(frame.image.shape[0] * width / frame.image.shape[1])
        tile = cv2.resize(frame.image, (width, height), interpolation=cv2.INTER_AREA)
        cv2.putText(tile, str(frame.index), (4, height - 6), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 0), 1)
        tiles.append(tile)
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % columns)
    return np.vstack([np.hstack(tiles[i : i + columns]) for i in range(0, len(tiles), columns)])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("video", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--columns", type=int, default=5)
    parser.add_argument("--rows", type=int, default=6)
    parser.add_argument("--width", type=int, default=384, help="of each frame, in pixels")
    parser.add_argument("--start", type=float, default=0.0, help="seconds")
    parser.add_argument("--end", type=float, help="seconds")
    options = parser.parse_args()
    sheet = contact_sheet(
        options.video, columns=options.columns, rows=options.rows, width=options.width, start=options.start,
        end=options.end,
    )  # fmt: skip
    cv2.imwrite(str(options.out), sheet[..., ::-1])

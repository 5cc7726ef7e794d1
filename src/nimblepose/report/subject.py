"""What a section of the page is about: one file of results, gathered, and what is at hand of its source."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from nimblepose.media.pictures import Picture
from nimblepose.report.bins import Sighting
from nimblepose.report.gathering import Gathered


def _find_nothing(sighting: Sighting) -> Picture | None:
    return None


def _link_nothing(sighting: Sighting) -> str:
    return ""


@dataclass(frozen=True)
class Subject:
    """One section.

    Attributes:
        name: Of the video, or of the results about pictures.
        results: Of the file that it was read from.
        is_video: Or pictures.
        gathered: What was found.
        model: Name of the model; "" where the results do not say.
        started: Of live sources: when time was 0.
        complete: Does the file tell of frames and pictures without anybody, too?
        sizes_known: Did it say how large frames and pictures are?
        still: A frame of the video.
        find_still: The picture or frame of a sighting; None if it is not at hand, or not wanted.
        find_link: Address of the picture of a sighting, or of the video at its time; "" if it is not at hand.
    """

    name: str
    results: str
    is_video: bool
    gathered: Gathered
    model: str = ""
    started: datetime | None = None
    complete: bool = True
    sizes_known: bool = True
    still: Picture | None = None
    find_still: Callable[[Sighting], Picture | None] = _find_nothing
    find_link: Callable[[Sighting], str] = _link_nothing

"""Where the results of a video go: the annotated video and every format asked for, frame by frame."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nimblepose.core.heads import gather_heads
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import Skeleton
from nimblepose.drawing.faces import RecentHeads
from nimblepose.drawing.people import DrawOptions
from nimblepose.drawing.surface import Surface, draw_on
from nimblepose.drawing.trails import Trails
from nimblepose.media.audio import Sound
from nimblepose.media.finding import ANNOTATED
from nimblepose.media.frames import FrameSource, Stamp
from nimblepose.media.pictures import Picture
from nimblepose.media.video_writer import VideoWriter
from nimblepose.results.formats import own
from nimblepose.results.output_format import Header, OutputFormat, PoseFile, to_text


@dataclass(frozen=True, kw_only=True)
class VideoSinkOptions:
    """What is written of a video."""

    formats: Sequence[OutputFormat] = (own.FORMAT,)
    video: bool = True  # write the annotated video
    draw: DrawOptions = field(default_factory=DrawOptions)
    trails: Trails | None = None  # drawn below people; None: none
    canvas: Surface = "picture"  # what is drawn on


class VideoSink:
    """Writes `STEM.poses.mp4`, and `STEM.poses.jsonl` and so on, one file (or folder) per format.

    All of them grow under a partial name (`STEM.poses.partial.mp4`), hold whole frames at any time, and get their names
    together when the run is complete. Older results are replaced then, and not before.
    """

    def __init__(
        self,
        stem: Path,
        source: FrameSource,
        options: VideoSinkOptions,
        *,
        model: str,
        skeleton: Skeleton,
        begin: float = 0.0,
        sound: Path | None = None,
    ) -> None:
        """Begin all files but the video, which begins with its first picture.

        Args:
            stem: Folder and beginning of all names.
            source: What is read: tells rate and pixel aspect.
            options: What to write.
            model: Name of the model, written into the results.
            skeleton: Of everybody, likewise.
            begin: Seconds of the source at which the annotated video begins.
            sound: The file whose sound it gets.

        Raises:
            MediaError: the folder is missing or not writable.
            MissingPackageError: a format needs a package that is not installed.
        """
        self.options, self._source, self._stem, self._begin, self._sound = options, source, stem, begin, sound
        self._files: list[PoseFile] = []
        self._video: VideoWriter | None = None
        self._trails = options.trails
        self._heads = RecentHeads()
        info = source.info
        header = Header(
            model=model,
            skeletons=(skeleton,),
            source=to_text(info.name),
            rate=None if info.rate is None else float(info.rate),
            started=info.started,
            rotation=info.rotation,
        )
        try:
            for maker in (chosen.video for chosen in options.formats if chosen.video):
                self._files.append(maker.begin(stem.with_name(stem.name + maker.ending), header))
        except Exception:
            self.close()
            raise

    def add(self, stamp: Stamp, poses: Poses, picture: Picture | None = None) -> Picture | None:
        """Write what belongs to the next frame; the drawn picture, if there is one.

        Args:
            stamp: Place and time of the frame.
            poses: The people in it; where faces are blurred, with `heads`, or only theirs are.
            picture: (H, W, 3) uint8 RGB; needed if there is a video.

        Raises:
            MediaError: a file cannot be written.
        """
        drawn = None
        for file in self._files:
            file.add(stamp, poses)
        if picture is not None:
            if self._trails is not None:
                self._trails = self._trails.extend(poses, stamp.time)
            aspect = float(self._source.info.pixel_aspect)
            if self.options.draw.blur_faces:
                self._heads = self._heads.extend(gather_heads(poses, pixel_aspect=aspect), stamp.time)
                poses = dataclasses.replace(poses, heads=self._heads.heads)
            drawn = draw_on(
                self.options.canvas, picture, poses, self.options.draw, trails=self._trails, pixel_aspect=aspect
            )
            if self.options.video:
                self._writer().add(drawn, stamp.time)
        return drawn

    def finish(self) -> list[Path]:
        """Give all files their names and return them.

        Raises:
            MediaError: a file cannot be completed.
        """
        written = [self._video.finish()] if self._video else []
        return written + [file.finish() for file in self._files]

    def close(self) -> None:
        """Leave the files under their partial names, readable up to the last frames."""
        for file in self._files:
            file.close()
        if self._video:
            self._video.close()

    def _writer(self) -> VideoWriter:
        if self._video is None:
            sound = Sound(self._sound) if self._sound else None
            path = self._stem.with_name(f"{self._stem.name}{ANNOTATED}.mp4")
            self._video = VideoWriter(path, self._source.info, begin=self._begin, sound=sound)
        return self._video

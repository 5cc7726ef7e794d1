"""Did a video end where its file says it does?"""

from dataclasses import dataclass

_WHOLE = 0.99  # of the declared frames and duration; containers count generously


@dataclass(frozen=True)
class Ending:
    """What is known where the frames of a file come to an end."""

    declared: int  # frames, as the file counts them; 0: it does not
    duration: float  # seconds, likewise
    step: float  # seconds from frame to frame, on average
    cut_off: bool = False  # the file is shorter than its own headers say
    broken: str | None = None  # why it could not be read on

    def has_all(self, frames: int) -> bool:
        """Are these the frames that the file declares, or nearly?"""
        return bool(self.declared) and frames >= self.declared * _WHOLE - 1

    def tell(self, name: str, frames: int, latest: float) -> str | None:
        """What went wrong, in a sentence; None: nothing.

        Args:
            name: Of the file.
            frames: That were decoded, all of them.
            latest: Seconds at which the last one is shown; below 0: there was none.
        """
        # What headers count is more than there is to see where a clip was trimmed without encoding it again.
        too_short = bool(self.declared) and latest + 2 * self.step < self.duration * _WHOLE
        broken = self.broken
        if broken is None and not self.has_all(frames) and (too_short or self.cut_off):
            broken = f"{name} breaks off"
        if broken:
            of = f" of {self.declared}" if self.declared else ""
            return f"{broken}; {frames}{of} frames were whole, up to {max(latest, 0):.2f} s"
        return None if latest >= 0 else f"{name}: no frame in it could be decoded"

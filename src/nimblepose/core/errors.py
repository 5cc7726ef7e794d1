"""What can go wrong, as few types: every error that is meant for a caller is a `PoseError`.

Python's own protocols aside: an index too far is an `IndexError`, a name that does not exist an `AttributeError`.
"""

from nimblepose.core.text import make_printable


class PoseError(Exception):
    """Parent of every error that nimblepose raises for its callers; the message names the thing and the remedy."""

    def __str__(self) -> str:
        """The message, fit for a terminal whatever the names in it hold."""
        return make_printable(super().__str__())


class SkeletonError(PoseError, ValueError):
    """A skeleton that contradicts itself, or does not fit the data it is used with."""


class ShapeError(PoseError, ValueError):
    """Arrays that do not fit together, or a size that nothing can have."""


class MediaError(PoseError, OSError):
    """A picture, video or output file that cannot be read or written."""


class TooManyPixelsError(MediaError):
    """A picture or video that declares more pixels than may be decoded: the file may well be whole."""


class ModelError(PoseError, ValueError):
    """A model file or checkpoint that cannot be used."""


class DownloadError(PoseError, OSError):
    """A model file that could not be fetched, or that arrived other than it should be."""


class OptionError(PoseError, ValueError):
    """An option of a value that it cannot have, or options that contradict each other."""


class MissingPackageError(PoseError, ImportError):
    """An optional package is missing; the message says what to install."""


class ProcessorError(PoseError, ImportError):
    """A package that this processor cannot run; importing it would end the process."""


class DataError(PoseError, ValueError):
    """Annotations that are missing, malformed or contradict the pictures."""


class TrainingError(PoseError, RuntimeError):
    """A recipe that contradicts itself, or a run that cannot go on."""

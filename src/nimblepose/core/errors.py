"""What can go wrong, as few types: every error raised on purpose is a `PoseError`."""

from nimblepose.core.text import printable


class PoseError(Exception):
    """Parent of every error that nimblepose raises on purpose; the message names the thing and the remedy."""

    def __str__(self) -> str:
        """The message, fit for a terminal whatever the names in it hold."""
        return printable(super().__str__())


class SkeletonError(PoseError, ValueError):
    """A skeleton that contradicts itself, or does not fit the data it is used with."""


class MediaError(PoseError, OSError):
    """A picture, video or output file that cannot be read or written."""


class ModelError(PoseError, ValueError):
    """A model file, checkpoint or option that cannot be used."""


class DownloadError(PoseError, OSError):
    """A model file that could not be fetched, or that arrived other than it should be."""


class MissingPackageError(PoseError, ImportError):
    """An optional package is missing; the message says what to install."""


class ProcessorError(PoseError, ImportError):
    """A package that this processor cannot run; importing it would end the process."""


class DataError(PoseError, ValueError):
    """Annotations that are missing, malformed or contradict the pictures."""


class TrainingError(PoseError, RuntimeError):
    """A recipe that contradicts itself, or a run that cannot go on."""

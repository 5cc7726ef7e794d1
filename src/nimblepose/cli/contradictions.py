"""Options that were given and cannot have an effect: refused with the reason, instead of being ignored in silence."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import typer

from nimblepose.core.errors import OptionError
from nimblepose.media.suffixes import PICTURE_SUFFIXES

_FILES = (
    *PICTURE_SUFFIXES, ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".json", ".jsonl", ".csv", ".parquet", ".html",
    ".htm", ".onnx", ".xml", ".safetensors", ".pt", ".pth", ".yaml", ".zip",
)  # fmt: skip


@dataclass(frozen=True)
class Given:
    """The options of a call, as they were written."""

    options: Mapping[str, str]  # name of the parameter -> how it is written

    @classmethod
    def of(cls, context: typer.Context) -> "Given":
        """What stands on the command line, without defaults."""
        found = {}
        for parameter in context.command.params:
            source = context.get_parameter_source(parameter.name or "")
            if source is not None and source.name != "DEFAULT" and parameter.name:
                off = context.params.get(parameter.name) is False and parameter.secondary_opts
                found[parameter.name] = max(parameter.secondary_opts if off else parameter.opts, key=len)
        return cls(found)

    def refuse(self, names: Iterable[str], because: str) -> None:
        """Say which of them have no effect.

        Args:
            names: Of parameters.
            because: Why they have none, and what to do.

        Raises:
            OptionError: at least one was given.
        """
        written = [self.options[name] for name in names if name in self.options]
        if written:
            raise OptionError(f"{', '.join(written)}: {because}")


DRAWING = ("colour_by", "scores", "boxes", "errors", "looks", "trails", "blur_faces", "line_width", "canvas")
"""Options of what is drawn."""


def check_folder(out: Path | None, *, option: str = "--out") -> None:
    """Refuse a file's name where a folder is asked for: `-o result.jpg` would make a folder of that name.

    Raises:
        OptionError: it looks like one, and there is no such folder.
    """
    if out is not None and out.suffix.lower() in _FILES and not out.is_dir():
        raise OptionError(
            f"{option} takes a folder, and {out} is the name of a file; give {out.with_suffix('')} or another folder "
            "(files in it are named after the sources)"
        )

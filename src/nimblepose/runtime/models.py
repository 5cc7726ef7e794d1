"""Which model files exist, where they lie, and how they get there, verified."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nimblepose.core.errors import DownloadError, ModelError
from nimblepose.core.progress import StageProgress
from nimblepose.core.web import OFFLINE_VARIABLE, download, is_offline

MODEL_VARIABLE = "NIMBLEPOSE_MODEL"  # name or path of the model to use when none is given
CACHE_VARIABLE = "NIMBLEPOSE_CACHE"  # folder for fetched models instead of the user's cache


@dataclass(frozen=True)
class ModelFile:
    """One file of a named model."""

    url: str
    size: int  # bytes
    sha384: str

    @property
    def name(self) -> str:
        """File name, the last part of the address."""
        return self.url.rpartition("/")[2]

    def is_intact(self, path: Path) -> bool:
        """Is this very file at `path`?"""
        if not path.is_file() or path.stat().st_size != self.size:
            return False
        return _sha384(path) == self.sha384


@dataclass(frozen=True)
class NamedModel:
    """A model that can be asked for by name; the first file is the one that runtimes open."""

    name: str
    description: str
    licence: str
    files: tuple[ModelFile, ...]

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(file.size for file in self.files)


def _sha384(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha384").hexdigest()


_WEIGHTS = Path(__file__).parents[1] / "weights"

DEMO_PICTURE = _WEIGHTS / "people.jpg"  # free to redistribute, see NOTICE


@dataclass(frozen=True)
class PackagedModel:
    """A model that came with the package: no download, no path."""

    name: str
    description: str
    licence: str
    file: str
    sha384: str

    @property
    def path(self) -> Path:
        """Where it lies."""
        return _WEIGHTS / self.file

    def is_intact(self) -> bool:
        """Is it there, as it was shipped?"""
        return self.path.is_file() and _sha384(self.path) == self.sha384


PACKAGED: dict[str, PackagedModel] = {
    model.name: model
    for model in (
        PackagedModel(
            name="human",
            description="18 keypoints of people, int8; fine-tuned by this project, see docs/model-card.md",
            licence="Apache-2.0",
            file="human.onnx",
            sha384="07f125fb39f1bb7693de54b2776bee685e2fd2e8a61ac0182aa8c94c39a6df65779316fe68108dd80f76e2e6c7561d53",
        ),
    )
}

STARTS: dict[str, PackagedModel] = {
    model.name: model
    for model in (
        PackagedModel(
            name="creature-025",
            description="to start trainings from: a quarter of the width, drawn creatures; see docs/model-card.md",
            licence="Apache-2.0",
            file="creature-025.safetensors",
            sha384="ad48004c8e50244cbf8b7d4bf76463bb620b16ba63de3438d981a8ac9b274fcfc85676b418765d78c439df93ebf48624",
        ),
    )
}
"""Networks of the package that find nothing that anybody looks for, and that a training starts well from."""

_OPEN_MODEL_ZOO = "https://storage.openvinotoolkit.org/repositories/open_model_zoo/2023.0/models_bin/1/human-pose-estimation-0001/FP16/"

MODELS: dict[str, NamedModel] = {
    model.name: model
    for model in (
        NamedModel(
            name="human-pose-estimation-0001",
            description="Lightweight OpenPose as trained by Intel, 18 keypoints; Open Model Zoo 2023.0, FP16 IR",
            licence="Apache-2.0",
            files=(
                ModelFile(
                    _OPEN_MODEL_ZOO + "human-pose-estimation-0001.xml",
                    218215,
                    "cffe8df7d053b9cbf858a21faa32e30cb8a645416e9ee4ce3fbcc3106094505477d66a06b7e46d6ddb9c2de4b0cee319",
                ),
                ModelFile(
                    _OPEN_MODEL_ZOO + "human-pose-estimation-0001.bin",
                    8197354,
                    "dabb7be42c5be008de354c6670aa8291c2d18e59f18a1c138df9b5200929a03c1e323930a1d21ecff69d3f06007de67c",
                ),
            ),
        ),
    )
}

DEFAULT_MODEL = "human"


def choose_model(model: str | Path | None = None) -> str:
    """What is asked for, by name or path: what is given, else NIMBLEPOSE_MODEL, else the default model."""
    return str(model or os.environ.get(MODEL_VARIABLE) or DEFAULT_MODEL)


def find_model(model: str | Path | None = None, *, fetch: bool = True, progress: StageProgress | None = None) -> Path:
    """The file of a model given by path or name, else by the variable NIMBLEPOSE_MODEL, else of the default model.

    The models of the package are always there. Another named model that is not in the cache is fetched first, or
    refused if `fetch` is False.

    Raises:
        ModelError: neither a file nor a known name; or the package is not whole.
        DownloadError: the model is not in the cache and cannot be fetched.
    """
    chosen = choose_model(model)
    if chosen in PACKAGED:
        if not PACKAGED[chosen].path.is_file():
            raise ModelError(f"{PACKAGED[chosen].path} is missing from this installation; install nimblepose again")
        return PACKAGED[chosen].path
    if chosen in MODELS:
        here = find_cached(MODELS[chosen])
        if here is None and not fetch:
            raise DownloadError(
                f"{chosen} is not in {find_cache_folder()}; bring it with `nimblepose model fetch {chosen}`"
            )
        return here or fetch_model(MODELS[chosen], progress=progress)
    path = Path(chosen).expanduser()
    if path.is_file():
        return path
    origin = "" if model else f" (from {MODEL_VARIABLE})"
    raise ModelError(
        f"no model {chosen!r}{origin}: neither a file nor one of the named models ({', '.join([*PACKAGED, *MODELS])}); "
        f"see `nimblepose model list`"
    )


def find_cache_folder() -> Path:
    """Where fetched models lie: NIMBLEPOSE_CACHE, else the user's cache folder (XDG_CACHE_HOME on Linux)."""
    if own := os.environ.get(CACHE_VARIABLE):
        return Path(own).expanduser()
    import pooch

    return Path(pooch.os_cache("nimblepose"))


def find_cached(model: NamedModel) -> Path | None:
    """The model's first file if all its files lie intact in the cache."""
    folder = find_cache_folder() / model.name
    intact = all(file.is_intact(folder / file.name) for file in model.files)
    return folder / model.files[0].name if intact else None


def fetch_model(model: NamedModel, *, progress: StageProgress | None = None) -> Path:
    """Bring a named model into the cache, unless it is there, and return its first file.

    Every file is checked by its SHA-384 before it gets its name, so that a broken or foreign file is never used;
    processes that fetch at the same time do not disturb each other.

    Raises:
        DownloadError: switched off, unreachable, or what arrived is not the file; the message says what to do by hand.
    """
    folder = find_cache_folder() / model.name
    for file in model.files:
        if file.is_intact(folder / file.name):
            continue
        if is_offline():
            raise DownloadError(
                f"{model.name} is not complete in {folder}, and {OFFLINE_VARIABLE} is set.\n{explain_by_hand(model)}"
            )
        try:
            _fetch(file, folder, progress)
        except (OSError, ValueError) as error:  # DownloadError is an OSError; pooch refuses checksums by ValueError
            raise DownloadError(f"{model.name}: {error}\n{explain_by_hand(model)}") from error
    return folder / model.files[0].name


def explain_by_hand(model: NamedModel) -> str:
    """What to do where the network is closed."""
    addresses = "\n".join(f"  {file.url}\n    sha384 {file.sha384}" for file in model.files)
    return (
        f"By hand: download on any computer\n{addresses}\n"
        f"into the folder {find_cache_folder() / model.name} (or one of your choice, and give the path of "
        f"{model.files[0].name} as model or in {MODEL_VARIABLE})."
    )


def _fetch(file: ModelFile, folder: Path, progress: StageProgress | None) -> None:
    """Let pooch write to a temporary file, compare the checksum and only then rename it."""
    import pooch

    def downloader(url: str, output: str, _: Any) -> None:
        arrived = 0
        with Path(output).open("wb") as target:
            for chunk in download(url, max_bytes=file.size):
                target.write(chunk)
                arrived += len(chunk)
                if progress:
                    progress(file.name, arrived, file.size)

    folder.mkdir(parents=True, exist_ok=True)
    pooch.get_logger().setLevel("WARNING")  # progress is shown by the caller
    pooch.retrieve(file.url, f"sha384:{file.sha384}", fname=file.name, path=folder, downloader=downloader)

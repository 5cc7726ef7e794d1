"""The network a phase starts from: fresh, or with the weights of an earlier one wherever they fit."""

import dataclasses
import logging
from pathlib import Path

import numpy as np
import torch

from nimblepose.core.errors import ModelError, TrainingError
from nimblepose.core.geometry import Size
from nimblepose.core.metadata import ModelMetadata, PafGeometry
from nimblepose.core.skeleton import Skeleton
from nimblepose.data.dataset import PoseDataset
from nimblepose.model.importing import import_weights
from nimblepose.model.network import NetworkOptions, PoseNetwork, build_network
from nimblepose.model.norms import find_identity_norms, measure_norms
from nimblepose.runtime.models import STARTS, find_model
from nimblepose.training.feed import normalise, resize
from nimblepose.training.recipe import list_start_names

_log = logging.getLogger(__name__)
_SAMPLES = 32  # whose statistics norms get that have none
_MAY_BE_FRESH = (".heatmaps.", ".pafs.", ".trunk.0.initial.0.")  # their sizes depend on the skeleton


def start_network(
    options: NetworkOptions,
    skeleton: Skeleton,
    source: str,
    *,
    paf_geometry: PafGeometry,
    seed: int,
    licence: str,
    input_height: int | None = None,
) -> tuple[PoseNetwork, ModelMetadata]:
    """Build the network and take over the weights of `source`, if any.

    Fresh may stay: refinement stages that the source lacks, and, where the source has another skeleton, the heads and
    what reads them. What stays fresh is logged. `input_height` is that of the pictures that it will be made for.

    Raises:
        ModelError: the source cannot be read, or holds what cannot be trained.
        DownloadError: it is a name, and cannot be fetched.
        MissingPackageError: it is the model in the package, and onnx is not installed.
        TrainingError: the source is another kind of network.
    """
    network = build_network(options, skeleton, seed=seed)
    metadata = ModelMetadata(
        skeleton=skeleton,
        paf_geometry=paf_geometry,
        licence=licence,
        origin="trained from scratch",
        input_height=input_height,
    )
    if not source:
        return network, metadata
    path = locate_start(source)
    try:  # as it is, if it fits; this also reads ImageNet backbones
        given, origin = import_weights(path, skeleton=skeleton, options=options, seed=seed)
    except ModelError:  # with its own skeleton and stages; what fits is taken
        given, origin = import_weights(path)
    _take_over(network, given, source)
    licence = licence if licence != "unknown" else origin.licence
    if origin.paf_geometry != paf_geometry and _is_same(origin.skeleton, skeleton):
        _log.warning("start: %s has learnt PAFs drawn from the cell's %s", source, origin.paf_geometry)
    return network, dataclasses.replace(
        origin,
        skeleton=skeleton,
        paf_geometry=paf_geometry,
        licence=licence,
        origin=_describe_origin(source, origin),
        prior=origin.prior if origin.skeleton.keypoints == skeleton.keypoints else None,
        scorer=None,  # it knows what poses of the old weights are worth
        errors=None,
        best_size=origin.best_size if origin.skeleton.keypoints == skeleton.keypoints else None,
        input_height=input_height,
    )


def locate_start(source: str) -> Path:
    """The file of a start: in the package, or in the cache, where it is fetched by its checksum unless it is there.

    Raises:
        ModelError: the package is not whole, or there is neither such a name nor such a file.
        DownloadError: it cannot be fetched.
    """
    if source in STARTS:
        if not STARTS[source].is_intact():
            raise ModelError(f"{STARTS[source].path} is missing or damaged; install nimblepose again")
        return STARTS[source].path
    if source not in list_start_names() and not Path(source).is_file():
        raise ModelError(f"start: no file {source!r}, and none of the names {', '.join(list_start_names())}")
    return find_model(source) if source in list_start_names() else Path(source)


def settle_norms(network: PoseNetwork, metadata: ModelMetadata, dataset: PoseDataset, size: Size) -> None:
    """Give BatchNorm that was folded away in the file of the start the statistics of some samples.

    The samples are the same in every process, and so is what comes of them.
    """
    if not any(find_identity_norms(network)):
        return
    chosen = np.linspace(0, len(dataset) - 1, min(_SAMPLES, len(dataset))).round().astype(int).tolist()
    images = torch.cat([dataset[number].image for number in chosen])
    count = measure_norms(network, resize(normalise(images, metadata.input), size))
    _log.info("start: %d norms have the statistics of %d samples", count, len(chosen))


def _take_over(network: PoseNetwork, given: PoseNetwork, source: str) -> None:
    places, state = network.state_dict(), given.state_dict()
    same_skeleton = _is_same(given.skeleton, network.skeleton)
    fresh, wrong = [], []
    for key, place in places.items():
        if key in state and state[key].shape == place.shape and (same_skeleton or not _depends_on_skeleton(key)):
            place.copy_(state[key])
        elif _depends_on_skeleton(key) or (key not in state and key.startswith("refinement_stages.")):
            fresh.append(key)
        else:
            wrong.append(key)
    if wrong:
        raise TrainingError(_explain_mismatch(given.options, network.options, source, wrong))
    if fresh:
        _log.info("start: %s fills all but %d tensors, which stay fresh: %s ...", source, len(fresh), fresh[:3])


def _explain_mismatch(given: NetworkOptions, wanted: NetworkOptions, source: str, wrong: list[str]) -> str:
    """What of a start is other than the recipe asks, in the recipe's words, and what to write into it instead."""
    theirs, ours = given.to_dict(), wanted.to_dict()
    other = [name for name in theirs if theirs[name] != ours[name] and name != "refinement_stages"]
    if not other:  # as of a file whose tensors are not what it says of itself
        return f"start: {source} has other tensors than its kind of network, such as {', '.join(wrong[:3])}"
    has, asked = (", ".join(f"{name} {each[name]}" for name in other) for each in (theirs, ours))
    needed = ", ".join(f"{name}: {theirs[name]}" for name in other)
    return (
        f"start: {source} is another kind of network: it has {has}, and the recipe's network {asked}; write "
        f"`network: {{{needed}}}`, or take a start of the recipe's kind (`start: ''` is none)"
    )


def _is_same(one: Skeleton, other: Skeleton) -> bool:
    return one.keypoints == other.keypoints and one.limbs == other.limbs


def _depends_on_skeleton(key: str) -> bool:
    return any(part in key for part in _MAY_BE_FRESH)


def _describe_origin(source: str, metadata: ModelMetadata) -> str:
    name = Path(source).name
    return f"trained from {name}" + (f" ({metadata.origin})" if metadata.origin and name not in metadata.origin else "")


@torch.no_grad()
def keep_stages(network: PoseNetwork, stages: int | None) -> PoseNetwork:
    """A copy in evaluation mode with the first refinement stages only (None: all)."""
    kept = network.options.refinement_stages if stages is None else stages
    if not 0 <= kept <= network.options.refinement_stages:
        raise TrainingError(
            f"ship_refinement_stages {kept} is more than the network's {network.options.refinement_stages}"
        )
    copy = build_network(dataclasses.replace(network.options, refinement_stages=kept), network.skeleton, seed=0)
    state = network.state_dict()
    copy.load_state_dict({key: state[key] for key in copy.state_dict()})
    return copy.eval()

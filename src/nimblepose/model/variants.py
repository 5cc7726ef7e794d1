"""Named members of the network family, from OpenPose to the network that the paper ships, one change at a time."""

from dataclasses import dataclass, field

from nimblepose.core.geometry import Size
from nimblepose.model.network import NetworkOptions

PAPER_SIZE: Size = (368, 368)
"""Input for which arXiv 1811.12004 gives its figures."""


@dataclass(frozen=True, kw_only=True)
class Variant:
    """A network and what the paper says of it."""

    options: NetworkOptions
    change: str  # in words: down to `lightweight` against the row above, after it against `lightweight`
    paper_gmacs: str = ""  # at PAPER_SIZE, as printed; empty: the paper has no figure
    paper_part_gmacs: dict[str, float] = field(default_factory=dict)


_OPENPOSE = {"backbone": "vgg19", "cpm": "openpose", "two_branch": True, "refinement_block": "7x7"}
_PAPER_PARTS = {
    "backbone": 3.7,
    "conv4_3": 0.3,
    "conv4_4": 0.3,
    "initial stage": 1.3,
    "refinement stage 1": 3.4,
}

VARIANTS: dict[str, Variant] = {
    "openpose-5": Variant(
        options=NetworkOptions.from_dict(_OPENPOSE | {"refinement_stages": 5}),
        change="OpenPose: VGG-19, two branches, 7x7, 5 refinement stages",
        paper_gmacs="136.1",
    ),
    "openpose-1": Variant(
        options=NetworkOptions.from_dict(_OPENPOSE),
        change="4 refinement stages dropped",
        paper_gmacs="about 60",
    ),
    "two-branch-7x7": Variant(
        options=NetworkOptions(two_branch=True, refinement_block="7x7"),
        change="dilated MobileNet v1 and depthwise conv4_3",
    ),
    "single-branch-7x7": Variant(
        options=NetworkOptions(refinement_block="7x7"),
        change="both branches share one trunk",
    ),
    "lightweight": Variant(
        options=NetworkOptions(),
        change="7x7 becomes 1x1 + 3x3 + 3x3 dilated: the paper's network",
        paper_gmacs="9",
        paper_part_gmacs=_PAPER_PARTS,
    ),
    "lightweight-intel": Variant(
        options=NetworkOptions(cpm="intel"),
        change="the same with the conv4_3 of human-pose-estimation-0001",
        paper_gmacs="9",
        paper_part_gmacs=_PAPER_PARTS,
    ),
    "lightweight-0": Variant(
        options=NetworkOptions(refinement_stages=0),
        change="no refinement stage",
        paper_gmacs="5.6",  # its parts up to the initial stage
    ),
    "lightweight-3": Variant(
        options=NetworkOptions(refinement_stages=3),
        change="3 refinement stages, as in the last step of training",
    ),
    "lightweight-undilated": Variant(
        options=NetworkOptions(dilated=False),
        change="MobileNet v1 only as deep as its own stride 8 (conv4_1)",
    ),
    "lightweight-half": Variant(
        options=NetworkOptions(width=0.5),
        change="half the backbone's channels",
    ),
}

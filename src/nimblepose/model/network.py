"""The network family of Lightweight OpenPose (arXiv 1811.12004) and of OpenPose, in the order an image passes.

Parameters are named as in the public checkpoints (`model`, `cpm`, `initial_stage`, `refinement_stages`), so that most
weights load as they are.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, NamedTuple, get_args

import torch
from torch import Tensor, nn

from nimblepose.core.errors import ModelError
from nimblepose.core.skeleton import Skeleton

Backbone = Literal["mobilenet", "vgg19"]
Cpm = Literal["reference", "intel", "openpose"]
RefinementBlock = Literal["dilated", "7x7"]


class FieldTensors(NamedTuple):
    """What a stage predicts, at stride 8: heatmaps (B, K + 1, h, w), last = background; pafs (B, 2L, h, w)."""

    heatmaps: Tensor
    pafs: Tensor


@dataclass(frozen=True, kw_only=True)
class NetworkOptions:
    """Which member of the family; the defaults are the network that the paper ships.

    Raises:
        ModelError: an option outside of what can be built.
    """

    backbone: Backbone = "mobilenet"
    width: float = 1.0  # multiplies the channels of the backbone
    dilated: bool = True  # MobileNet up to conv5_5 by dilation; else up to conv4_1, the deepest layer at stride 8
    cpm: Cpm = "reference"  # how backbone features become `channels`; a fact of the weights, see docs/network.md
    refinement_stages: int = 1
    two_branch: bool = False  # OpenPose: heatmaps and PAFs share no layer of a stage
    refinement_block: RefinementBlock = "dilated"
    channels: int = 128  # of the features and of every trunk
    initial_head_channels: int = 512

    def __post_init__(self) -> None:
        """Refuse what cannot be built; model files of strangers come through here, so sizes are bounded."""
        for name, known in (("backbone", Backbone), ("cpm", Cpm), ("refinement_block", RefinementBlock)):
            if getattr(self, name) not in get_args(known):
                raise ModelError(f"network option {name} must be one of {get_args(known)}, got {getattr(self, name)!r}")
        for name in ("dilated", "two_branch"):
            if not isinstance(getattr(self, name), bool):
                raise ModelError(f"network option {name} must be true or false, got {getattr(self, name)!r}")
        bounds = {"refinement_stages": (0, 10), "channels": (8, 1024), "initial_head_channels": (8, 4096)}
        for name, (low, high) in bounds.items():
            value = getattr(self, name)
            if type(value) is not int or not low <= value <= high:
                raise ModelError(f"network option {name} must be a whole number in {low}..{high}, got {value!r}")
        if isinstance(self.width, bool) or not isinstance(self.width, int | float) or not 0.1 <= self.width <= 4:
            raise ModelError(f"network option width must be in 0.1..4, got {self.width!r}")

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> "NetworkOptions":
        """From plain data as `to_dict` gives it; unknown names are an error, missing ones take their default."""
        unknown = sorted(set(value) - {field.name for field in fields(cls)})
        if unknown:
            raise ModelError(f"unknown network options {unknown}; known are {[field.name for field in fields(cls)]}")
        return cls(**value)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


# Layers --------------------------------------------------------------------------------------------------------------


def conv(
    in_channels: int,
    out_channels: int,
    kernel: int = 3,
    *,
    stride: int = 1,
    dilation: int = 1,
    bias: bool = True,
    norm: bool = False,
    activation: type[nn.Module] | None = nn.ReLU,
) -> nn.Sequential:
    """Convolution that keeps the size (at stride 1), then optional BatchNorm and activation."""
    padding = dilation * (kernel // 2)
    layers: list[nn.Module] = [
        nn.Conv2d(in_channels, out_channels, kernel, stride, padding=padding, dilation=dilation, bias=bias)
    ]
    if norm:
        layers.append(nn.BatchNorm2d(out_channels))
    if activation is not None:
        layers.append(activation())
    return nn.Sequential(*layers)


def conv_dw(in_channels: int, out_channels: int, *, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    """Depthwise separable block of MobileNet v1: 3x3 per channel, then 1x1, each with BatchNorm and ReLU."""
    depthwise = nn.Conv2d(
        in_channels, in_channels, 3, stride, padding=dilation, dilation=dilation, groups=in_channels, bias=False
    )
    return nn.Sequential(
        depthwise,
        nn.BatchNorm2d(in_channels),
        nn.ReLU(),
        nn.Conv2d(in_channels, out_channels, 1, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(),
    )


def conv_dw_no_norm(channels: int, *, pointwise_bias: bool) -> nn.Sequential:
    """Depthwise separable block with ELU in place of BatchNorm and ReLU."""
    return nn.Sequential(
        nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False),
        nn.ELU(),
        nn.Conv2d(channels, channels, 1, bias=pointwise_bias),
        nn.ELU(),
    )


# Backbones: image -> features at stride 8 ----------------------------------------------------------------------------

_MOBILENET = [  # out channels, stride, dilation
    (64, 1, 1),  # conv2_1
    (128, 2, 1),
    (128, 1, 1),  # conv3_1
    (256, 2, 1),
    (256, 1, 1),  # conv4_1
    (512, 1, 1),  # conv4_2: stride 2 in MobileNet; 1 here, so that the total stride stays 8
    (512, 1, 2),  # conv5_1: dilation gives back the receptive field
    *[(512, 1, 1)] * 4,
]
_MOBILENET_UNDILATED_BLOCKS = 5  # up to conv4_1
_VGG19 = [[64] * 2, [128] * 2, [256] * 4, [512] * 2]  # conv1_1 .. conv4_2, a 2x2 max pooling between the groups


def _scale_channels(channels: int, width: float) -> int:
    return max(8, round(channels * width / 8) * 8)  # multiples of 8 fill the vector units of CPUs


def build_mobilenet(width: float, *, dilated: bool) -> tuple[nn.Sequential, int]:
    """MobileNet v1 as far as stride 8 carries, and its number of output channels."""
    channels = _scale_channels(32, width)
    layers = [conv(3, channels, stride=2, bias=False, norm=True)]
    for out_channels, stride, dilation in _MOBILENET if dilated else _MOBILENET[:_MOBILENET_UNDILATED_BLOCKS]:
        layers.append(conv_dw(channels, _scale_channels(out_channels, width), stride=stride, dilation=dilation))
        channels = _scale_channels(out_channels, width)
    return nn.Sequential(*layers), channels


def build_vgg19(width: float) -> tuple[nn.Sequential, int]:
    """The first ten layers of VGG-19, as in OpenPose, and its number of output channels."""
    layers: list[nn.Module] = []
    channels = 3
    for i, group in enumerate(_VGG19):
        if i > 0:
            layers.append(nn.MaxPool2d(2))
        for out_channels in group:
            layers.append(conv(channels, _scale_channels(out_channels, width)))
            channels = _scale_channels(out_channels, width)
    return nn.Sequential(*layers), channels


# Channel reduction: what OpenPose calls conv4_3 and conv4_4 ----------------------------------------------------------


class DepthwiseCpm(nn.Module):
    """1x1 reduction with a residual of depthwise blocks (conv4_3), then 3x3 (conv4_4).

    Form "reference": ReLU after `align`. Form "intel": ELU, one more 1x1 (`red`) before the trunk, and biases in the
    trunk's 1x1.
    """

    def __init__(self, in_channels: int, channels: int, *, intel: bool) -> None:
        super().__init__()
        activation = nn.ELU if intel else nn.ReLU
        self.align = conv(in_channels, channels, 1, activation=activation)
        self.red = conv(channels, channels, 1, activation=activation) if intel else nn.Identity()
        self.trunk = nn.Sequential(*[conv_dw_no_norm(channels, pointwise_bias=intel) for _ in range(3)])
        self.conv = conv(channels, channels)

    def forward(self, features: Tensor) -> Tensor:
        """(B, in_channels, h, w) -> (B, channels, h, w)."""
        aligned = self.align(features)
        reduced: Tensor = self.conv(aligned + self.trunk(self.red(aligned)))
        return reduced


class OpenPoseCpm(nn.Module):
    """Two 3x3 convolutions, as in OpenPose."""

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.align = conv(in_channels, 2 * channels)  # conv4_3
        self.conv = conv(2 * channels, channels)  # conv4_4

    def forward(self, features: Tensor) -> Tensor:
        """(B, in_channels, h, w) -> (B, channels, h, w)."""
        reduced: Tensor = self.conv(self.align(features))
        return reduced


# Stages: features -> fields ------------------------------------------------------------------------------------------


class RefinementBlock3x3(nn.Module):
    """1x1, then a residual of two 3x3, the second dilated: sees as far as a 7x7 at two fifths of the work."""

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.initial = conv(in_channels, channels, 1)
        self.trunk = nn.Sequential(
            conv(channels, channels, norm=True),
            conv(channels, channels, dilation=2, norm=True),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, in_channels, h, w) -> (B, channels, h, w)."""
        initial: Tensor = self.initial(x)
        refined: Tensor = initial + self.trunk(initial)
        return refined


def build_initial_trunk(options: NetworkOptions) -> list[nn.Module]:
    """Three 3x3 convolutions."""
    return [conv(options.channels, options.channels) for _ in range(3)]


def build_refinement_trunk(options: NetworkOptions, in_channels: int) -> list[nn.Module]:
    """Five refinement blocks, or the five 7x7 convolutions that they replace."""
    widths = [in_channels, *[options.channels] * 4]
    if options.refinement_block == "7x7":
        return [conv(width, options.channels, 7) for width in widths]
    return [RefinementBlock3x3(width, options.channels) for width in widths]


def build_head(in_channels: int, hidden_channels: int, out_channels: int) -> list[nn.Module]:
    """The two 1x1 convolutions that end a stage; no activation at the end."""
    return [conv(in_channels, hidden_channels, 1), conv(hidden_channels, out_channels, 1, activation=None)]


class Stage(nn.Module):
    """A trunk and two heads; with two branches the trunk exists twice, inside the heads."""

    def __init__(self, trunks: list[list[nn.Module]], heatmap_head: list[nn.Module], paf_head: list[nn.Module]) -> None:
        super().__init__()
        if len(trunks) == 1:
            self.trunk = nn.Sequential(*trunks[0])
            self.heatmaps = nn.Sequential(*heatmap_head)
            self.pafs = nn.Sequential(*paf_head)
        else:
            self.trunk = nn.Sequential()
            self.heatmaps = nn.Sequential(*trunks[0], *heatmap_head)
            self.pafs = nn.Sequential(*trunks[1], *paf_head)

    def forward(self, features: Tensor) -> FieldTensors:
        """(B, C, h, w) -> fields (B, K + 1, h, w) and (B, 2L, h, w)."""
        features = self.trunk(features)
        return FieldTensors(self.heatmaps(features), self.pafs(features))


# The whole -----------------------------------------------------------------------------------------------------------


class PoseNetwork(nn.Module):
    """Backbone, channel reduction, initial stage, refinement stages; built by `build_network`."""

    def __init__(self, options: NetworkOptions, skeleton: Skeleton) -> None:
        super().__init__()
        self.options, self.skeleton = options, skeleton
        branches = 2 if options.two_branch else 1
        heatmaps, pafs, channels = skeleton.heatmap_channels, skeleton.paf_channels, options.channels

        if options.backbone == "mobilenet":
            self.model, backbone_channels = build_mobilenet(options.width, dilated=options.dilated)
        else:
            self.model, backbone_channels = build_vgg19(options.width)
        self.cpm: nn.Module
        if options.cpm == "openpose":
            self.cpm = OpenPoseCpm(backbone_channels, channels)
        else:
            self.cpm = DepthwiseCpm(backbone_channels, channels, intel=options.cpm == "intel")
        self.initial_stage = Stage(
            [build_initial_trunk(options) for _ in range(branches)],
            build_head(channels, options.initial_head_channels, heatmaps),
            build_head(channels, options.initial_head_channels, pafs),
        )
        self.refinement_stages = nn.ModuleList(
            Stage(
                [build_refinement_trunk(options, channels + heatmaps + pafs) for _ in range(branches)],
                build_head(channels, channels, heatmaps),
                build_head(channels, channels, pafs),
            )
            for _ in range(options.refinement_stages)
        )

    def forward(self, image: Tensor) -> list[FieldTensors]:
        """Predict fields once per stage, coarse to fine.

        Args:
            image: (B, 3, H, W) float, normalised as the InputSpec of the weights says; H and W multiples of 8.

        Returns:
            One FieldTensors per stage, the last is the best; h = H / 8, w = W / 8.
        """
        features = self.cpm(self.model(image))
        stages: list[FieldTensors] = [self.initial_stage(features)]
        for stage in self.refinement_stages:
            stages.append(stage(torch.cat([features, *stages[-1]], dim=1)))
        return stages


def build_network(options: NetworkOptions, skeleton: Skeleton, *, seed: int | None = None) -> PoseNetwork:
    """A network with fresh weights, heads sized by the skeleton.

    Args:
        options: Which member of the family.
        skeleton: Gives the K + 1 heatmap and 2L PAF channels.
        seed: Makes the fresh weights repeatable; torch's own generator is left as it was. None: draw from it.
    """
    if seed is None:
        return PoseNetwork(options, skeleton)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return PoseNetwork(options, skeleton)

"""BatchNorm folded into the convolution before it: the same function with fewer operations, for inference only."""

import copy
from collections.abc import Iterator

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from nimblepose.model.network import PoseNetwork


def fold_batch_norm(network: PoseNetwork) -> PoseNetwork:
    """A copy of the network, in evaluation mode, without BatchNorm; computes the same up to rounding."""
    folded = copy.deepcopy(network).eval()
    for layers, i, convolution, norm in list(find_normalised_convolutions(folded)):
        layers[i] = fuse_conv_bn_eval(convolution, norm)
        layers[i + 1] = nn.Identity()
    return folded


def find_normalised_convolutions(network: nn.Module) -> Iterator[tuple[nn.Sequential, int, nn.Conv2d, nn.BatchNorm2d]]:
    """Every convolution with a BatchNorm right behind it: the layers that hold both, its index there, and the two."""
    for layers in network.modules():
        if isinstance(layers, nn.Sequential):
            for i in range(len(layers) - 1):
                convolution, norm = layers[i], layers[i + 1]
                if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                    yield layers, i, convolution, norm

"""BatchNorm folded into the convolution before it: the same function with fewer operations, for inference only."""

import copy

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from nimblepose.model.network import PoseNetwork


def fold_batch_norm(network: PoseNetwork) -> PoseNetwork:
    """A copy of the network, in evaluation mode, without BatchNorm; computes the same up to rounding."""
    folded = copy.deepcopy(network).eval()
    for module in folded.modules():
        if not isinstance(module, nn.Sequential):
            continue
        for i in range(len(module) - 1):
            convolution, norm = module[i], module[i + 1]
            if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                module[i] = fuse_conv_bn_eval(convolution, norm)
                module[i + 1] = nn.Identity()
    return folded

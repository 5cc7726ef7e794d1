"""What is observed is what the layers see."""

import numpy as np
import pytest

from nimblepose.convert.quantization.layers import Convolution
from nimblepose.convert.quantization.statistics import cut_patches, observe

pytest.importorskip("onnx")


def test_ranges_are_those_of_every_channel_over_all_pictures(bodies, batches):
    found = observe(bodies, batches)
    np.testing.assert_array_equal(found.low["image"], np.min([b.min(axis=(0, 2, 3)) for b in batches], axis=0))
    np.testing.assert_array_equal(found.high["image"], np.max([b.max(axis=(0, 2, 3)) for b in batches], axis=0))
    cells = np.stack([b.reshape(3, 8, 8, 16, 8).mean(axis=(2, 4)) for b in batches])
    np.testing.assert_allclose(found.high["r1"], cells.max(axis=(0, 2, 3)), rtol=1e-5)
    assert set(found.reach) == {"image", *(layer.output for layer in bodies.layers)}


def test_moments_are_those_of_what_the_kernel_sees(bodies, batches):
    moments = observe(bodies, batches).moments
    cells = np.concatenate([b.reshape(3, 8, 8, 16, 8).mean(axis=(2, 4)).reshape(3, -1) for b in batches], axis=1)
    scaled = cells * [[1], [100], [0.1]]  # `louder` sees the depthwise layer's output; maps are small, all is sampled
    np.testing.assert_allclose(moments["louder"].mean, scaled.mean(axis=1)[None], rtol=1e-4)
    np.testing.assert_allclose(moments["louder"].covariance[0], np.cov(scaled, bias=True), rtol=1e-3, atol=1e-5)
    assert moments["r2"].covariance.shape == (3, 9, 9)
    assert moments["r1"].covariance.shape == (1, 192, 192)


def test_the_same_seed_sees_the_same(bodies, batches):
    first, second = (observe(bodies, iter(batches), seed=3, threads=1) for _ in range(2))
    for name, moments in first.moments.items():
        np.testing.assert_array_equal(moments.covariance, second.moments[name].covariance)


@pytest.mark.parametrize(
    ("strides", "dilations", "edge"),
    [((1, 1), (1, 1), 0), ((1, 1), (1, 1), 1), ((2, 2), (1, 1), 1), ((1, 1), (2, 2), 2)],
    ids=["plain", "padded", "strided", "dilated"],
)
def test_patches_are_what_the_kernel_sees(strides, dilations, edge):
    rng = np.random.default_rng(0)
    weight = rng.normal(size=(5, 4, 3, 3)).astype(np.float32)
    image = rng.normal(size=(4, 12, 15)).astype(np.float32)
    conv = Convolution(
        weight=weight, bias=np.zeros(5, np.float32), relu=False, group=1, strides=strides, dilations=dilations,
        pads=(edge, edge, edge, edge),
    )  # fmt: skip
    reach = 2 * dilations[0] + 1
    padded = np.pad(image, ((0, 0), (edge, edge), (edge, edge)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (reach, reach), axis=(1, 2))
    windows = windows[:, :: strides[0], :: strides[1], :: dilations[0], :: dilations[1]]
    expected = np.einsum("ocij,chwij->ohw", weight, windows)
    rows, columns = (axis.ravel() for axis in np.mgrid[: expected.shape[1], : expected.shape[2]])
    found = weight.reshape(5, -1) @ cut_patches(conv, image, rows, columns).reshape(36, -1)
    np.testing.assert_allclose(found, expected.reshape(5, -1), atol=1e-4)

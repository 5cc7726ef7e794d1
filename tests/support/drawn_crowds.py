"""Crowds drawn as the network is taught, for decoders in several languages."""

import numpy as np

from nimblepose.codec.encode import EncodeOptions, encode
from nimblepose.core.geometry import Placement
from nimblepose.runtime.protocols import Fields


def make_crowd(estimator, count, seed, size=(46, 80)):
    """Fields of many people drawn as the network is taught, with noise; shapes of the prior, turned and scaled."""
    rng, mean = np.random.default_rng(seed), estimator.metadata.prior.mean
    people = []
    for _ in range(count):
        angle, scale = rng.normal(0, 0.3), rng.uniform(4, 18) * 8
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        xy = (mean + rng.normal(0, 0.02, mean.shape)) @ turn * scale + rng.uniform(0, 1, 2) * (size[1] * 8, size[0] * 8)
        xy[rng.random(len(xy)) < 0.25] = np.nan
        people.append(xy)
    heatmaps, pafs = encode(np.array(people), size, estimator.skeleton, EncodeOptions(paf_geometry="corner"))
    noise = rng.normal(0, 0.03, heatmaps.shape), rng.normal(0, 0.03, pafs.shape)
    fields = Fields((heatmaps + noise[0]).astype(np.float32), (pafs + noise[1]).astype(np.float32))
    return fields, Placement.fit((480, 835), 368)

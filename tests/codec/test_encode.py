import json
from dataclasses import replace

import numpy as np
import pytest

from nimblepose import COCO_17, HUMAN_18, Skeleton
from nimblepose.codec.encode import REFERENCE, EncodeOptions, encode, encode_heatmaps, encode_pafs
from nimblepose.core.errors import ModelError
from nimblepose.core.geometry import rescale

STICK = Skeleton("stick", ("head", "tail"), (("head", "tail"),))
GOLDEN = [36, 69468, 175251, 269632, 370375, 444010, 460333, 556158]


def reference_keypoints(shared, annotation_ids):
    """The reference takes COCO's numbers as pixel centres (we move them by half a pixel when reading)."""
    annotations = json.loads((shared / "data/coco-train/person_keypoints.json").read_text())["annotations"]
    by_id = {a["id"]: a for a in annotations}
    rows = np.array([by_id[i]["keypoints"] for i in annotation_ids], np.float64).reshape(-1, 17, 3)
    xy = np.where(rows[..., 2:] > 0, rows[..., :2], np.nan)
    full = np.full((len(xy), 18, 2), np.nan)
    full[:, HUMAN_18.annotated_indices] = xy
    full[:, 1] = full[:, [2, 5]].mean(axis=1)
    return full


@pytest.mark.parametrize("image_id", GOLDEN)
def test_targets_equal_the_reference(shared, image_id):
    golden = np.load(shared / f"golden/targets_{image_id:012d}.npz")
    xy = reference_keypoints(shared, golden["annotation_ids"])
    heatmaps, pafs = encode(xy, golden["heatmaps"].shape[1:], HUMAN_18, REFERENCE)
    np.testing.assert_allclose(heatmaps, golden["heatmaps"], atol=1e-6)
    np.testing.assert_allclose(pafs, golden["pafs"], atol=1e-6)


def test_a_keypoint_is_brightest_in_the_cell_that_holds_it_and_exactly_one_at_its_centre():
    cell = np.array([5.0, 3.0])  # x, y
    xy = rescale(cell, 8)[None, None].repeat(2, axis=1)
    heatmaps = encode_heatmaps(xy, (8, 10))
    assert heatmaps.shape == (3, 8, 10)
    assert heatmaps[0, 3, 5] == 1
    assert np.unravel_index(heatmaps[0].argmax(), (8, 10)) == (3, 5)
    np.testing.assert_allclose(heatmaps[2], 1 - heatmaps[:2].max(axis=0))


def test_overlap_add_melts_near_people_together_and_max_keeps_the_nearest():
    xy = np.array([[[20.0, 20.0]], [[28.0, 20.0]]])
    added = encode_heatmaps(xy, (6, 6), REFERENCE)
    largest = encode_heatmaps(xy, (6, 6), replace(REFERENCE, overlap="max"))
    each = np.stack([encode_heatmaps(person[None], (6, 6))[0] for person in xy])
    np.testing.assert_allclose(added[0], each.sum(axis=0).clip(max=1))
    np.testing.assert_allclose(largest[0], each.max(axis=0))
    assert added.max() == 1 > largest[0].max()  # so the two really differ


@pytest.mark.parametrize(("geometry", "shift"), [("corner", 0.4375), ("centre", 0.0)])
def test_where_the_stripe_of_a_limb_lies(geometry, shift):
    ends = np.array([[5.0, 3.0], [5.0, 12.0]]) - shift  # the limb, in cells
    pafs = encode_pafs(rescale(ends, 8)[None], (16, 12), STICK, EncodeOptions(paf_geometry=geometry))
    columns = np.flatnonzero(np.abs(pafs[1]).any(axis=0))
    # "corner" measures from the cell's corner and drops the far column: as the public weights were taught
    assert columns.tolist() == ([4, 5] if geometry == "corner" else [4, 5, 6])
    assert set(np.unique(pafs[1])) == {0.0, 1.0}
    assert not pafs[0].any()


def test_later_people_cover_earlier_ones():
    down, up = np.array([[30.0, 20.0], [30.0, 80.0]]), np.array([[30.0, 80.0], [30.0, 20.0]])
    first = encode_pafs(np.stack([up, down]), (12, 12), STICK)
    second = encode_pafs(np.stack([down, up]), (12, 12), STICK)
    assert first[1].max() == 1
    np.testing.assert_allclose(first, -second)


@pytest.mark.parametrize(
    "xy",
    [
        np.zeros((0, 18, 2)),
        np.full((3, 18, 2), np.nan),
        np.full((1, 18, 2), (-1.0, 30.0)),
        np.full((1, 18, 2), (64.0, 30.0)),
        np.full((1, 18, 2), (30.0, -1.0)),
        np.full((1, 18, 2), (30.0, 64.0)),
    ],
    ids=["nobody", "not labelled", "left of it", "right of it", "above it", "below it"],
)
def test_what_is_not_there_leaves_background_only(xy):
    heatmaps, pafs = encode(xy, (8, 8), HUMAN_18)
    assert heatmaps.shape == (19, 8, 8)
    assert pafs.shape == (38, 8, 8)
    assert not heatmaps[:-1].any()
    assert (heatmaps[-1] == 1).all()
    assert not pafs.any()


def test_a_limb_of_no_length_has_no_direction():
    pafs = encode_pafs(np.full((1, 2, 2), 30.0), (8, 8), STICK)
    assert not pafs.any()


@pytest.mark.parametrize("skeleton", [HUMAN_18, COCO_17], ids=["human18", "coco17"])
def test_the_fields_of_a_mirrored_picture_are_the_mirrored_fields(skeleton):
    k, width = len(skeleton.keypoints), 96
    xy = np.random.default_rng(3).uniform(0, width - 1, (2, k, 2))
    mirrored = (xy * [-1, 1] + [width - 1, 0])[:, skeleton.flip_permutation]
    options = EncodeOptions(paf_geometry="centre")  # "corner" is not symmetric: that is its fault
    heatmaps, pafs = encode(xy, (12, 12), skeleton, options)
    heatmaps_m, pafs_m = encode(mirrored, (12, 12), skeleton, options)
    np.testing.assert_allclose(heatmaps_m[:-1][skeleton.flip_permutation], heatmaps[:-1, :, ::-1], atol=1e-9)
    if skeleton is HUMAN_18:  # every limb has a mirror image that points the same way
        limbs, direction = skeleton.limb_flip
        vectors = pafs.reshape(-1, 2, 12, 12)[:, :, :, ::-1] * np.array([-1, 1])[:, None, None]
        expected = vectors[limbs] * direction[:, None, None, None]
        np.testing.assert_allclose(pafs_m.reshape(-1, 2, 12, 12), expected, atol=1e-9)


@pytest.mark.parametrize(
    "options", [REFERENCE, EncodeOptions(overlap="max", paf_geometry="centre")], ids=["ref", "own"]
)
def test_batched_in_torch_and_one_by_one_in_numpy_are_the_same(options):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    xy = rng.uniform(-20, 140, (4, 5, 18, 2)).astype(np.float32)
    xy[rng.random((4, 5, 18)) < 0.3] = np.nan
    batched = encode(torch.from_numpy(xy), (12, 15), HUMAN_18, options)
    for i in range(4):
        for one, many in zip(encode(xy[i], (12, 15), HUMAN_18, options), batched, strict=True):
            assert one.dtype == np.float32
            np.testing.assert_allclose(many[i].numpy(), one, atol=1e-5)


@pytest.mark.parametrize(
    "wrong",
    [
        {"stride": 0},
        {"overlap": "sum"},
        {"paf_geometry": "middle"},
        {"heatmap_sigma": 0.0},
        {"heatmap_cut": -1.0},
        {"paf_thickness": 0.0},
    ],
    ids=str,
)
def test_options_that_cannot_be_are_refused(wrong):
    with pytest.raises(ModelError, match=next(iter(wrong))):
        EncodeOptions(**wrong)


def test_a_cell_may_be_one_pixel():
    heatmaps = encode_heatmaps(np.array([[[3.0, 2.0]]]), (6, 8), EncodeOptions(stride=1))
    assert np.unravel_index(heatmaps[0].argmax(), (6, 8)) == (2, 3)

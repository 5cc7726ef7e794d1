import dataclasses

import cv2
import numpy as np
import pytest

pytest.importorskip("torch")

from nimblepose.codec.encode import encode
from nimblepose.core.errors import DataError, MediaError
from nimblepose.data.augment import AugmentOptions
from nimblepose.data.centres import CentreOptions
from nimblepose.data.coco import load_records
from nimblepose.data.dataset import PoseDataset, SampleOptions, SampleOrder, collate, read_reduced, write_sheet

STILL = AugmentOptions(centre="picture", fill=1.0, scale=(1.0, 1.0), rotation=0.0, shift=0.0, flip=0.0)
ANYONE = CentreOptions(min_keypoints=1, min_area=0.0)


def dataset(coco, bird, save, *, augment=STILL, size=(64, 96), seed=0, **options):
    annotations, images = save(coco)
    records = load_records([annotations], [images], bird)
    return PoseDataset(records, bird, SampleOptions(size=size, augment=augment, centres=ANYONE, **options), seed=seed)


def test_unaugmented_a_sample_is_the_picture_and_its_people(coco, bird, save):
    data = dataset(coco, bird, save)
    batch = data[0]
    stored = cv2.imread(str(data.records[0].path))[..., ::-1].transpose(2, 0, 1)
    np.testing.assert_array_equal(batch.image[0].numpy(), stored)
    np.testing.assert_allclose(batch.xy[0].numpy(), data.records[0].xy)
    heatmaps, pafs = encode(data.records[0].xy, (8, 12), bird)
    np.testing.assert_allclose(batch.heatmaps[0].numpy(), heatmaps, atol=1e-6)
    np.testing.assert_allclose(batch.pafs[0].numpy(), pafs, atol=1e-6)
    assert (batch.loss_mask == 1).all()
    assert batch.unreadable.tolist() == [0]


def test_a_closer_look_changes_the_picture_and_nothing_else(coco, bird, save):
    augment = dataclasses.replace(
        STILL, fill=0.4, rotation=30.0, shift=5.0, flip=0.5
    )  # small enough to be read reduced
    usual, closer = (dataset(coco, bird, save, augment=augment, detail=detail)[3] for detail in (1.0, 2.0))
    assert closer.image.shape == (1, 3, 128, 192)
    for name in ("xy", "loss_mask", "heatmaps", "pafs"):
        np.testing.assert_array_equal(getattr(usual, name), getattr(closer, name))


@pytest.mark.parametrize(("detail", "reduced"), [(1.0, 4), (2.0, 2), (4.0, 1)])
def test_a_closer_look_is_read_as_large_as_it_is_shown(coco, bird, save, monkeypatch, detail, reduced):
    """At a fifth of the picture's size a quarter of it is enough, but not for a teacher that looks closer."""
    seen = []

    def read(path, size, reduced):
        seen.append(reduced)
        return read_reduced(path, size, reduced)

    monkeypatch.setattr("nimblepose.data.dataset.read_reduced", read)
    augment = dataclasses.replace(STILL, relative_to="picture", fill=0.2)
    assert dataset(coco, bird, save, augment=augment, detail=detail)[0].unreadable.tolist() == [0]
    assert seen == [reduced]


def test_a_sample_says_whether_its_labels_may_miss_people(coco, bird, save):
    assert dataset(coco, bird, save)[0].partial.tolist() == [0]
    coco["images"][0]["labels"] = "partial"
    assert dataset(coco, bird, save)[0].partial.tolist() == [1]


def test_where_somebody_is_not_labelled_the_loss_does_not_count(coco, bird, save):
    coco["annotations"][1]["keypoints"] = [0] * 12
    coco["annotations"][1]["bbox"] = [48, 0, 48, 64]  # the right half
    loss_mask = dataset(coco, bird, save)[0].loss_mask[0]
    assert (loss_mask[:, :6] == 1).all()
    assert (loss_mask[:, 6:] == 0).all()


def test_a_person_in_the_middle_at_the_picture_s_scale(coco, bird, save):
    augment = dataclasses.replace(STILL, centre="person", relative_to="picture", fill=0.5)
    data = dataset(coco, bird, save, augment=augment)
    record = data.records[0]
    height = record.size[0]
    for person, (x, y, w, h) in enumerate(record.boxes.tolist()):
        sample = data.draw(person, np.random.default_rng(0))
        expected = (record.xy - [x + w / 2 - 0.5, y + h / 2 - 0.5]) * (0.5 * 64 / height) + [47.5, 31.5]
        np.testing.assert_allclose(sample.xy, expected, atol=1e-4)


def test_targets_left_to_the_device_are_the_same(coco, bird, save):
    augment = AugmentOptions()
    drawn = dataset(coco, bird, save, augment=augment, size=(96, 96))[0]
    left = dataset(coco, bird, save, augment=augment, size=(96, 96), draw_targets=False)[0]
    assert left.heatmaps.numel() == 0
    heatmaps, pafs = encode(left.xy, (12, 12), bird)
    np.testing.assert_allclose(heatmaps.numpy(), drawn.heatmaps.numpy(), atol=1e-5)
    np.testing.assert_allclose(pafs.numpy(), drawn.pafs.numpy(), atol=1e-5)


def test_a_sample_depends_on_seed_epoch_and_number_alone(coco, bird, save):
    data = dataset(coco, bird, save, augment=AugmentOptions(colour=0.2))
    length = len(data)
    assert length == 2  # one sample per person
    again = dataset(coco, bird, save, augment=AugmentOptions(colour=0.2))
    _ = again[1], again[0]  # what was asked before makes no difference
    assert (data[0].image == again[0].image).all()
    assert (data[0].image != data[length].image).any()  # the next epoch
    assert (data[0].image != dataset(coco, bird, save, augment=AugmentOptions(colour=0.2), seed=1)[0].image).any()


@pytest.mark.parametrize("damage", ["missing", "cut off", "other size"])
def test_an_unreadable_picture_counts_nowhere_and_is_counted(coco, bird, save, damage):
    coco["images"][0]["file_name"] = "birds.jpg"
    data = dataset(coco, bird, save)
    path = data.records[0].path
    if damage == "missing":
        path.unlink()
    elif damage == "cut off":
        path.write_bytes(path.read_bytes()[:300])
    else:
        cv2.imwrite(str(path), np.zeros((32, 96, 3), np.uint8))
    batch = data[0]
    assert batch.unreadable.tolist() == [1]
    assert (batch.loss_mask == 0).all()
    assert batch.xy.shape[1] == 0


def test_collated_pictures_with_fewer_people_are_filled_with_nobody(coco, bird, save):
    data = dataset(coco, bird, save)
    one, both = data[0], data[0]
    batch = collate([one._replace(xy=one.xy[:, :1]), both])
    assert batch.xy.shape == (2, 2, 4, 2)
    assert np.isnan(batch.xy[0, 1].numpy()).all()
    assert batch.image.shape == (2, 3, 64, 96)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
@pytest.mark.parametrize("reduced", [2, 4, 8])
def test_reduced_reading_is_averaging(tmp_path, suffix, reduced):
    rng = np.random.default_rng(0)
    smooth = cv2.GaussianBlur(rng.integers(0, 255, (75, 101, 3)).astype(np.uint8), (0, 0), 6)
    path = tmp_path / f"smooth{suffix}"
    cv2.imwrite(str(path), smooth, [cv2.IMWRITE_JPEG_QUALITY, 100])
    small = read_reduced(path, (75, 101), reduced)
    assert small.shape[:2] == (-(-75 // reduced), -(-101 // reduced))
    whole = read_reduced(path, (75, 101), 1).astype(float)
    h, w = 75 // reduced, 101 // reduced
    expected = whole[: h * reduced, : w * reduced].reshape(h, reduced, w, reduced, 3).mean((1, 3))
    assert np.abs(small[: h - 1, : w - 1] - expected[: h - 1, : w - 1]).mean() < 1.5


def test_a_picture_of_another_size_is_refused(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((10, 20, 3), np.uint8))
    with pytest.raises(MediaError, match=r"\(20, 10\).*\(10, 20\)"):
        read_reduced(tmp_path / "a.png", (20, 10), 1)


@pytest.mark.parametrize("world", [1, 2, 4])
def test_processes_share_the_batches_that_one_would_have(world):
    alone = SampleOrder(50, 8, seed=3)
    ranks = [SampleOrder(50, 8, seed=3, rank=rank, world=world) for rank in range(world)]
    for step in range(20):
        assert [i for rank in ranks for i in rank.list_indices(step)] == alone.list_indices(step)


def test_every_epoch_shows_everything_once_in_a_new_order():
    order = SampleOrder(24, 8, seed=0)
    first, second = ([i for step in range(3) for i in order.list_indices(3 * epoch + step)] for epoch in range(2))
    assert sorted(first) == list(range(24))
    assert sorted(second) == list(range(24, 48))
    assert [i - 24 for i in second] != first


def test_the_sheet_shows_samples_beside_their_targets(coco, bird, save, tmp_path):
    annotations, images = save(coco)
    write_sheet([(annotations, images)], bird, tmp_path / "sheet.png", samples=2, seed=0)
    assert cv2.imread(str(tmp_path / "sheet.png")).shape == (368, 2 * 3 * 368, 3)


def add_empty_pictures(coco, count, **changes):
    coco["images"] += [
        {"id": 20 + i, "file_name": f"empty{i}.png", "height": 64, "width": 96, **changes} for i in range(count)
    ]


@pytest.mark.parametrize("centre", ["person", "picture"])
def test_pictures_without_anybody_are_samples_at_the_share_asked_for(coco, bird, save, centre):
    add_empty_pictures(coco, 3)
    augment = AugmentOptions(centre=centre)
    with_people = dataset(coco, bird, save, augment=augment)
    data = dataset(coco, bird, save, augment=augment, negatives=0.6)
    people = len(with_people)
    assert len(data) == people + round(people * 0.6 / 0.4)
    for number in range(people):  # the others are what they were
        assert (data[number].image == with_people[number].image).all()
    for number in range(people, len(data)):
        batch = data[number]
        assert batch.xy.shape[1] == 0
        assert (batch.loss_mask == 1).all()  # there is nobody: everywhere
        assert (batch.heatmaps[:, :-1] == 0).all()
        assert (batch.heatmaps[:, -1] == 1).all()
        assert batch.unreadable.tolist() == [0]


def test_every_picture_without_anybody_is_seen_and_again_the_same_at_the_same_place(coco, bird, save):
    add_empty_pictures(coco, 3)
    data = dataset(coco, bird, save, negatives=0.5)
    length = len(data)
    seen = [data[epoch * length + length - 1].image.numpy() for epoch in range(20)]
    assert len({image.tobytes() for image in seen}) == 3
    assert (data[length - 1].image.numpy() == seen[0]).all()


@pytest.mark.parametrize("changes", [{}, {"labels": "partial"}], ids=["none there", "labels may miss somebody"])
def test_negatives_need_pictures_that_surely_show_nobody(coco, bird, save, changes):
    if changes:
        add_empty_pictures(coco, 1, **changes)
    with pytest.raises(DataError, match="every picture has people"):
        dataset(coco, bird, save, negatives=0.5)
    assert len(dataset(coco, bird, save)) == 1

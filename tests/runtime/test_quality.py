"""How well pictures are looked at: what is said simply, what overrides it, and what it may cost."""

import dataclasses
import threading

import numpy as np
import pytest

from nimblepose import PoseEstimator
from nimblepose.core.errors import OptionError
from nimblepose.core.geometry import Placement
from nimblepose.media.pictures import read_picture
from nimblepose.runtime.models import DEMO_PICTURE
from nimblepose.runtime.quality import QUALITIES, Quality, choose_attention, choose_quality, describe_quality


@pytest.fixture(scope="module")
def people():
    return read_picture(DEMO_PICTURE)


@pytest.fixture(scope="module")
def balanced():
    return PoseEstimator(threads=2)


def test_balanced_is_what_is_done_if_nothing_is_said():
    assert choose_quality(None) is QUALITIES["balanced"]
    assert choose_quality("fast") is QUALITIES["fast"]


def test_explicit_options_override_it():
    assert choose_quality(None, input_height=368) is None
    assert choose_quality(None, scales=(0.5, 1.0)) is None
    assert choose_quality("best", input_height=368) is QUALITIES["best"]
    own = dataclasses.replace(QUALITIES["fast"], bound=1.0)
    assert choose_quality(own) is own


def test_what_cannot_be_is_refused():
    with pytest.raises(OptionError, match="fast, balanced, best"):
        choose_quality("good")  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="scales"):
        choose_quality("fast", scales=(0.5, 1.0))


def test_better_costs_more_and_each_has_a_bound():
    bounds = [QUALITIES[name].bound for name in ("fast", "balanced", "best")]
    passes = [sum(QUALITIES[name].passes) for name in ("fast", "balanced", "best")]
    assert bounds == sorted(bounds)
    assert passes == sorted(passes)
    assert QUALITIES["balanced"].bound == 4


@pytest.mark.parametrize("size", [(480, 640), (640, 480), (720, 1280)])
def test_the_bound_is_in_passes_over_the_same_picture(size):
    height, width = Placement.fit(size, 368).input_size
    assert QUALITIES["balanced"].count_most_pixels(size) == pytest.approx(4 * height * width, rel=0.03)


@pytest.mark.parametrize(("ratio", "pictures"), [(1.5, 1), (2, 1), (4, 2), (8, 4), (100, 4)])
def test_strips_and_panoramas_are_seen_as_several_pictures_and_bounded_too(ratio, pictures):
    quality, long = QUALITIES["balanced"], round(100 * ratio)
    for size in ((100, long), (long, 100)):
        assert quality.count_pixels(size) == (pictures * quality.passes[0],)
    assert quality.count_most_pixels((100, long)) == pytest.approx(4 * 368 * 368 * min(ratio, 2) * pictures, abs=1)
    assert quality.count_most_pixels((576, 720), 2.0) == quality.count_most_pixels((576, 1440))


def test_its_numbers_are_plain_data():
    assert describe_quality(None) is None
    described = describe_quality(QUALITIES["fast"])
    assert described is not None
    assert described["passes"] == list(QUALITIES["fast"].passes)


def test_pictures_of_any_shape_get_the_same_number_of_input_pixels(balanced):
    for size in ((480, 640), (640, 480), (1920, 1080)):
        height, width = balanced.place(np.zeros((*size, 3), np.uint8)).input_size
        assert height * width == pytest.approx(QUALITIES["balanced"].passes[0], rel=0.06)


def test_the_demo_picture_costs_no_more_than_it_may(balanced, people):
    poses = balanced(people)
    assert len(poses) > 0
    assert 0 < poses.input_pixels <= balanced.quality.count_most_pixels(people.shape[:2])
    assert poses.looks is not None


def test_looks_find_who_is_far_away(balanced, people):
    """The same people, a sixth as large, in a corner of a gray picture."""
    height, width = people.shape[:2]
    far = np.full((2 * height, 2 * width, 3), 110, np.uint8)
    far[: height // 3, : width // 3] = people[::3, ::3][: height // 3, : width // 3]
    without = PoseEstimator(quality=dataclasses.replace(balanced.quality, looks=None))(far)
    found = balanced(far)
    assert len(found) > len(without)
    assert len(found.looks) > 0


def test_streams_find_the_same_as_one_by_one(balanced, people):
    pictures = [people, people[:, ::-1].copy(), people[::2, ::2].copy()] * 3
    alone = [balanced(picture) for picture in pictures]
    for poses, expected in zip(balanced.stream(pictures), alone, strict=True):
        assert len(poses) == len(expected)
        np.testing.assert_allclose(poses.keypoints, expected.keypoints, atol=0.05)
        np.testing.assert_array_equal(poses.looks, expected.looks)


def test_memory_is_counted_with_the_looks_that_may_come(balanced, people):
    taken = []

    class Pixels:
        def __init__(self, total):
            pass

        def taken(self):
            from contextlib import nullcontext

            return nullcontext(taken.append)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nimblepose.runtime.estimator.Allowance", Pixels)
        found = list(balanced.stream([people]))
    assert taken == [balanced.quality.count_most_pixels(people.shape[:2])]
    assert found[0].input_pixels <= taken[0]


def test_frames_of_videos_are_looked_at_once(balanced, people):
    frames = balanced.for_frames()
    once = PoseEstimator(input_height=256)
    assert frames.quality is None
    np.testing.assert_allclose(frames(people).keypoints, once(people).keypoints, atol=0.01)
    assert once.for_frames() is once
    assert balanced.quality is not None, "the other stays as it was"
    assert PoseEstimator(quality="fast", input_height=128).for_frames().input_height == 128


def test_best_averages_with_the_mirror_image_but_videos_only_if_that_was_asked(people):
    best = PoseEstimator(quality="best")
    assert best.flip
    assert not best.for_frames().flip
    assert PoseEstimator(quality="best", flip=True).for_frames().flip


def test_a_height_is_that_of_the_first_pass(people):
    estimator = PoseEstimator(quality="fast", input_height=128)
    assert estimator.place(people).input_size[0] == 128
    assert estimator(people).looks is not None


def test_any_way_up_finds_people_upside_down(people):
    over = people[::-1, ::-1].copy()
    upright = PoseEstimator(any_way_up=True)
    turned = upright(over)
    expected = PoseEstimator()(people)
    sure = expected[expected.scores > 0.6]
    height, width = people.shape[:2]
    back = np.array([width - 1, height - 1]) - turned.keypoints
    for pose in sure:
        off = np.nanmedian(np.linalg.norm(back - pose.keypoints, axis=-1), axis=1)
        assert off.min() < 0.05 * np.hypot(*pose.box[2:])


@pytest.mark.parametrize("turns", [1, 2])
def test_any_way_up_sees_a_picture_in_every_way_alike(people, turns):
    estimator = PoseEstimator(any_way_up=True)
    upright, turned = estimator(people), estimator(np.ascontiguousarray(np.rot90(people, turns)))
    assert len(upright) == len(turned) > 0
    np.testing.assert_allclose(turned.scores, upright.scores, atol=0.02)


def test_two_threads_do_not_disturb_each_other(balanced, people):
    pictures = [people, people[::2, ::2].copy()]
    alone = [balanced(picture).keypoints for picture in pictures]
    wrong = []

    def work(index):
        for _ in range(3):
            found = balanced.estimate(pictures[index]).keypoints
            if found.shape != alone[index].shape or not np.allclose(found, alone[index], atol=0.05, equal_nan=True):
                wrong.append(index)

    threads = [threading.Thread(target=work, args=(index,)) for index in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_own_numbers_can_be_given(people):
    own = Quality(passes=(20_000, 40_000), looks=None, bound=1.0)
    picture = people[:, : 2 * people.shape[0]]
    assert PoseEstimator(quality=own)(picture).input_pixels == pytest.approx(60_000, rel=0.05)


def test_quality_follows_the_size_at_which_a_model_sees_people_best():
    own = QUALITIES["balanced"]
    smaller = own.fit(80.0)
    assert smaller.passes == (round(own.passes[0] / 4),)
    assert smaller.looks.sizes == (80.0,)
    assert smaller.looks.trace_size == own.looks.trace_size / 2
    assert smaller.bound == own.bound / 4
    assert own.fit(None) == own.fit(160.0) == own
    assert own.fit(16.0).looks.sizes == (40.0,), "no more than four times smaller"
    assert choose_quality("fast", best_size=320.0).passes == (160_000,)
    assert choose_quality(own, best_size=320.0) is own, "numbers are taken as they are"
    assert choose_attention("fast", best_size=80.0).height == 140
    assert choose_attention("fast", 200, best_size=80.0).height == 200


def test_a_model_says_at_which_size_it_sees_people_best(tmp_path, people):
    onnx = pytest.importorskip("onnx")
    plain = PoseEstimator()
    metadata = dataclasses.replace(plain.metadata, best_size=120.0)
    file = onnx.load(plain.model)
    onnx.helper.set_model_props(file, metadata.to_strings())
    onnx.save(file, tmp_path / "small.onnx")
    small = PoseEstimator(tmp_path / "small.onnx")
    assert small.metadata.best_size == 120.0
    assert small.quality == QUALITIES["balanced"].fit(120.0)
    assert small(people).input_pixels < 0.8 * plain(people).input_pixels
    assert PoseEstimator(tmp_path / "small.onnx", quality="fast").for_frames().attention.size == 112.5


def test_canvases_come_to_openvino_in_few_sizes(people):
    pytest.importorskip("openvino")
    estimator = PoseEstimator(backend="openvino", threads=1)
    shapes, run = [], estimator.backend.run
    estimator.backend.run = lambda batch: shapes.append(batch.shape[2:]) or run(batch)
    pictures = [people[:, :width] for width in (1370, 1100, 900, 700)]
    for picture in pictures:
        assert len(estimator(picture)) > 0
    canvases = set(shapes) - {estimator.place(picture).input_size for picture in pictures}
    assert canvases
    assert all(height % 64 == width % 64 == 0 for height, width in canvases)


def test_passes_follow_the_height_that_a_model_was_made_for_and_looks_the_size_of_people():
    own = QUALITIES["balanced"]
    assert own.fit(None, 256) == own
    both = own.fit(80.0, 128)
    assert both == own.fit(80.0), "half as high, half as large"
    high = own.fit(160.0, 512)
    assert high.passes == (4 * own.passes[0],)
    assert high.looks == own.looks
    more = high.count_most_pixels((480, 640)) - own.count_most_pixels((480, 640))
    assert more == pytest.approx(3 * own.passes[0], abs=2), "looks may cost what they cost before"
    unmeasured = own.fit(None, 128)
    assert unmeasured == own.fit(80.0)
    assert choose_quality(None, made_for=224) is None, "one pass, if nothing is asked for"
    assert choose_quality("balanced", made_for=128) == both
    assert choose_attention("fast", made_for=128).height == 140
    assert choose_attention("fast", best_size=320.0, made_for=128).size == 2 * choose_attention("fast").size


@pytest.fixture
def made_for_64(dots_model, tmp_path):
    onnx = pytest.importorskip("onnx")
    metadata = dataclasses.replace(PoseEstimator(dots_model, input_height=64).metadata, input_height=64)
    file = onnx.load(dots_model)
    onnx.helper.set_model_props(file, metadata.to_strings())
    onnx.save(file, tmp_path / "low.onnx")
    return tmp_path / "low.onnx"


def test_a_model_says_the_height_that_it_was_made_for(made_for_64):
    estimator = PoseEstimator(made_for_64)
    assert (estimator.quality, estimator.input_height, estimator.flip) == (None, 64, False)
    assert estimator.decode_options.least_score == 0.35, "that of single passes"
    assert len(estimator(np.zeros((128, 256, 3), np.uint8))) == 1
    assert estimator.for_frames() is estimator
    assert PoseEstimator(made_for_64, input_height=128).input_height == 128
    assert PoseEstimator(made_for_64, scales=(1.0, 2.0)).input_height == 64
    frames = PoseEstimator(made_for_64, quality="fast").for_frames()
    assert (frames.input_height, frames.attention.height) == (64, 70)


def test_callers_in_threads_hear_of_the_height_too(made_for_64):
    estimator = PoseEstimator(made_for_64)
    assert estimator.for_threads().input_height == 64
    assert estimator.for_threads(quality="fast").quality == QUALITIES["fast"].fit(None, 64)

"""From a picture of any kind to poses in its pixels, by one road."""

import io
import threading
import time
import weakref
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import nimblepose
from nimblepose import COCO_17, DecodeOptions, PoseEstimator, Poses, Skeleton
from nimblepose.core.errors import MediaError, ModelError, PoseError, SkeletonError
from nimblepose.core.geometry import rescale
from nimblepose.core.metadata import ModelMetadata
from nimblepose.core.share import count_usable_cores
from nimblepose.media.pictures import read_picture, read_reduced
from nimblepose.runtime.backends import open_backend
from nimblepose.runtime.models import DEMO_PICTURE
from nimblepose.runtime.protocols import Fields

DRAWN = np.array([[3, 4], [8, 4], [13, 4]], np.float32)  # cells where the model `dots_model` sees its keypoints


@pytest.fixture
def dots(dots_model):
    return PoseEstimator(dots_model, input_height=64)


@pytest.fixture(scope="session")
def noisy(tiny):
    """Random weights that find something everywhere."""
    options = DecodeOptions(
        min_peak_score=0, min_limb_score=0, min_limb_share=0, min_pose_score=0, min_keypoints=2, long_limb=100
    )
    return PoseEstimator(tiny.onnx, input_height=64, decode=options)


def same(one, other, atol=1e-3):
    assert len(one) == len(other)
    np.testing.assert_allclose(one.keypoints, other.keypoints, atol=atol)
    np.testing.assert_allclose(one.scores, other.scores, atol=1e-5)


# What goes in --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(64, 128), (640, 1280), (100, 200), (32, 64)], ids=str)
def test_poses_are_in_pixels_of_the_picture(dots, size):
    poses = dots(np.zeros((*size, 3), np.uint8))
    assert isinstance(poses, Poses)
    assert len(poses) == 1
    expected = rescale(rescale(DRAWN, 8), size[0] / 64)
    np.testing.assert_allclose(poses.keypoints[0], expected, atol=0.05 * size[0] / 64)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp"])
@pytest.mark.parametrize("kind", [str, lambda path: path], ids=["str", "Path"])
def test_a_path_is_a_picture(noisy, noise, tmp_path, suffix, kind):
    path = tmp_path / f"picture{suffix}"
    Image.fromarray(noise[0]).save(path)
    same(noisy(kind(path)), noisy(np.asarray(Image.open(path))), atol=0.01 if suffix != ".jpg" else 40)


def test_pil_array_and_path_are_the_same(noisy, noise, tmp_path):
    Image.fromarray(noise[0]).save(tmp_path / "a.png")
    poses = noisy(noise[0])
    assert len(poses) > 0
    same(noisy(Image.fromarray(noise[0])), poses)
    same(noisy(tmp_path / "a.png"), poses)


def test_gray_is_three_equal_channels(noisy, noise):
    gray = noise[0][..., 0]
    same(noisy(gray), noisy(np.repeat(gray[..., None], 3, axis=2)))
    same(noisy(Image.fromarray(gray)), noisy(gray))


def test_an_opaque_picture_with_alpha_is_the_picture(noisy, noise):
    opaque = np.dstack([noise[0], np.full(noise[0].shape[:2], 255, np.uint8)])
    same(noisy(opaque), noisy(noise[0]))
    same(noisy(Image.fromarray(opaque, "RGBA")), noisy(noise[0]))


def test_a_list_of_mixed_sizes_equals_one_by_one(noisy, noise, tmp_path):
    Image.fromarray(noise[3]).save(tmp_path / "a.png")
    together = noisy([noise[0], Image.fromarray(noise[1]), noise[2], tmp_path / "a.png"])
    assert isinstance(together, list)
    for poses, picture in zip(together, noise, strict=True):
        same(poses, noisy(picture))
    assert noisy([]) == []


def encoded(picture, suffix=".png"):
    file = io.BytesIO()
    Image.fromarray(picture).save(file, suffix[1:])
    return file.getvalue()


@pytest.mark.parametrize(
    "kind", [bytes, bytearray, io.BytesIO, lambda data: io.BufferedReader(io.BytesIO(data))],
    ids=["bytes", "bytearray", "BytesIO", "file"],
)  # fmt: skip
def test_the_bytes_of_a_file_are_a_picture_also_among_others(noisy, noise, kind):
    expected = noisy(noise[0])
    same(noisy(kind(encoded(noise[0]))), expected)
    together = noisy((kind(encoded(noise[0])), noise[0]))
    assert isinstance(together, list)
    for poses in together:
        same(poses, expected)


def test_a_stream_takes_whatever_a_call_takes_from_any_iterable(noisy, noise, tmp_path):
    Image.fromarray(noise[0]).save(tmp_path / "a.png")
    sources = (tmp_path / "a.png", str(tmp_path / "a.png"), encoded(noise[0]), Image.fromarray(noise[0]), noise[0])
    for poses in noisy.stream(source for source in sources):
        same(poses, noisy(noise[0]))


def test_a_stream_of_files_holds_a_few_pictures_at_a_time(dots, monkeypatch):
    taken, done, most = 0, 0, 0

    def sources():
        nonlocal taken
        for _ in range(40):
            taken += 1
            yield encoded(np.zeros((64, 128, 3), np.uint8))

    for _ in dots.stream(sources()):
        done += 1
        most = max(most, taken - done)
    assert done == 40
    assert most <= count_usable_cores() + 2


@pytest.mark.parametrize(
    ("ask", "pointer"),
    [
        (lambda estimator: estimator(one for one in ()), r"got generator; many pictures .* estimator\.stream"),
        (lambda estimator: estimator({"a.jpg"}), r"got set; many pictures come in a list"),
        (lambda estimator: estimator(None), "got NoneType"),
        (lambda estimator: estimator(np.zeros((2, 4, 4, 3), np.uint8)), r"a batch is given as list\(array\)"),
        (lambda estimator: estimator.stream("match.mp4"), r"stream takes many pictures.*estimator\.track"),
    ],
    ids=["generator", "set", "None", "batch", "stream"],
)
def test_what_belongs_elsewhere_says_where(dots, ask, pointer):
    with pytest.raises(MediaError, match=pointer):
        ask(dots)


USES = """
import io
from collections.abc import Sequence
from pathlib import Path
import numpy as np
from PIL import Image
from nimblepose import PoseEstimator, Poses
def use(estimator: PoseEstimator, paths: list[Path], names: tuple[str, ...], pictures: Sequence[Image.Image]) -> None:
    one: Poses = estimator("a.jpg")
    one = estimator(b"")
    one = estimator(io.BytesIO())
    with Path("a.jpg").open("rb") as file:
        one = estimator(file)
    one = estimator(np.zeros((4, 4, 3), np.uint8))
    many: list[Poses] = estimator(paths)
    many = estimator(names)
    many = estimator(pictures)
    many = list(estimator.stream(path for path in paths))
    many = list(estimator.stream(Path(".").glob("*.jpg")))
"""


def test_type_checkers_take_what_is_taken(tmp_path):
    api = pytest.importorskip("mypy.api")
    (tmp_path / "uses.py").write_text(USES)
    root = str(Path(nimblepose.__file__).parents[2])
    said, errors, code = api.run(["--strict", "--config-file", f"{root}/pyproject.toml", str(tmp_path / "uses.py")])
    assert code == 0, said + errors


def test_a_long_list_holds_a_few_pictures_at_a_time(dots, tmp_path, monkeypatch):
    Image.fromarray(np.zeros((64, 128, 3), np.uint8)).save(tmp_path / "a.png")
    read, most = [], 0

    def watched(path, **options):
        nonlocal most
        reduced = read_reduced(path, **options)
        read.append(weakref.ref(reduced.picture))
        most = max(most, sum(one() is not None for one in read))
        return reduced

    monkeypatch.setattr("nimblepose.runtime.estimator.read_reduced", watched)
    assert len(dots([tmp_path / "a.png"] * 40)) == len(read) == 40
    assert most <= count_usable_cores() + 1


def test_a_stream_equals_one_by_one(noisy, noise):
    streamed = list(noisy.stream(iter(noise * 2)))
    assert len(streamed) == 8
    for poses, picture in zip(streamed, noise * 2, strict=True):
        same(poses, noisy(picture))
    assert list(noisy.stream([])) == []


def test_a_stream_that_is_left_early_leaves_no_thread(noisy, noise):
    stream = noisy.stream(noise * 5)
    next(stream)
    stream.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("nimblepose")]


@pytest.mark.parametrize(("limit", "most"), [(1, 1), (64 * 128 - 1, 1), (1 << 20, 2)])
def test_threads_share_the_memory_of_the_network(dots_model, monkeypatch, limit, most):
    monkeypatch.setattr("nimblepose.runtime.estimator.INPUT_PIXELS", limit)
    estimator = PoseEstimator(dots_model, input_height=64, threads=2, streaming=True)
    run, inside, counts = estimator._parallel.run, [], []

    def watched(batch):
        inside.append(batch)
        time.sleep(0.01)
        counts.append(len(inside))
        inside.pop()
        return run(batch)

    estimator._parallel.run = watched
    assert len(list(estimator.stream([np.zeros((64, 128, 3), np.uint8)] * 12))) == 12
    assert max(counts) == most


def test_work_in_the_threads_of_a_stream_comes_in_order(noisy, noise):
    def work(number, find):
        return number, find(noise[number % 4]), threading.current_thread()

    for expected, (number, poses, thread) in enumerate(noisy.map(work, range(12))):
        assert number == expected
        assert thread is not threading.current_thread()
        same(poses, noisy(noise[number % 4]))


# The model is opened once --------------------------------------------------------------------------------------------


@pytest.fixture
def openings(monkeypatch):
    """Filled with how many calls at a time the model was opened for."""
    made = []

    def noted(path, backend, *, threads, parallel):
        made.append(parallel)
        return open_backend(path, backend, threads=threads, parallel=parallel)

    monkeypatch.setattr("nimblepose.runtime.opened.open_backend", noted)
    return made


@pytest.mark.parametrize("backend", ["onnxruntime", "openvino"])
def test_who_streams_opens_the_model_for_that_only(tiny, noise, openings, backend):
    pytest.importorskip(backend)
    estimator = PoseEstimator(tiny.onnx, backend=backend, input_height=64, threads=2, streaming=True)
    for _ in range(2):
        list(estimator.stream(noise))
    estimator([noise[0], noise[1]])
    assert estimator.metadata.skeleton == COCO_17
    assert openings == [2]
    estimator(noise[0])
    assert openings == [2, 1]


def test_who_looks_at_single_pictures_opens_the_model_for_that_only(tiny, noise, openings):
    estimator = PoseEstimator(tiny.onnx, input_height=64, threads=2)
    for picture in noise:
        estimator(picture)
    assert [len(poses) for poses in estimator([noise[0]])] == [len(estimator.estimate(noise[0]))]
    assert estimator([]) == []
    assert estimator.backend.metadata == estimator.metadata
    assert openings == [1]


def test_one_thread_and_torch_have_one_way_only(tiny, noise, openings):
    for model, threads in ((tiny.onnx, 1), (tiny.checkpoint, 2)):
        openings.clear()
        estimator = PoseEstimator(model, input_height=64, threads=threads, streaming=True)
        list(estimator.stream(noise))
        estimator(noise[0])
        assert openings == [1]


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (9, 7)], ids=str)
def test_pictures_of_few_pixels_are_no_trouble(noisy, size):
    poses = noisy(np.full((*size, 3), 200, np.uint8))
    assert poses.keypoints.shape[1:] == (17, 2)


@pytest.mark.parametrize(
    "source",
    ["nowhere.jpg", np.zeros((4, 4, 5), np.uint8), np.zeros((0, 4, 3), np.uint8), np.zeros(4, np.uint8)],
    ids=["no file", "five channels", "no rows", "a line"],
)
def test_what_is_no_picture_is_refused(dots, source):
    with pytest.raises(MediaError):
        dots(source)
    with pytest.raises(MediaError):
        dots([np.zeros((4, 4, 3), np.uint8), source])


# Averaging -----------------------------------------------------------------------------------------------------------


class Symmetric:
    """Sees with both eyes: fields that are symmetric for a symmetric picture, as no trained network's quite are."""

    def __init__(self, backend):
        self.backend, self.metadata = backend, backend.metadata

    def run(self, image):
        from nimblepose.runtime.averaging import mirror

        turned = mirror(self.backend.run(np.ascontiguousarray(image[..., ::-1])), COCO_17)
        return Fields(*((a + b) / 2 for a, b in zip(self.backend.run(image), turned, strict=True)))


def test_with_flip_a_symmetric_picture_has_symmetric_fields(tiny, noise):
    from nimblepose.runtime.averaging import mirror

    estimator = PoseEstimator(tiny.onnx, input_height=64, flip=True)
    picture = np.concatenate([noise[1], noise[1][:, ::-1]], axis=1)
    fields = estimator.compute_fields([picture], estimator.place(picture))
    for ours, theirs in zip(fields, mirror(fields, COCO_17), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_with_flip_a_mirrored_picture_has_mirrored_fields(tiny, noise):
    from nimblepose.runtime.averaging import mirror

    estimator = PoseEstimator(tiny.onnx, input_height=64, flip=True)
    placement = estimator.place(noise[0])
    turned = mirror(estimator.compute_fields([noise[0][:, ::-1]], placement), COCO_17)
    for ours, theirs in zip(estimator.compute_fields([noise[0]], placement), turned, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_flip_changes_nothing_where_the_network_is_symmetric_already(tiny, noise):
    plain, flipped = PoseEstimator(tiny.onnx, input_height=64), PoseEstimator(tiny.onnx, input_height=64, flip=True)
    symmetric, placement = Symmetric(plain.backend), plain.place(noise[0])
    once = plain.compute_fields([noise[0]], placement, symmetric)
    twice = flipped.compute_fields([noise[0]], placement, symmetric)
    for ours, theirs in zip(twice, once, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)


@pytest.mark.parametrize("scales", [(1.0, 1.0), (0.5, 1.0, 1.5), (2.0,)], ids=str)
@pytest.mark.parametrize("flip", [False, True])
def test_scales_answer_at_the_size_of_the_input(tiny, noise, scales, flip):
    estimator = PoseEstimator(tiny.onnx, input_height=64, scales=scales, flip=flip)
    placement = estimator.place(noise[0])
    heatmaps, pafs = estimator.compute_fields([noise[0], noise[2]], placement)
    assert heatmaps.shape == (2, 18, *(side // 8 for side in placement.input_size))
    assert pafs.shape == (2, 38, *(side // 8 for side in placement.input_size))
    assert isinstance(estimator(noise[0]), Poses)


def test_one_scale_twice_is_that_scale(tiny, noise):
    once, twice = (PoseEstimator(tiny.onnx, input_height=64, scales=scales) for scales in ((1.0,), (1.0, 1.0)))
    placement = once.place(noise[0])
    for ours, theirs in zip(
        twice.compute_fields([noise[0]], placement), once.compute_fields([noise[0]], placement), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


# Options -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threads": -1}, "threads must be 0 or more"),
        ({"scales": ()}, "scales in"),
        ({"scales": (0.01,)}, "scales in"),
        ({"scales": (1, 9)}, "scales in"),
        ({"scales": (float("nan"),)}, "scales in"),
        ({"input_height": 7}, "between the stride 8 and 8192, got 7"),
        ({"input_height": 0}, "between the stride 8 and 8192"),
        ({"input_height": -256}, "between the stride 8 and 8192"),
        ({"input_height": 64, "scales": (0.1,)}, "between the stride 8 and 8192"),
        ({"input_height": 9000}, "between the stride 8 and 8192"),
        ({"input_height": 4097, "scales": (2,)}, "between the stride 8 and 8192"),
        ({"backend": "torch"}, "cannot be run by torch"),
        ({"backend": "abacus"}, "cannot be run by abacus"),
    ],
    ids=str,
)
def test_options_that_cannot_be_are_refused(dots_model, options, message):
    with pytest.raises(PoseError, match=message):
        PoseEstimator(dots_model, **options)


def test_a_model_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ModelError, match=r"nowhere\.onnx"):
        PoseEstimator(tmp_path / "nowhere.onnx")


def test_flip_of_a_skeleton_without_mirror_image_is_refused_at_once(dots_model, tmp_path):
    onnx = pytest.importorskip("onnx")
    lame = Skeleton("lame", ("a", "l", "r"), (("a", "l"), ("l", "r")), mirror_pairs=(("l", "r"),))
    model = onnx.load(dots_model)
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, ModelMetadata(skeleton=lame).to_strings())
    onnx.save(model, tmp_path / "lame.onnx")
    PoseEstimator(tmp_path / "lame.onnx")
    with pytest.raises(SkeletonError, match="has no mirror image"):
        PoseEstimator(tmp_path / "lame.onnx", flip=True)


def test_decoding_is_by_the_options_given(noisy, tiny, noise):
    few = PoseEstimator(tiny.onnx, input_height=64, decode=DecodeOptions(min_peak_score=1.0))
    assert len(few(noise[0])) == 0 < len(noisy(noise[0]))


def test_the_model_may_come_from_the_environment(dots_model, monkeypatch):
    monkeypatch.setenv("NIMBLEPOSE_MODEL", str(dots_model))
    estimator = PoseEstimator(input_height=64)
    assert estimator.model == dots_model
    assert estimator.skeleton.name == "dots"


def test_a_picture_is_left_alone(noisy, noise):
    picture = noise[0].copy()
    picture.setflags(write=False)
    noisy([picture, picture])
    np.testing.assert_array_equal(picture, noise[0])


def test_pixels_that_are_not_square_are_seen_as_they_are_shown(dots):
    """PAL in 16:9 and the like: the network sees the shape that people see, keypoints lie in the stored pixels."""
    stored, shown = np.zeros((64, 64, 3), np.uint8), np.zeros((64, 128, 3), np.uint8)
    assert dots.place(stored, pixel_aspect=2.0).input_size == dots.place(shown).input_size == (64, 128)
    poses = dots.estimate(stored, pixel_aspect=2.0)
    expected = dots(shown).keypoints
    np.testing.assert_allclose(poses.keypoints[..., 0], (expected[..., 0] + 0.5) / 2 - 0.5, atol=1e-4)
    np.testing.assert_allclose(poses.keypoints[..., 1], expected[..., 1], atol=1e-4)
    same(next(iter(dots.stream([stored], pixel_aspect=2.0))), poses)


@pytest.fixture(scope="module")
def demo():
    """The picture in the package, and the heads that the model in the package sees in it."""
    picture = read_picture(DEMO_PICTURE)
    return picture, PoseEstimator(decode=DecodeOptions(find_heads=True))(picture)


def test_heads_lie_where_the_people_are_whatever_becomes_of_them(demo):
    picture, poses = demo
    assert len(poses)
    for x, y in poses.keypoints[:, poses.skeleton.keypoints.index("nose")]:
        assert np.isnan(x) or (np.hypot(*((poses.heads[:, :2] - (x, y)) / poses.heads[:, 2:4]).T) < 1).any()
    strict = PoseEstimator(decode=DecodeOptions(find_heads=True, min_pose_score=1.0))(picture)
    assert len(strict) == 0
    np.testing.assert_array_equal(strict.heads, poses.heads)
    assert PoseEstimator()(picture).heads is None


def test_heads_are_ellipses_in_pixels_that_are_not_square(demo):
    picture, poses = demo
    stored = np.ascontiguousarray(picture[:, ::2])
    narrow = PoseEstimator(decode=DecodeOptions(find_heads=True)).estimate(stored, pixel_aspect=2.0)
    round_, flat = (np.median(one.heads[:, 2] / one.heads[:, 3]) for one in (poses, narrow))
    assert round_ == pytest.approx(1, abs=0.03)
    assert flat == pytest.approx(0.5, abs=0.02)


def test_other_scales_keep_the_shape_of_pixels(dots_model):
    seen = []
    estimator = PoseEstimator(dots_model, input_height=64, scales=(1.0, 2.0))
    real = estimator.prepare
    estimator.prepare = lambda pictures, placement: seen.append(placement.input_size) or real(pictures, placement)
    picture = np.zeros((64, 64, 3), np.uint8)
    estimator.compute_fields([picture], estimator.place(picture, pixel_aspect=2.0))
    assert seen == [(64, 128), (128, 256)]


def test_a_jpeg_with_too_many_pixels_is_found_in_reduced_and_told_in_its_own(dots_model, tmp_path):
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 255, (64, 128, 3), np.uint8)).save(tmp_path / "a.jpg")
    whole = PoseEstimator(dots_model, input_height=64)(tmp_path / "a.jpg")
    few = PoseEstimator(dots_model, input_height=64, max_pixels=64 * 128 - 1)
    for found in (few(tmp_path / "a.jpg"), *few([tmp_path / "a.jpg"] * 2)):
        np.testing.assert_allclose(found.keypoints, whole.keypoints, atol=1)
        assert len(found) == 1


def test_a_thousand_threads_come_to_an_end(dots_model, noise):
    found = list(PoseEstimator(dots_model, input_height=64, threads=1000, streaming=True).stream(noise))
    assert len(found) == len(noise)

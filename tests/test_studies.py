"""What studies in `benchmarks/` count with: figures are worth as much as this."""

import sys
from pathlib import Path

import numpy as np
import pytest

from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import HUMAN_18
from nimblepose.data.coco import People, Record
from nimblepose.data.regions import Region
from nimblepose.data.sets import AnnotatedSet
from nimblepose.media.encoding import encode_picture

K, A = len(HUMAN_18.keypoints), HUMAN_18.annotated_indices


@pytest.fixture(scope="module", autouse=True)
def benchmarks():
    """The folder of the scripts, which import each other from there."""
    folder = str(Path(__file__).resolve().parents[1] / "benchmarks")
    sys.path.insert(0, folder)
    yield
    sys.path.remove(folder)


def poses_at(*points, score=0.9):
    """A pose per point, all keypoints of which lie there."""
    xy = np.repeat(np.array(points, np.float32).reshape(-1, 1, 2), K, axis=1)
    return Poses(HUMAN_18, xy, np.ones((len(xy), K), np.float32), np.full(len(xy), score, np.float32))


class SpotFinder:
    """Finds what is white."""

    skeleton, model = HUMAN_18, None

    def stream(self, pictures, *, pixel_aspect=1.0):
        for picture in pictures:
            y, x = np.nonzero(picture.min(axis=2) > 200)
            yield poses_at((x.mean(), y.mean()))


def record_of(image_id, path, size, xy=(), areas=(), ignore=()):
    """Annotations of people whose keypoints all lie at a point."""
    keypoints = np.zeros((len(xy), len(A), 3))
    for row, (x, y) in zip(keypoints, xy, strict=True):
        row[:] = x + 0.5, y + 0.5, 2
    count = len(xy)
    boxes = np.ones((count, 4))
    people = People(keypoints, boxes, np.array(areas, float), np.zeros(count, bool), np.ones(count, np.int64))
    return Record(image_id, path, size, HUMAN_18, people, tuple(ignore))


def spotted(height, width, x, y, reach=4):
    picture = np.zeros((height, width, 3), np.uint8)
    picture[y - reach : y + reach + 1, x - reach : x + reach + 1] = 255
    return picture


def test_a_way_of_looking_is_said_in_one_word():
    from ways_of_looking import read_way

    assert read_way("256") == {"input_height": 256}
    assert read_way("best+any-way-up+flip") == {"quality": "best", "any_way_up": True, "flip": True}


def test_what_is_found_in_a_picture_of_another_shape_is_where_it_was():
    from shapes_study import SHAPES, Showing

    picture = spotted(60, 90, 70, 20)
    for name, show in SHAPES.items():
        (poses,) = Showing(SpotFinder(), show).stream([picture])
        np.testing.assert_allclose(poses.keypoints[0, 0], (70, 20), atol=1e-4, err_msg=name)


@pytest.mark.parametrize(
    ("name", "size"),
    [("within 9:16, gray", (160, 90)), ("within 8:1, gray", (60, 480)), ("turned by 90", (90, 60))],
)
def test_shapes_are_what_their_names_say(name, size):
    from shapes_study import SHAPES

    assert SHAPES[name](np.zeros((60, 90, 3), np.uint8)).picture.shape[:2] == size


def test_turned_once_to_the_left_the_right_edge_is_on_top():
    from shapes_study import turned

    shown = turned(1)(spotted(60, 90, 80, 30)).picture
    assert np.nonzero(shown.any(axis=2))[0].max() < 20


def test_panoramas_hold_all_pictures_once_and_give_poses_back_to_them(tmp_path):
    from shapes_study import HEIGHT, WIDE, detect_in_panoramas, list_panoramas

    records = []
    for number in range(4):
        path = tmp_path / f"{number}.png"
        path.write_bytes(encode_picture(spotted(240, 720, 100 + 50 * number, 120), ".png"))
        records.append(record_of(number + 1, path, (240, 720)))
    panoramas = list_panoramas(records)
    assert [len(panorama.records) for panorama in panoramas] == [2, 2]  # 1440 pixels each, of 3840
    assert all(panorama.lefts[-1] + 1440 <= WIDE * HEIGHT for panorama in panoramas)

    class Each(SpotFinder):
        """Finds white spots in both halves."""

        def stream(self, pictures, *, pixel_aspect=1.0):
            for picture in pictures:
                halves = picture[:, :1440], picture[:, 1440:]
                middles = [np.argwhere(half.min(axis=2) > 200).mean(axis=0)[::-1] for half in halves]
                yield poses_at(middles[0], middles[1] + (1440, 0))

    data = AnnotatedSet(tmp_path, HUMAN_18, (1,), {r.image_id: r.path for r in records}, records)
    results = detect_in_panoramas(data, Each())
    assert [result["image_id"] for result in results] == [1, 2, 3, 4]
    for number, result in enumerate(results):
        np.testing.assert_allclose(result["keypoints"][:2], (100.5 + 50 * number, 120.5), atol=0.3)


@pytest.mark.parametrize("upright", [True, False])
def test_people_in_strips_are_where_their_pixels_are(upright):
    from shapes_study import TILE, Tile, count_found, join

    tiles = [
        Tile(spotted(TILE, width, x, 200), np.full((K, 2), (x, 200), np.float32), 900.0)
        for width, x in ((80, 30), (120, 60), (60, 50))
    ]
    strip = join(tiles, upright=upright)
    assert strip.picture.shape[:2] == ((3 * TILE, 120) if upright else (TILE, 260))
    for x, y in strip.xy[:, 0]:
        assert (strip.picture[round(y) - 4 : round(y) + 5, round(x) - 4 : round(x) + 5] == 255).all()
    assert count_found(strip, poses_at(*strip.xy[:, 0])) == 3
    assert count_found(strip, poses_at(strip.xy[0, 0], strip.xy[0, 0])) == 1
    assert count_found(strip, poses_at()) == 0


def test_right_and_found_are_counted_as_the_table_says():
    from use_study import Tally

    crowd = Region.read({"bbox": [60, 0, 40, 100]}, (100, 100))
    record = record_of(1, Path(), (100, 100), [(20, 20), (20, 80)], [400.0, 400.0], [crowd])
    tally = Tally()
    tally.add(record, poses_at((20, 20), (21, 20), (50, 50), (80, 50)))
    assert tally.right == [True, True, False]  # the last is in the crowd
    assert tally.best == [pytest.approx(1), pytest.approx(0, abs=1e-3)]
    assert tally.sizes == [20, 20]
    assert tally.near == [True] * (2 * len(A))


def test_nobody_is_drawn_the_same_each_time_and_differently_by_seed(monkeypatch):
    import drawn_things
    from drawn_things import KINDS, draw

    monkeypatch.setattr(drawn_things, "SIZES", ((120, 160), (160, 120)))
    for kind in KINDS:
        first = draw(kind, 0)
        assert first.dtype == np.uint8
        np.testing.assert_array_equal(first, draw(kind, 0))
        other = draw(kind, 1)
        assert first.shape != other.shape or (first != other).any()


def test_pictures_without_people_are_two_hundred_and_missing_ones_are_named(tmp_path):
    from drawn_things import KINDS
    from nobody import SEEDS, SHIPPED, list_shipped

    names = [f"{folder}/{name}" for folder, some in SHIPPED.items() for name in some.split()]
    assert len(set(names)) + len(KINDS) * SEEDS == 200
    with pytest.raises(SystemExit, match=r"skimage/data/coffee\.png"):
        list_shipped(tmp_path)

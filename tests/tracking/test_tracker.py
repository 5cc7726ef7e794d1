"""Identities stay with people through noise, crossing, hiding, weak sightings and slow frames."""

import dataclasses
import sys

import numpy as np
import pytest
from tests.tracking.conftest import RATE, noisy, poses, shimmer, standing

from nimblepose.core.errors import MissingPackageError, PoseError
from nimblepose.core.poses import Poses
from nimblepose.core.skeleton import COCO_17, HUMAN_18, Skeleton
from nimblepose.evaluation.identities import Sighting, score_identities
from nimblepose.tracking.tracker import OksTracker, TrackOptions
from nimblepose.tracking.tracks import Tracks

WALK = 120.0  # pixels per second for people 150 pixels high: 1.4 m/s


def follow(frames, options=None, rate=RATE):
    """Identities of each frame, as lists."""
    tracker = OksTracker(options or TrackOptions())
    return [
        tracker.update(shimmer(frame, number), number / rate).track_ids.tolist() for number, frame in enumerate(frames)
    ]


def walkers(starts, speeds, count, *, rate=RATE):
    """(F, N, K, 2) true keypoints of people who walk to the right at `speeds` pixels per second."""
    return np.array(
        [[standing((x + v * f / rate, 200)) for x, v in zip(starts, speeds, strict=True)] for f in range(count)]
    )


# Who is who -----------------------------------------------------------------------------------------------------------


def test_identities_count_from_one_and_stay_in_the_order_given():
    true = walkers([100, 300, 500], [0, 30, -30], 10)
    orders = [np.roll(np.arange(3), f) for f in range(10)]
    ids = follow([poses(true[f][orders[f]]) for f in range(10)])
    assert ids == [(orders[f] + 1).tolist() for f in range(10)]


def test_nothing_but_identities_is_changed():
    given = poses([standing((100, 200)), standing((300, 200))])
    got = OksTracker().update(given, 0.0)
    np.testing.assert_array_equal(got.keypoints, given.keypoints)
    np.testing.assert_array_equal(got.keypoint_scores, given.keypoint_scores)
    assert given.track_ids is None
    assert got.track_ids.dtype == np.int64


@pytest.mark.parametrize("seed", range(3))
def test_a_noisy_detector_that_misses_people_costs_hardly_any_identity(seed):
    """Five people cross in one plane; whoever is covered by another is not found, others are missed now and then."""
    rng = np.random.default_rng(seed)
    starts, speeds = rng.uniform(0, 600, 5), rng.choice([-1, 1], 5) * rng.uniform(40, WALK, 5)
    true = walkers(starts, speeds, 150)
    tracker, sightings = OksTracker(), []
    for f, people in enumerate(true):
        x = people[:, 1, 0]
        covered = [any(abs(x[j] - x[i]) < 25 for j in range(i)) for i in range(5)]
        found = [i for i in range(5) if not covered[i] and rng.random() > 0.1]
        got = tracker.update(poses([noisy(people[i], rng) for i in found]), f / RATE)
        near = np.nanmean(np.abs(got.keypoints[:, None] - people), axis=(2, 3)) < 6  # (F, G)
        visible = np.flatnonzero(~np.array(covered))
        sightings.append(Sighting(visible, got.track_ids, near.T[visible].astype(float)))
    assert score_identities(sightings).idf1 > 0.9  # one in ten is missed: 0.947 at best


def test_who_enters_from_below_head_first_is_one_person():
    """Seen from behind, ten frames a second: head and shoulders are small, and faster than anybody so small is."""
    frames = []
    for f in range(6):
        body = standing((300, 902 - 40 * f), height=620)
        body[body[:, 1] > 432] = np.nan
        body[[HUMAN_18.keypoints.index(name) for name in ("nose", "left_eye", "right_eye")]] = np.nan
        frames.append(poses([body]))
    assert frames[0].found.sum() == 5
    assert follow(frames, rate=10) == [[1]] * 6


@pytest.mark.parametrize("frames_hidden", [5, 15, 45])
def test_who_was_hidden_is_known_again_beside_somebody_who_walks_the_other_way(frames_hidden, rng):
    true = walkers([100, 100 + 3 * WALK], [WALK, -WALK], 100)
    middle = 38  # the frame in which they pass each other
    hidden = range(middle - frames_hidden // 2, middle - frames_hidden // 2 + frames_hidden)
    ids = follow([poses([] if f in hidden else [noisy(xy, rng) for xy in true[f]]) for f in range(100)])
    assert all(i == ([] if f in hidden else [1, 2]) for f, i in enumerate(ids))


def test_who_is_away_for_too_long_is_somebody_new():
    here, nobody = poses([standing((100, 200))]), poses([])
    gap = int(RATE * 3)
    assert follow([here] + [nobody] * (gap - 1) + [here])[-1] == [1]
    assert follow([here] + [nobody] * (gap + 1) + [here])[-1] == [2]


def test_somebody_elsewhere_is_somebody_else():
    assert follow([poses([standing((100, 200))]), poses([standing((400, 200))])])[-1] == [2]
    stays, leaves, comes = (standing((x, 200)) for x in (100, 200, 600))
    assert follow([poses([stays, leaves]), poses([stays, comes])])[-1] == [1, 3]


def test_two_who_change_places_are_told_apart_by_their_motion(rng):
    """They meet face to face and one of them is covered: nearest-place matching would turn both round."""
    true = walkers([100, 300], [WALK, -WALK], 45)
    frames = []
    for people in true:
        apart = abs(people[0, 1, 0] - people[1, 1, 0])
        frames.append(poses([noisy(xy, rng) for xy in (people[:1] if apart < 30 else people)]))
    assert follow(frames)[-1] == [1, 2]


def test_half_a_body_is_still_the_person(rng):
    true = walkers([100], [WALK], 40)
    frames = []
    for f, (person,) in enumerate(true):
        half = noisy(person, rng)
        half[[8, 9, 10, 11, 12, 13] if f % 20 < 10 else [0, 14, 15, 16, 17, 4, 7]] = np.nan
        frames.append(poses([half]))
    assert follow(frames) == [[1]] * 40


def dressed(frame, colours):
    """The people of a frame, all limbs of each in one colour."""
    limbs = len(HUMAN_18.limbs)
    return dataclasses.replace(frame, limb_colours=np.repeat(np.float32(colours)[:, None], limbs, axis=1))


RED, BLUE = (180, 40, 40), (40, 50, 140)


def test_two_who_turn_round_out_of_sight_are_told_apart_by_what_they_wear(rng):
    """They walk behind a wall towards each other and come out where they went in; by motion they passed each other."""
    count, middle = 100, 50
    there = walkers([100, 600], [WALK, -WALK], middle)
    true = np.concatenate([there, there[::-1]])
    hidden = range(middle - 25, middle + 25)
    seen = [[noisy(xy, rng) for xy in people] for people in true]
    plain = [poses([] if f in hidden else seen[f]) for f in range(count)]
    light = np.linspace(1.2, 0.8, count)  # it grows darker
    coloured = [dressed(p, np.array([RED, BLUE][: len(p)]).reshape(-1, 3) * light[f]) for f, p in enumerate(plain)]
    assert follow(plain)[-1] == [2, 1]
    assert follow(coloured)[-1] == [1, 2]


def test_who_comes_back_off_course_is_told_by_what_they_wear():
    """Somebody steps out between the places where two were lost, a little nearer to the one dressed otherwise."""
    two, nobody, one = [standing((100, 200)), standing((159, 200))], poses([]), [standing((130, 200))]
    assert follow([poses(two)] * 10 + [nobody] * 5 + [poses(one)])[-1] == [2]
    coloured = dressed(poses(two), [RED, BLUE])
    assert follow([coloured] * 10 + [nobody] * 5 + [dressed(poses(one), [RED])])[-1] == [1]
    assert follow([coloured] * 10 + [nobody] * 5 + [dressed(poses(one), [BLUE])])[-1] == [2]


def test_colours_do_not_outweigh_the_place():
    """Who stays in place is the same, though a shadow falls on one and light on the other; so is who is alone."""
    frames = [poses([standing((100, 200)), standing((300, 200))])] * 2
    assert follow([dressed(frames[0], [RED, BLUE]), dressed(frames[1], [BLUE, RED])])[-1] == [1, 2]
    assert follow([dressed(frames[0][:1], [RED]), dressed(frames[1][:1], [BLUE])])[-1] == [1]


def test_colours_may_come_and_go(rng):
    true = walkers([100, 300], [WALK, -WALK], 40)
    frames = [poses([noisy(xy, rng) for xy in people]) for people in true]
    frames[::2] = [dressed(frame, [RED, BLUE]) for frame in frames[::2]]
    assert follow(frames) == [[1, 2]] * 40


# Confident first, tentative and lost ----------------------------------------------------------------------------------


def test_the_sure_are_known_at_once_and_the_doubtful_after_some_frames():
    person = standing((100, 200))
    assert follow([poses([person], scores=0.66)]) == [[1]]
    assert follow([poses([person], scores=0.64)] * 4) == [[], [], [1], [1]]
    assert follow([poses([person], scores=0.6)] * 2, TrackOptions(min_sightings=1)) == [[1], [1]]


def test_what_flickers_is_nobody():
    person, nobody = poses([standing((100, 200))], scores=0.6), poses([])
    assert follow([person, person, nobody] * 5) == [[]] * 15


def test_a_weak_sighting_keeps_whoever_is_known():
    person = standing((100, 200))
    assert follow([poses([person], scores=s) for s in (0.7, 0.12, 0.11, 0.7)]) == [[1]] * 4


def test_the_confident_choose_first():
    """A weak ghost lies nearer to where the person is expected than the person."""
    person, ghost = standing((103, 200)), standing((100, 200))
    tracker = OksTracker()
    tracker.update(poses([standing((100, 200))]), 0.0)
    got = tracker.update(poses([ghost, person], scores=[0.12, 0.7]), 0.04)
    np.testing.assert_array_equal(got.keypoints[got.track_ids == 1], poses([person]).keypoints)


def test_a_weak_sighting_nearby_is_worth_more_than_a_sure_one_far_off():
    """Both together would be alike enough if the one walked off and somebody lost took the place; nobody does that."""
    here, lost = standing((100, 200)), standing((122, 200))
    weak, far = standing((109, 200)), standing((80, 200))
    tracker = OksTracker()
    for f in range(20):
        tracker.update(shimmer(poses([here, lost][: 2 if f < 16 else 1]), f), f / RATE)
    got = tracker.update(poses([far, weak], scores=[0.7, 0.3]), 20 / RATE)
    assert got.track_ids.tolist() == [3, 1]


@pytest.mark.parametrize(("distance", "rival"), [(14.0, 0.68), (45.0, 0.0)])
def test_who_is_like_another_track_is_its_rival(monkeypatch, distance, rival):
    """The likeness to oneself does not count, however small the other's is."""
    given, update = [], Tracks.update

    def spy(self, people, time, rivals, **others):
        given.append(rivals)
        return update(self, people, time, rivals, **others)

    monkeypatch.setattr(Tracks, "update", spy)
    pair = poses([standing((100, 200)), standing((100 + distance, 200))])
    tracker = OksTracker()
    for f in range(10):
        tracker.update(shimmer(pair, f), f / RATE)
    np.testing.assert_allclose(given[-1], [rival] * 2, atol=0.02)
    tracker.update(pair[:1], 10 / RATE)
    np.testing.assert_allclose(given[-1], [rival], atol=0.02)


def test_whoever_was_seen_a_moment_ago_explains_a_find_better_than_somebody_lost():
    """The find lies where the lost one was, and a little off the one who was just seen."""
    lost, here = standing((100, 200)), standing((108, 200))
    frames = [[lost, standing((300, 200))], *[[standing((300 - 8 * f, 200))] for f in range(1, 25)], [here]]
    assert follow([poses(frame) for frame in frames])[-1] == [2]
    assert follow([poses([lost]), *[poses([])] * 24, poses([here])])[-1] == [1]  # nobody else explains it


def test_whoever_comes_back_off_course_is_known_again_before_somebody_new_is_made_up():
    frames = [poses([standing((100, 200))])] * 10 + [poses([])] * 5 + [poses([standing((130, 200))])]
    assert follow(frames)[-1] == [1]
    assert follow(frames, TrackOptions(relink_similarity=0.5))[-1] == [2]


def test_the_same_person_twice_is_no_newcomer():
    person = standing((100, 200))
    legs = person.copy()
    legs[[k for k in range(18) if k not in (8, 9, 10, 11, 12, 13)]] = np.nan
    assert follow([poses([person]), poses([person, legs + 1])] * 3) == [[1], [1]] * 3


def test_somebody_who_joins_gets_the_next_number_and_no_number_comes_twice(rng):
    a, b, c = (standing((x, 200)) for x in (100, 250, 400))
    nobody = [poses([])] * int(RATE * TrackOptions().max_gap + 10)
    assert follow([poses([a]), poses([a, b]), *nobody, poses([b, c])])[-1] == [3, 4]


# Streams --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [5.0, 10.0, 60.0])
def test_real_times_count_not_frames(rate, rng):
    """A walk is followed whether few frames a second come or many."""
    true = walkers([100, 100 + 3 * WALK], [WALK, -WALK], int(3 * rate), rate=rate)
    true[:, 1] += (0, 20)  # a little nearer
    frames = [poses([noisy(xy, rng) for xy in people]) for people in true]
    assert follow(frames, rate=rate) == [[1, 2]] * len(frames)


@pytest.mark.parametrize("factor", [0.25, 8.0])
def test_resolution_does_not_matter(factor, rng):
    true = walkers([100, 180, 260], [WALK, 0, -WALK], 60)
    frames = [[noisy(xy, rng) for xy in people if rng.random() > 0.1] for people in true]
    assert follow([poses(f) for f in frames]) == follow([poses(np.array(f) * factor) for f in frames])


def test_every_run_gives_the_same(rng):
    true = walkers(rng.uniform(0, 500, 8), rng.uniform(-WALK, WALK, 8), 40)
    frames = [poses([noisy(xy, rng) for xy in people]) for people in true]
    assert follow(frames) == follow(frames)


def test_trackers_count_on_their_own_and_reset_forgets_without_counting_anew():
    person = poses([standing((100, 200))])
    one, other = OksTracker(), OksTracker()
    assert one.update(person, 5.0).track_ids.tolist() == [1]
    assert other.update(person, 5.0).track_ids.tolist() == [1]
    one.reset()
    assert one.update(person, 0.0).track_ids.tolist() == [2]


def test_frames_of_nobody_and_people_of_whom_nothing_was_found():
    tracker = OksTracker()
    assert tracker.update(Poses.empty(HUMAN_18), 0.0).track_ids.shape == (0,)
    empty = poses([np.full((18, 2), np.nan)] * 2)
    for time in (0.1, 0.2, 0.3):
        assert len(set(tracker.update(empty, time).track_ids.tolist())) in (0, 2)
    assert tracker.update(poses([standing((100, 200))]), 0.3).track_ids.tolist()[-1] >= 1


def test_any_skeleton(rng):
    stick = Skeleton("stick", ("head", "foot"), (("head", "foot"),))
    frames = [poses([[[x + f, 50], [x + f, 90]] for x in (10, 100)], skeleton=stick) for f in range(10)]
    assert follow(frames) == [[1, 2]] * 10


def test_memory_does_not_grow():
    tracker = OksTracker(TrackOptions(max_gap=0.5))
    for f in range(200):
        tracker.update(poses([standing((1000 * f, 200))]), f / RATE)
    assert len(tracker._tracks) <= 0.5 * RATE + 2


# Refused --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("time", [0.9, -1.0, np.nan, np.inf])
def test_time_runs_forward(time):
    tracker = OksTracker()
    tracker.update(poses([]), 1.0)
    tracker.update(poses([]), 1.0)
    with pytest.raises(PoseError, match=r"reset\(\)"):
        tracker.update(poses([]), time)


@pytest.mark.parametrize("other", [COCO_17, dataclasses.replace(HUMAN_18, limbs=HUMAN_18.limbs[:17])])
def test_one_skeleton_per_tracker(other):
    tracker = OksTracker()
    tracker.update(poses([]), 0.0)
    with pytest.raises(PoseError, match="18 keypoints"):
        tracker.update(Poses.empty(other), 1.0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_gap", -1),
        ("max_gap", np.nan),
        ("max_gap", np.inf),
        ("min_similarity", 1.5),
        ("relink_similarity", -0.1),
        ("confident_score", -0.1),
        ("max_resemblance", 2),
        ("min_colour_likeness", 1.1),
        ("sparse_step", -1),
        ("max_gap_frames", -1),
        ("min_sightings", 0),
    ],
)
def test_options_out_of_range_are_named(name, value):
    with pytest.raises(PoseError, match=name):
        TrackOptions(**{name: value})


def test_options_at_the_ends_of_their_ranges_are_taken():
    shares = ("min_similarity", "relink_similarity", "confident_score", "max_resemblance", "min_colour_likeness")
    for value in (0, 1):
        TrackOptions(max_gap=0, max_gap_frames=0, sparse_step=0, min_sightings=1, **dict.fromkeys(shares, value))


def test_without_scipy_it_is_said_what_to_install(monkeypatch):
    tracker, person = OksTracker(), poses([standing((100, 200))])
    tracker.update(person, 0.0)
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    with pytest.raises(MissingPackageError, match=r"nimblepose\[video\]"):
        tracker.update(shimmer(person, 1), 0.1)


def test_who_is_expected_where():
    tracker = OksTracker()
    with pytest.raises(PoseError, match="update"):
        tracker.expect(0.0)
    for f in range(10):
        tracker.update(poses([standing((100 + 4 * f, 200))]), f / RATE)
    expected = tracker.expect(11 / RATE)
    assert expected.ids.tolist() == [1]
    np.testing.assert_allclose(np.nanmean(expected.xy[0] - standing((144, 200)), axis=0), 0, atol=3)
    with pytest.raises(PoseError, match="before"):
        tracker.expect(0.0)

"""Scores of identities, against cases counted by hand."""

import numpy as np
import pytest

from nimblepose.evaluation.identities import Sighting, score_identities


def story(*frames):
    """Each frame pairs people with identities found: "a1 b2"; "a-" was not found, "-3" is nobody."""
    sightings = []
    for frame in frames:
        pairs = [(pair[0], pair[1]) for pair in frame.split()]
        true = [ord(t) for t, _ in pairs if t != "-"]
        found = [int(f) for _, f in pairs if f != "-"]
        similarity = np.zeros((len(true), len(found)))
        for t, f in pairs:
            if "-" not in (t, f):
                similarity[true.index(ord(t)), found.index(int(f))] = 0.8
        sightings.append(Sighting(np.array(true, int), np.array(found, int), similarity))
    return score_identities(sightings)


@pytest.mark.parametrize(
    ("frames", "agreeing", "idf1", "switches"),
    [
        (["a1 b2"] * 4, 8, 1.0, 0),
        (["a1 b2", "a1 b2", "a2 b1", "a2 b1"], 4, 0.5, 2),  # two people swap
        (["a1", "a1", "a1", "a2"], 3, 0.75, 1),  # the longer part counts
        (["a1", "a-", "a-", "a1"], 2, 2 * 2 / (4 + 2), 0),  # missed, and known again
        (["a1", "a-", "a-", "a2"], 1, 2 * 1 / (4 + 2), 1),  # missed, and taken for another
        (["a1 -7"] * 3, 3, 2 * 3 / (3 + 6), 0),  # somebody who is not there
        (["a1", "b1"], 1, 0.5, 0),  # one identity for two people: no switch of either, but wrong
        (["a1", "a2", "a1", "a2"], 2, 0.5, 3),
        (["a1 b2", "a1 b-", "a1 b3", "a1 b3"], 6, 2 * 6 / (8 + 7), 1),
        (["-1"], 0, 0.0, 0),
        (["a-"], 0, 0.0, 0),
        ([], 0, 0.0, 0),
    ],
    ids=str,
)
def test_cases_counted_by_hand(frames, agreeing, idf1, switches):
    scores = story(*frames)
    assert (scores.agreeing, scores.switches) == (agreeing, switches)
    assert scores.idf1 == pytest.approx(idf1)


def test_precision_and_recall_are_of_identities():
    scores = story("a1 -2", "a1 -2", "a-")
    assert (scores.precision, scores.recall) == (2 / 4, 2 / 3)


def test_the_global_choice_is_optimal_not_greedy():
    """a is found as 1 three times, as 2 twice; b as 1 twice: a2 and b1 make 4, a1 alone makes 3."""
    assert story("a1", "a1", "a1", "b1", "b1", "a2", "a2").agreeing == 4


def test_what_is_not_similar_enough_is_not_the_person():
    frames = [Sighting(np.array([1]), np.array([5]), np.array([[0.49]]))]
    assert score_identities(frames).agreeing == 0
    assert score_identities(frames, min_similarity=0.4).agreeing == 1


def test_people_keep_the_identity_they_had_while_it_is_similar_enough():
    both = Sighting(np.array([1]), np.array([5, 6]), np.array([[0.6, 0.9]]))
    first = Sighting(np.array([1]), np.array([5]), np.array([[0.9]]))
    assert score_identities([first, both]).switches == 0

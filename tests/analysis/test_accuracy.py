import numpy as np
import pytest

from restyle.analysis.genre.accuracy import evaluate, share, triplets


def test_chunks_and_tracks_are_counted_apart():
    """Track a: two chunks of three are wrong, but less surely; track b is right; c is wrong."""
    probabilities = np.array([[0.9, 0.1], [0.45, 0.55], [0.45, 0.55], [0.2, 0.8], [0.7, 0.3]])
    found = evaluate(probabilities, np.array([0, 0, 0, 1, 1]), ["a", "a", "a", "b", "c"])
    assert found.chunk.mean == pytest.approx(2 / 5) and found.track.mean == pytest.approx(2 / 3)
    assert found.confusion.tolist() == [[1, 0], [1, 1]]
    assert (found.chunks, found.tracks) == (5, 3)


def test_the_order_of_chunks_does_not_matter():
    rng = np.random.default_rng(0)
    probabilities, tracks = rng.dirichlet(np.ones(4), 60), rng.integers(0, 12, 60)
    truth, order = tracks % 4, rng.permutation(60)
    first, second = evaluate(probabilities, truth, tracks), evaluate(probabilities[order], truth[order], tracks[order])
    assert first.chunk.mean == second.chunk.mean and np.array_equal(first.confusion, second.confusion)


def test_tracks_may_be_pairs():
    found = evaluate(np.eye(2)[[0, 1]], np.array([0, 1]), [("chart", 0), ("chart", 1)])
    assert found.tracks == 2 and found.track.mean == 1


def test_the_interval_of_alike_chunks_is_that_of_few_tracks():
    """100 chunks of 4 tracks, all of a track right or wrong: hardly more is known than from 4 answers."""
    tracks = np.repeat(np.arange(4), 25)
    probabilities = np.eye(2)[(tracks == 0).astype(int)]
    found = evaluate(probabilities, np.zeros(100, int), tracks)
    assert found.chunk.mean == 0.75 and found.chunk.low <= 0.25 and found.chunk.high == 1.0


def test_the_interval_is_the_binomials():
    right = np.zeros(400)
    right[:300] = 1
    found = share(right)
    wide = 1.96 * np.sqrt(0.75 * 0.25 / 400)
    assert found.low == pytest.approx(0.75 - wide, abs=0.01) and found.high == pytest.approx(0.75 + wide, abs=0.01)
    assert str(share(np.ones(3))) == "100.0 % (100.0 to 100.0)"
    assert np.isnan(share(np.ones(0)).mean)


def test_triplets_of_known_points():
    angles = np.radians([0, 10, 90, 100])
    points = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    assert triplets(points, list("aabb")).mean == 1.0
    assert triplets(points, list("abab")).mean == pytest.approx((0.5 + 0 + 0 + 0.5) / 4, abs=0.26)
    # worked out by hand: every clip's own partner is 90 degrees away, and one of the two others is 10 degrees away
    assert triplets(points, list("abab")).mean == 0.25


def test_all_points_alike_is_chance():
    assert triplets(np.ones((6, 3)), list("aabbcc")).mean == 0.5


def test_random_points_are_chance():
    rng = np.random.default_rng(0)
    assert triplets(rng.normal(size=(300, 8)), rng.integers(0, 10, 300)).mean == pytest.approx(0.5, abs=0.03)


def test_clips_of_one_source_are_no_pair():
    points = np.array([[1.0, 0], [1.0, 0.01], [0, 1.0], [0.8, 0.6]])
    assert triplets(points, list("aabb")).mean > triplets(points, list("aaab"), [0, 0, 1, 2]).mean
    assert np.isnan(triplets(points, list("aabb"), [0, 0, 1, 1]).mean)

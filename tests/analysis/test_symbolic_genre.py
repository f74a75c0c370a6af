"""What is seen of scores, and a classifier of folders of MIDI files."""

from dataclasses import replace

import numpy as np
import pytest

from restyle.analysis.symbolic_genre.infer import classify
from restyle.analysis.symbolic_genre.profile import HEIGHTS, ROWS, profile
from restyle.analysis.symbolic_genre.windows import Windows, changed, pack
from restyle.commands import train
from restyle.errors import RestyleError
from restyle.io.scores import write_score
from restyle.notes import DRUMS
from restyle.score import Score, joined

BARS = 8


def band(onsets, shift=0, bars=BARS):
    """Chords on steps of each bar, a bass on its beats, and a drum with the chords."""
    rows = []
    for bar in range(bars):
        rows += [(48 * bar + at, 4, 60 + shift + 4 * k, 0.8, 0, 0) for at in onsets for k in range(3)]
        rows += [(48 * bar + 12 * k, 12, 36 + shift + k, 0.8, 32, 1) for k in range(4)]
        rows += [(48 * bar + at, 2, 42, 0.8, DRUMS, 2) for at in onsets]
    return Score.of(rows, bars=48 * np.arange(bars + 1))


def parts(seen):
    return np.split(seen, np.cumsum(HEIGHTS)[:-1])


def test_known_counts():
    drums, bass, leaps, rest, _, sizes = parts(profile(band([0, 18])))
    assert np.flatnonzero(drums.sum(axis=0)).tolist() == [0, 18] and drums.max() == 1  # one hat a bar
    assert np.argwhere(bass).tolist() == [[3, 0], [3, 12], [3, 24], [3, 36]]  # quarter notes on the beats
    assert leaps[:, 11].sum() == leaps.sum() > 0  # a quarter note from each to the next
    assert np.allclose(rest[:, 18].sum() ** 2, 3) and not rest[:, 12].any()
    assert sizes[3, 0] == 1 and sizes[2, 18] == 1 and sizes[0, 12] == 1  # 4 with the bass, 3 alone, the bass alone


def test_what_does_not_count():
    score = band([0, 18, 30])
    seen = profile(score)
    one_piano = replace(score, programme=np.where(score.programme == DRUMS, DRUMS, 0), track=0 * score.track)
    for same in (band([0, 18, 30], shift=3), one_piano, replace(score, velocity=score.velocity / 2)):
        assert np.array_equal(profile(same), seen)
    assert np.array_equal(profile(score.between(2, 3))[: HEIGHTS[0]], seen[: HEIGHTS[0]])  # one bar is like eight
    assert not np.array_equal(profile(band([0, 12, 30])), seen)


def test_a_pickup_ends_where_a_bar_ends():
    upbeat = Score.of([(0, 6, 42, 0.8, DRUMS, 0), (12, 6, 42, 0.8, DRUMS, 0)], bars=[0, 12, 60])
    assert np.flatnonzero(profile(upbeat).sum(axis=0)).tolist() == [0, 36]


@pytest.mark.parametrize("rows", [[], [(0, 6, 36, 0.8, DRUMS, 0)], [(60, 200, 90, 0.8, 0, 0)]])
def test_little_is_enough(rows):
    seen = profile(Score.of(rows, bars=[0, 36, 72]))
    assert seen.shape == (ROWS, 48) and np.isfinite(seen).all()
    found = classify(Score.of(rows, bars=[0, 36, 72]))
    assert found.mean.sum() == pytest.approx(1) and (rows or np.ptp(found.mean) == 0)


def test_changes_follow_from_the_seed_and_leave_something():
    score = band([0, 18])
    many = [changed(score, np.random.default_rng(seed)) for seed in range(60)]
    again = changed(score, np.random.default_rng(7))
    assert np.array_equal(many[7].start, again.start) and np.array_equal(many[7].pitch, again.pitch)
    assert all(len(one) for one in many)
    drums = [(one.programme == DRUMS).any() for one in many]
    assert any(drums) and not all(drums)
    assert len({one.pitch[one.programme == 32].min() for one in many if (one.programme == 32).any()}) > 5  # other keys


GROOVES = {"straight": [0, 12, 24, 36], "pushed": [6, 18, 30, 42]}


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    """Two genres that differ in rhythm alone, ten pieces each in both."""
    folder = tmp_path_factory.mktemp("music")
    for genre, onsets in GROOVES.items():
        (folder / genre / "deeper").mkdir(parents=True)
        for k in range(10):
            write_score(folder / genre / "deeper" / f"piece{k}_{genre}.mid", band(onsets, shift=k - 5))
    (folder / "pushed" / ".hidden.mid").write_bytes(b"none")
    return folder


def test_a_folder_is_a_store(music, tmp_path):
    store = pack(music, tmp_path / "store")
    assert len(store.entries) == 20 and {entry.labels[0] for entry in store.entries} == set(GROOVES)
    assert sorted({entry.source for entry in store.entries}) == [f"piece{k}" for k in range(10)]  # of both genres
    chunks = Windows(store, range(20), 4, sorted(GROOVES))
    assert len(chunks) == 2 * 20
    profiles, labels, sources = chunks.batch(np.arange(40), 0, wants=("sources",))
    assert (
        profiles.shape == (40, ROWS, 48) and labels.bincount().tolist() == [20, 20] and len(set(sources.tolist())) == 10
    )
    assert np.array_equal(profiles[0], profile(band(GROOVES["pushed"]).between(0, 4)))
    moved = Windows(store, range(20), 4, sorted(GROOVES), random=True)
    one, other, same = (moved.batch(np.arange(8), epoch)[0] for epoch in (0, 1, 0))
    assert np.array_equal(one, same) and not np.array_equal(one, other)


def test_rare_classes_come_as_often(music, tmp_path):
    store = pack(music, tmp_path / "store")
    few = [i for i, entry in enumerate(store.entries) if entry.labels[0] == "pushed" or entry.source == "piece0"]
    chunks = Windows(store, few, BARS, sorted(GROOVES), random=True)
    order = chunks.order(np.random.default_rng(0), 4)
    assert len(order) == len(chunks) == 11
    assert np.bincount(chunks.labels[chunks.owner][order]).tolist() in ([5, 6], [6, 5])


@pytest.mark.slow
def test_a_trained_classifier_tells_rhythms_apart(music, tmp_path):
    settings = ["trainer.max_epochs=8", "data.batch=8", "data.validation=0.3", "trainer.average=null"]
    settings += ["model.init_args.hidden=8", "module.init_args.rate=1e-2"]
    made = train.run("symbolic_genre", data=music, out=tmp_path / "run", settings=settings)
    assert made.scores["val_track_accuracy"] == 1
    found = classify(band(GROOVES["straight"], shift=4, bars=21), weights=made.weights)
    assert found.best == "straight" and found.labels == ("pushed", "straight")
    assert found.probabilities.shape == (5, 2) and np.allclose(found.times, [8, 16, 24, 32, 34])  # every four bars
    assert classify(band(GROOVES["pushed"], bars=1), weights=made.weights).best == "pushed"


def test_refusals(music, tmp_path, caplog):
    (tmp_path / "one").mkdir()
    with pytest.raises(RestyleError, match="two genres"):
        pack(tmp_path, tmp_path / "store")
    write_score(tmp_path / "one" / "a.mid", band([0]))
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "bad.mid").write_bytes(b"none")
    assert len(pack(tmp_path, tmp_path / "store").entries) == 1 and "bad.mid" in caplog.text
    with pytest.raises(RestyleError, match="no genre classifier of scores"):
        classify(band([0]), weights="timbre")


def test_the_shipped_one_hears_a_tune_over_a_walking_bass_as_swing():
    walk = [(12 * beat, 12, 38 + (0, 4, 7, 9)[beat % 4], 0.8, 0, 0) for beat in range(32)]
    ride = [(12 * beat + at, 2, 51, 0.8, DRUMS, 1) for beat in range(32) for at in ((0,), (0, 8))[beat % 2]]
    tune = [(24 * k, 12, 70 + k % 5, 0.8, 0, 2) for k in range(16)]
    bars = range(0, 385, 48)
    assert classify(Score.of(walk + ride, bars=bars)).best == "swing"
    assert classify(joined([Score.of(walk + ride, bars=bars), Score.of(tune, bars=bars)])).best == "swing"

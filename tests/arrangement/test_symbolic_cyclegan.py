"""Piano rolls of two genres, a CycleGAN that is taught by them, and pieces that it gives the other genre."""

import numpy as np
import pytest
import torch

from restyle.arrangement.rolls import data, roll, train
from restyle.arrangement.rolls.model import RollCycleGan, placed
from restyle.arrangement.rolls.transfer import transferred
from restyle.commands.train import run
from restyle.errors import RestyleError, collect_warnings
from restyle.io import weights
from restyle.io.scores import write_score
from restyle.score import Score
from restyle.training import config as configs

GENRES = ("beat", "late")
CLASSES = (*GENRES, "other")


def song(genre, key=0, bars=8, metre=48):
    """A chord on each beat or after it, and drums."""
    late = 6 * (genre == "late")
    rows = [(12 * k + late, 3, 60 + key + p, 0.6, 24, 0) for k in range(bars * metre // 12) for p in (0, 4, 7)]
    rows += [(metre * bar, 3, 36, 0.9, 128, 1) for bar in range(bars)]
    return Score.of(rows, bars=metre * np.arange(bars + 1), tempo=100)


def folder(place, pieces=10, genres=CLASSES):
    for genre in genres:
        (place / genre).mkdir(parents=True)
        for k in range(pieces):
            write_score(place / genre / f"piece{k}_{genre}.mid", song(genre, k))
    return place


def plain_roll(score):
    """The same cell by cell."""
    rows = np.zeros((84, 16 * score.bar_count), bool)
    struck = set()
    for start, length, pitch, programme in zip(score.start, score.length, score.pitch, score.programme, strict=True):
        if programme < 128 and 24 <= pitch < 108:
            first = min(round(start / 3), rows.shape[1] - 1)
            struck.add((int(pitch), first))
            rows[pitch - 24, first : max(first + 1, round((start + length) / 3))] = True
    for pitch, first in struck:
        if first and (pitch, first - 1) not in struck:
            rows[pitch - 24, first - 1] = False
    return rows


@pytest.mark.parametrize("seed", range(5))
def test_a_roll_is_that_of_a_plain_reckoning(seed):
    rng = np.random.default_rng(seed)
    rows = [
        (rng.integers(191), rng.integers(1, 60), rng.integers(15, 120), 0.5, rng.choice((0, 33, 128)), 0)
        for _ in range(150)
    ]
    score = Score.of(rows, bars=48 * np.arange(5))
    assert (roll.roll_of(score) == plain_roll(score)).all()


def test_notes_on_sixteenths_come_back():
    score = song("late")
    notes = roll.notes_of(roll.roll_of(score)).tolist()
    own = score.pitched()
    assert sorted(notes) == sorted(np.stack([own.start, own.length, own.pitch], 1).tolist())


def test_the_last_fifth_of_the_pieces_is_for_the_test(tmp_path):
    found = data.files(folder(tmp_path))
    assert len(found) == 30 and {file.genre for file in found} == set(CLASSES)
    assert {file.piece for file in found if file.split == "test"} == {"piece8", "piece9"}
    assert len({file.piece for file in found}) == 10


def test_what_is_packed_is_what_was_written(tmp_path):
    store = data.pack(folder(tmp_path / "midi", 3), tmp_path / "store")
    for i, entry in enumerate(store.entries):
        genre, name = entry.name.split("/")
        assert (
            entry.labels == (genre,)
            and (store.read(i).T > 0).tolist() == roll.roll_of(song(genre, int(name[5]))).tolist()
        )
    shards = {path: path.stat().st_mtime_ns for path in (tmp_path / "store").glob("shard*")}
    data.pack(tmp_path / "midi", tmp_path / "store")
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "store").glob("shard*")} == shards


def test_other_metres_are_left_out_with_a_warning(tmp_path):
    folder(tmp_path / "midi", 2)
    write_score(tmp_path / "midi" / "late" / "waltz.mid", song("late", metre=36))
    with collect_warnings() as told:
        store = data.pack(tmp_path / "midi", tmp_path / "store")
    assert len(store.entries) == 6 and "1 of 7 files" in told[0]


@pytest.mark.parametrize("metre", [None, 36])
def test_folders_without_anything_to_learn_from(tmp_path, metre):
    (tmp_path / "midi" / "waltz").mkdir(parents=True)
    if metre:
        write_score(tmp_path / "midi" / "waltz" / "a.mid", song("late", metre=metre))
    with pytest.raises(RestyleError, match="holds no"):
        data.pack(tmp_path / "midi", tmp_path / "store")


@pytest.fixture
def store(tmp_path):
    return data.pack(folder(tmp_path / "midi"), tmp_path / "store")


def test_a_batch_has_both_genres_and_all_on_bar_lines(store):
    own = [i for i, entry in enumerate(store.entries) if not entry.split]
    chunks = data.Rolls(store, own, 64, CLASSES, random=True, genres=GENRES)
    assert len(chunks) == 8 * 2
    seen = set()
    for epoch in range(3):
        first, second, several = chunks.batch(np.arange(16), epoch)
        assert first.shape == second.shape == several.shape == (16, 84, 64)
        beats, after = torch.arange(0, 64, 4), torch.arange(2, 64, 4)
        assert (first[:, :, beats].sum(1) == 3).all() and first.sum() == 16 * 16 * 3
        assert (second[:, :, after].sum(1) == 3).all() and second.sum() == 16 * 16 * 3
        seen |= {bool(window[:, 0].any()) for window in several}
        again = chunks.batch(np.arange(16), epoch)
        assert all(torch.equal(a, b) for a, b in zip(again, (first, second, several), strict=True))
    assert seen == {True, False}


def test_what_batches_cannot_be_made_of(store):
    with pytest.raises(RestyleError, match=r"nothing of 'jazz'.*beat, late, other"):
        data.Rolls(store, range(30), 64, CLASSES, genres=("beat", "jazz"))
    with pytest.raises(RestyleError, match="whole bars"):
        data.Rolls(store, range(30), 60, CLASSES, genres=GENRES)


def test_planes_tell_pitch_and_place_in_the_bar():
    planes = placed(torch.rand(1, 84, 64))[0, 1:]
    assert (planes[0, 1:] > planes[0, :-1]).all() and torch.allclose(
        planes[1:, :, :16], planes[1:, :, 16:32], atol=1e-5
    )
    assert torch.unique((planes[1:, 0, :16] * 1000).round(), dim=1).shape[1] == 16


def test_a_network_begins_as_a_copy():
    torch.manual_seed(0)
    model, rolls = RollCycleGan(), windows()[0]
    for generator in (model.there, model.back):
        assert torch.equal(generator(rolls) > train.THRESHOLD, rolls > 0)


@pytest.mark.parametrize("name", ["symbolic_cyclegan", "symbolic_cyclegan_gpu"])
def test_the_configs_can_be_built(name):
    config = configs.read(name)
    with torch.device("meta"):
        model = configs.built(config, "model", {})
        assert configs.built(config, "module", {}, model).genres == ["jazz_swing", "bossa"]


def taught_on(**given):
    torch.manual_seed(0)
    return train.RollCycleGanTraining(RollCycleGan(width=4, blocks=1), genres=GENRES, widths=(4, 4), **given)


def windows():
    generator = torch.Generator().manual_seed(1)
    return [(torch.rand(2, 84, 32, generator=generator) < 0.1).float() for _ in range(3)]


def test_the_losses_are_those_of_a_plain_reckoning():
    module, (first, second, several) = taught_on(noise=0.0, mixed=0.5, cycle=3.0), windows()
    module.log = lambda *_, **__: None
    found = module.training_step((first, second, several), 0)
    game = judged = cycle = 0
    there, back = module.model.there, module.model.back
    for own, other, go, come, to in ((first, second, there, back, 1), (second, first, back, there, 0)):
        made = go(own)
        for judge, real, weight in ((module.own[to], other, 1), (module.any[to], several, 0.5)):
            game += weight * ((judge(made) - 1) ** 2).mean()
            judged += weight * (((judge(real) - 1) ** 2).mean() + (judge(made) ** 2).mean()) / 2
        cycle += (come(made) - own).abs().mean()
    assert found.item() == pytest.approx((game + judged + 3 * cycle).item(), rel=1e-5)


def test_each_loss_reaches_its_own_part_alone():
    module = taught_on()
    losses = module._way(*windows(), 1, torch.Generator().manual_seed(0))
    judges = [*module.own.parameters(), *module.any.parameters()]
    makers = list(module.model.parameters())
    for name, own, other in (("game", makers, judges), ("cycle", makers, judges), ("discriminator", judges, makers)):
        grads = torch.autograd.grad(losses[name], own + other, retain_graph=True, allow_unused=True)
        assert any(grad is not None and grad.any() for grad in grads[: len(own)])
        assert all(grad is None or not grad.any() for grad in grads[len(own) :])


def test_noise_depends_on_the_step_alone():
    module = taught_on()
    module.log = lambda *_, **__: None
    batch = windows()
    first, again, other = (module.training_step(batch, step).item() for step in (3, 3, 4))
    assert first == again != other


@pytest.mark.parametrize("genres", [["a"], ["a", "a"], ["a", "b", "c"]])
def test_there_are_two_genres(genres):
    with pytest.raises(ValueError, match="two genres"):
        train.RollCycleGanTraining(RollCycleGan(width=4, blocks=1), genres=genres)


@pytest.fixture(scope="module")
def taught(tmp_path_factory):
    """A network that was taught by the command of the command line."""
    place = tmp_path_factory.mktemp("taught")
    settings = ["model.init_args.width=4", "model.init_args.blocks=1", "module.init_args.widths=[4,4]"]
    settings += ["module.init_args.genres=[beat,late]", "trainer.max_epochs=1", "data.batch=8"]
    return run("symbolic_cyclegan", data=folder(place / "midi", 5), out=place / "run", settings=settings)


def test_a_run_exports_both_generators_alone(taught):
    arrays, told = weights.load(taught.weights)
    assert told["kind"] == "symbolic_cyclegan" and told["genres"] == list(GENRES)
    assert {name.split(".")[0] for name in arrays} == {"there", "back"}
    assert all(array.dtype == np.float16 for array in arrays.values())
    assert {"val_cycle", "val_changed", "test_loss"} <= taught.scores.keys()
    assert (taught.weights.parent / "report.html").is_file()


@pytest.fixture
def copies(monkeypatch, taught):
    """Weights whose network copies towards ``late``, and silences towards ``beat``."""
    module = "restyle.arrangement.rolls.transfer._network"

    class Network:
        there, back = staticmethod(lambda x: 0.1 + 0.8 * x), staticmethod(torch.zeros_like)

    monkeypatch.setattr(module, lambda *_: (Network, list(GENRES)))
    return taught.weights


@pytest.mark.parametrize("bars", [1, 4, 6, 9])
def test_the_roll_that_a_network_gives_back_is_played_on_a_piano(copies, bars):
    content = song("late", bars=bars)
    made = transferred(content, weights=copies, towards="late")
    piano, drums = made.pitched(), made.select(made.programme == 128)
    own = content.pitched()
    assert (piano.start.tolist(), piano.pitch.tolist()) == (own.start.tolist(), own.pitch.tolist())
    assert set(piano.programme) == {0} and set(piano.track) == {0} and np.allclose(piano.velocity, 0.6)
    assert drums.start.tolist() == [48 * bar for bar in range(bars)] and set(drums.track) == {1}
    assert (made.bars == content.bars).all() and (made.times == content.times).all()


def test_the_genre_tells_the_generator(copies):
    made = transferred(song("late"), weights=copies, towards="beat")
    assert not len(made.pitched()) and len(made) == 8


def test_four_bars_depend_on_themselves_alone(taught):
    one, other = (song("beat", key) for key in (0, 5))
    both = Score.of(
        [
            *zip(one.start, one.length, one.pitch, one.velocity, one.programme, one.track, strict=True),
            *zip(
                other.start + 384, other.length, other.pitch, other.velocity, other.programme, other.track, strict=True
            ),
        ],
        bars=48 * np.arange(17),
    )
    made = [transferred(score, weights=taught.weights, towards="late") for score in (one, other, both)]
    for k in (0, 1):
        own = made[2].between(8 * k, 8 * k + 8)
        assert own.start.tolist() == made[k].start.tolist() and own.pitch.tolist() == made[k].pitch.tolist()


def test_what_lies_beyond_the_roll_is_told(copies):
    content = Score.of([(0, 12, 20, 0.5, 0, 0), (0, 12, 60, 0.5, 0, 0)], bars=[0, 48])
    with collect_warnings() as told:
        made = transferred(content, weights=copies, towards="late")
    assert made.pitch.tolist() == [60] and "1 of 2 notes" in told[0]


def test_what_cannot_be_asked_for(taught, tmp_path):
    for score, genre, match in (
        (song("late"), "jazz", "'jazz'; choose beat or late"),
        (song("late", metre=36), "late", "not 4/4"),
        (song("late").select(np.zeros(0, int)), "late", "no notes with pitch"),
    ):
        with pytest.raises(RestyleError, match=match):
            transferred(score, weights=taught.weights, towards=genre)
    weights.save(tmp_path / "other.safetensors", {}, {"kind": "toy", "representation": {"kind": "mel"}})
    with pytest.raises(RestyleError, match="holds no CycleGAN"):
        transferred(song("late"), weights=tmp_path / "other.safetensors", towards="late")

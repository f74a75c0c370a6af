import numpy as np
import pytest
import torch

from restyle.analysis.partials import measured
from restyle.audio import Audio
from restyle.methods.notewise.conditioning import bands, batch, median_velocity
from restyle.methods.notewise.envelopes import rows as table_of
from restyle.methods.notewise.envelopes import unpacked
from restyle.methods.notewise.model import NoteSynth, Played
from restyle.methods.notewise.train import NoteSynthTraining, asked, error, exercise
from restyle.notes import Notes

RATE = 16000
SETTINGS = {"kind": "mel", "rate": RATE, "hop": 256}


def clip(seed=0, weights=(0.3, 0.15, 0.1)):
    """Four seconds of an instrument that fades, and how its notes sound."""
    rng = np.random.default_rng(seed)
    sound, rows = np.zeros(4 * RATE), []
    time = np.arange(round(0.4 * RATE)) / RATE
    for i in range(8):
        pitch, onset, velocity = int(rng.integers(55, 70)), 0.05 + 0.5 * i, float(rng.uniform(0.4, 1))
        f0 = 440 * 2 ** ((pitch - 69) / 12)
        tone = sum(w * np.sin(2 * np.pi * f0 * (k + 1) * time) for k, w in enumerate(weights)) * np.exp(-3 * time)
        sound[round(onset * RATE) :][: len(tone)] += velocity**2 * tone
        rows.append((onset, onset + 0.4, pitch, velocity, 0))
    notes = Notes.of(rows)
    return sound.astype(np.float32), table_of(measured(Audio(sound[None], RATE), notes), notes).astype(np.float32)


@pytest.fixture(scope="module")
def made():
    return [clip(seed) for seed in range(4)]


def training(**given):
    torch.manual_seed(0)
    model = NoteSynth(width=32, heads=2, hidden=48)
    return NoteSynthTraining(model, representation=SETTINGS, frames=250, queries=40, seconds=0.5, **given)


def test_one_half_is_heard_and_the_other_asked_for(made):
    _, table = made[0]
    for side in (0, 1):
        one = exercise(table, 2.0, side, np.random.default_rng(0), 30)
        assert ((one.reference[:, 1] < 2.0) == (side == 0)).all() and ((one.truth[:, 1] < 2.0) == (side == 1)).all()
        assert one.query.shape == (30, 5) and one.truth.shape == (30, 201)
        assert np.allclose(one.query[:, 0], one.truth[:, 0]) and np.allclose(one.query[:, 2], one.truth[:, 3])
        levels = np.unique(one.reference[:, [1, 5]], axis=0)[:, 1]
        assert np.median(levels) == pytest.approx(0, abs=0.1)  # relative to the median note
        assert -30 < one.level < 0
    assert exercise(table[table[:, 1] < 2.0], 2.0, 0, np.random.default_rng(0), 30) is None


def test_louder_notes_are_asked_for_louder(made):
    table = made[1][1]
    wanted = asked(table, median_velocity(table), np.random.default_rng(0))
    assert np.corrcoef(wanted[:, 4], table[:, 7])[0, 1] > 0.8
    assert np.median(wanted[:, 4]) == pytest.approx(0, abs=3)


def test_the_error_is_none_for_the_truth_and_that_of_its_parts_else(made):
    columns = [torch.from_numpy(np.ascontiguousarray(x))[None] for x in unpacked(made[0][1][:20])]
    facts, amplitude, trust, envelope, noise = columns
    centres = torch.from_numpy(bands()).float()
    known = (centres <= RATE / 2).float()
    assert float(error(Played(amplitude, envelope, noise), columns, known, centres)) == 0
    # 10 dB in everything that can be heard is half a unit of partials, a third as much of bands, half as much of noise
    louder = Played(amplitude + 10, envelope + 10, noise + 10)
    loud = [facts, amplitude + 200, trust, envelope + 200, noise + 200]
    made_louder = Played(*(x + 210 for x in (amplitude, envelope, noise)))
    assert float(error(made_louder, loud, known, centres)) == pytest.approx(0.5 * 1.8, rel=1e-3)
    covered = [facts, amplitude, torch.zeros_like(trust), envelope, noise]
    assert float(error(louder, covered, known, centres)) < float(error(louder, columns, known, centres))


def test_it_learns_and_sound_has_a_gradient(made):
    module = training(spectral=0.1, clips=1)
    longest = max(len(table) for _, table in made)
    tables = [np.pad(table, ((0, longest - len(table)), (0, 0)), constant_values=np.nan) for _, table in made]
    batch = (None, None, torch.from_numpy(np.stack(tables)), torch.from_numpy(np.stack([s for s, _ in made])))
    module.log = lambda *_, **__: None
    module.training_step(batch, 0).backward()
    assert float(module.model.hiss.grad.abs().sum()) > 0  # from the sound alone
    module.spectral = 0.0
    optimiser = torch.optim.Adam(module.parameters(), 3e-3)
    losses = []
    for step in range(60):
        loss = module.training_step(batch, step)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert np.mean(losses[-20:]) < 0.9 * np.mean(losses[:5])


def test_what_cannot_be_learnt_from_is_passed_over():
    module = training()
    empty = torch.full((2, 1, 201), torch.nan)
    assert module.training_step((None, None, empty, torch.zeros(2, 4 * RATE)), 0) is None


def test_tables_of_different_lengths_make_a_batch(made):
    known = torch.ones(48)
    heard = batch([made[0][1][:5], made[1][1][:9]], known)
    assert heard.facts.shape == (2, 9, 9) and heard.there.sum(1).tolist() == [5, 9]
    assert heard.amplitude[1, 8].numpy() == pytest.approx(made[1][1][8, 9:57])

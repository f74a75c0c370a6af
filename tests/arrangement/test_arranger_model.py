"""The network of the arranger: what it may see, and that writing event by event gives what whole sequences give."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from restyle.arrangement import layers, model, stepping, tokens
from restyle.arrangement.model import Arranger
from restyle.arrangement.stepping import Writer

SMALL = {"width": 24, "heads": 2, "encoders": 2, "decoders": 2, "hidden": 32}


@pytest.fixture
def network():
    torch.manual_seed(0)
    return Arranger(**SMALL).eval().requires_grad_(False)


def given(seed, drafted=9, beats=6, count=12):
    """A draft, beats and events at random, a batch of one."""
    rng = np.random.default_rng(seed)
    sizes = (model.MOVES, model.PITCHES, model.DURATIONS, model.FAMILIES)
    draft, events = (np.stack([rng.integers(n, size=k) for n in (*sizes, beats)], 1) for k in (drafted, count))
    known = np.concatenate([rng.integers(12, size=(beats, 1)), rng.integers(2, size=(beats, 24))], 1)
    known = np.concatenate([known, rng.integers(4, size=(beats, 5))], 1)
    known[:, model.BEAT_BAR] = np.arange(beats) // 2
    return torch.from_numpy(draft)[None], torch.from_numpy(known)[None].float(), torch.from_numpy(events)[None]


def padded(table, more):
    return torch.nn.functional.pad(table, (0, 0, 0, more), value=-1)


def test_it_knows_the_events_that_there_are():
    assert (model.MOVES, model.PITCHES) == (tokens.MOVES, tokens.PITCHES)
    assert (model.DURATIONS, model.FAMILIES) == (tokens.DURATIONS, tokens.FAMILIES + 1)
    assert (model.BEATS, model.BEAT_BAR, model.ONSET) == (tokens.WIDTH, tokens.BEAT_BAR, tokens.ONSET)


def test_its_size():
    count = sum(value.numel() for value in Arranger().parameters())
    assert 3e6 < count < 4e6  # below 8 MB in 16 bits


def test_nothing_later_is_seen(network):
    draft, beats, events = given(0)
    before = network(draft, beats, events)
    other = events.clone()
    other[:, 8:, :4] = given(1)[2][:, 8:, :4]
    after = network(draft, beats, other)
    for k, (old, new) in enumerate(zip(before, after, strict=True)):
        assert torch.allclose(old[:, :7], new[:, :7], atol=1e-6), k
        assert not torch.allclose(old[:, 8:], new[:, 8:], atol=1e-3), k
    # a pitch sees its own move, and a duration its pitch, but no move sees itself
    moved, higher = events.clone(), events.clone()
    moved[:, 5, 0], higher[:, 5, 1] = (events[:, 5, 0] + 1) % model.MOVES, (events[:, 5, 1] + 1) % model.PITCHES
    seen = [[torch.allclose(a[:, 4], b[:, 4]) for a, b in zip(before, network(draft, beats, changed), strict=True)]
            for changed in (moved, higher)]  # fmt: skip
    assert seen == [[True, False, False], [True, True, False]]


def test_draft_and_beats_are_seen(network):
    draft, beats, events = given(0)
    before = network(draft, beats, events)[0]
    for changed in (network(given(1)[0], beats, events)[0], network(draft, given(1)[1], events)[0]):
        assert not torch.allclose(before, changed, atol=1e-3)


def test_padding_changes_nothing(network):
    draft, beats, events = given(0)
    other = given(1, drafted=14, beats=9, count=17)
    both = [
        torch.cat([padded(a, b.shape[1] - a.shape[1]), b]) for a, b in zip((draft, beats, events), other, strict=True)
    ]
    for alone, together in zip(network(draft, beats, events), network(*both), strict=True):
        assert torch.allclose(alone[0], together[0, :11], atol=1e-5)


def looking(network, draft, beats):
    """A writer that looks at a draft and beats, and the encoded beats."""
    read = network.read_beats(beats)
    writer = Writer(network)
    bars = beats[0, draft[0, :, 4], model.BEAT_BAR].long()[None]
    writer.look(draft, bars, torch.cat([network.read_draft(draft, read), read], 1))
    return writer, read[0].numpy()


def test_step_by_step_is_the_same(network, monkeypatch):
    monkeypatch.setattr(stepping, "ROOM", 16)  # and more on the way
    draft, beats, events = given(2, count=40)
    moves, pitches, durations = (part[0].numpy() for part in network(draft, beats, events))
    writer, at = looking(network, draft, beats)
    rows = events[0].tolist()
    for k, (row, (move, pitch, *_, beat)) in enumerate(pairwise(rows)):
        state = writer.step(tuple(row[:4]), int(beats[0, row[4], model.BEAT_BAR]), at[row[4]])
        chosen = writer.moves[move] + at[beat]
        assert np.allclose(writer.move(state), moves[k], atol=1e-5)
        assert np.allclose(writer.pitch(state, chosen), pitches[k], atol=1e-5)
        assert np.allclose(writer.duration(state, chosen + writer.pitches[pitch]), durations[k], atol=1e-5)


def test_what_is_forgotten_is_seen_no_more():
    """With one layer a window's end depends on nothing before the window."""
    torch.manual_seed(1)
    network = Arranger(**{**SMALL, "decoders": 1}).eval().requires_grad_(False)
    draft, beats, events = given(3, count=20)
    states = []
    for skipped in (0, 8):
        writer, at = looking(network, draft, beats)
        for k in range(skipped, 20):
            if k == 15:
                writer.forget(8 - skipped)
            state = writer.step(tuple(events[0, k, :4].tolist()), 0, at[0])
        states.append(state)
        assert writer.count == 12
    assert np.allclose(*states, atol=1e-6)


def test_relations_are_by_bar_instrument_and_step():
    """Of notes on steps 10, 10, 15, 40 of the bar, and of its neighbours, to a note of family 3 on step 12."""
    onset, near = model.ONSET, model.NEAR
    draft = [[onset + 10, 3], [onset + 10, 4], [onset + 15, 3], [onset + 40, 3], [onset, 3], [onset, 3], [onset, 3]]
    bars = torch.tensor([[5, 5, 5, 5, 4, 6, 8]])
    rows = torch.tensor([[[move, 0, 0, family] for move, family in draft]])
    found = model.relation(torch.tensor([[[onset + 12, 0, 0, 3]]]), torch.tensor([[5]]), rows, bars)[0, 0].tolist()
    other = 2 * near + 1
    assert found == [near - 2, other + near - 2, near + 3, 2 * near, 2 * other, 2 * other + 1, 2 * other + 2]


@pytest.mark.parametrize("both", [False, True])
def test_near_distances_have_a_bucket_each_and_far_ones_share(both):
    found = layers.buckets(torch.arange(-700, 701), both)
    assert found.min() == 0 and found.max() == layers.BUCKETS - 1
    back, ahead = found[700:], found[:701].flip(0)
    assert (back.diff() >= 0).all() and (back[: (8 if both else 16)].diff() == 1).all()
    assert (ahead[1:] >= 16).all() if both else (ahead == 0).all()


def test_settings_build_it_again(network):
    other = Arranger(**network.settings())
    other.load_state_dict(network.state_dict())
    for own, again in zip(network(*given(0)), other.eval()(*given(0)), strict=True):
        assert torch.allclose(own, again, atol=1e-5)

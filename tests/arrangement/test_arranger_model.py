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


def given(seed, style=9, beats=6, count=12):
    """Events, beats and bars of a style at random, a batch of one."""
    rng = np.random.default_rng(seed)
    sizes = (model.MOVES, model.PITCHES, model.DURATIONS, model.FAMILIES)
    events = np.stack([rng.integers(size, size=count) for size in (*sizes, beats)], 1)
    codes = [rng.integers(size, size=style) for size in (*sizes, model.BARS, 12)]
    read = np.concatenate([np.stack(codes, 1), rng.integers(2, size=(style, 12))], 1)
    known = np.concatenate([rng.integers(12, size=(beats, 1)), rng.integers(2, size=(beats, 24))], 1)
    known = np.concatenate([known, rng.integers(4, size=(beats, 5))], 1)
    return torch.from_numpy(read)[None].float(), torch.from_numpy(known)[None].float(), torch.from_numpy(events)[None]


def padded(table, more):
    return torch.nn.functional.pad(table, (0, 0, 0, more), value=-1)


def test_it_knows_the_events_that_there_are():
    assert (model.MOVES, model.PITCHES) == (tokens.MOVES, tokens.PITCHES)
    assert (model.DURATIONS, model.FAMILIES) == (tokens.DURATIONS, tokens.FAMILIES + 1)
    assert model.BEATS == tokens.WIDTH


def test_its_size():
    count = sum(value.numel() for value in Arranger().parameters())
    assert 3e6 < count < 4e6  # below 8 MB in 16 bits


def test_nothing_later_is_seen(network):
    style, beats, events = given(0)
    before = network(style, beats, events)
    other = events.clone()
    other[:, 8:, :4] = given(1)[2][:, 8:, :4]
    after = network(style, beats, other)
    for k, (old, new) in enumerate(zip(before, after, strict=True)):
        assert torch.allclose(old[:, :7], new[:, :7], atol=1e-6), k
        assert not torch.allclose(old[:, 8:], new[:, 8:], atol=1e-3), k
    # a pitch sees its own move, and a duration its pitch, but no move sees itself
    moved, higher = events.clone(), events.clone()
    moved[:, 5, 0], higher[:, 5, 1] = (events[:, 5, 0] + 1) % model.MOVES, (events[:, 5, 1] + 1) % model.PITCHES
    seen = [[torch.allclose(a[:, 4], b[:, 4]) for a, b in zip(before, network(style, beats, changed), strict=True)]
            for changed in (moved, higher)]  # fmt: skip
    assert seen == [[True, False, False], [True, True, False]]


def test_style_and_beats_are_seen(network):
    style, beats, events = given(0)
    before = network(style, beats, events)[0]
    for changed in (network(given(1)[0], beats, events)[0], network(style, given(1)[1], events)[0]):
        assert not torch.allclose(before, changed, atol=1e-3)


def test_padding_changes_nothing(network):
    style, beats, events = given(0)
    other = given(1, style=14, beats=9, count=17)
    both = [
        torch.cat([padded(a, b.shape[1] - a.shape[1]), b]) for a, b in zip((style, beats, events), other, strict=True)
    ]
    for alone, together in zip(network(style, beats, events), network(*both), strict=True):
        assert torch.allclose(alone[0], together[0, :11], atol=1e-5)


def test_step_by_step_is_the_same(network, monkeypatch):
    monkeypatch.setattr(stepping, "ROOM", 16)  # and more on the way
    style, beats, events = given(2, count=40)
    moves, pitches, durations = (part[0].numpy() for part in network(style, beats, events))
    read = network.read_beats(beats)
    writer, at = Writer(network), read[0].numpy()
    memory = zip(writer.keys(network.read_style(style)), writer.keys(read), strict=True)
    writer.memory = [np.concatenate(pair, axis=2) for pair in memory]
    rows = events[0].tolist()
    for k, (row, (move, pitch, *_, beat)) in enumerate(pairwise(rows)):
        state = writer.step(tuple(row[:4]), at[row[4]])
        chosen = writer.moves[move] + at[beat]
        assert np.allclose(writer.move(state), moves[k], atol=1e-5)
        assert np.allclose(writer.pitch(state, chosen), pitches[k], atol=1e-5)
        assert np.allclose(writer.duration(state, chosen + writer.pitches[pitch]), durations[k], atol=1e-5)


def test_what_is_forgotten_is_seen_no_more():
    """With one layer a window's end depends on nothing before the window."""
    torch.manual_seed(1)
    network = Arranger(**{**SMALL, "decoders": 1}).eval().requires_grad_(False)
    _, beats, events = given(3, count=20)
    read, states = network.read_beats(beats), []
    for skipped in (0, 8):
        writer = Writer(network)
        writer.memory = writer.keys(read)
        for k in range(skipped, 20):
            if k == 15:
                writer.forget(8 - skipped)
            state = writer.step(tuple(events[0, k, :4].tolist()), read[0, 0].numpy())
        states.append(state)
        assert writer.count == 12
    assert np.allclose(*states, atol=1e-6)


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

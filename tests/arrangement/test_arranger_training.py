"""Parallel bands as pairs, and a network that is taught by them and used."""

import json

import numpy as np
import pytest
import torch

from restyle.arrangement import drafts, pairs, retrieval, tokens, variation
from restyle.arrangement.harmony import Harmony
from restyle.arrangement.model import Arranger
from restyle.arrangement.pairs import Pairs
from restyle.arrangement.seq2seq import write
from restyle.arrangement.tokens import BAR, BEAT_BAR
from restyle.arrangement.train import ArrangerTraining
from restyle.commands import train
from restyle.data.arrangements import chord_table
from restyle.errors import RestyleError
from restyle.io import weights
from restyle.io.scores import read_score, write_score
from restyle.score import COLUMNS, Score

BARS = 8
CHARTS = (("C", "Am", "F", "G7"), ("F", "Dm", "Bb", "C7"), ("G", "Em", "C", "D7"))
ROOTS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
GROOVES = {"walk": ((0, 12, 24, 36), 33), "two": ((0, 24), 34)}


def root_of(chord):
    return (ROOTS[chord[0]] - chord[1:].startswith("b")) % 12


def played(chart, groove):
    onsets, programme = GROOVES[groove]
    rows = []
    for bar in range(BARS):
        root = root_of(chart[bar % 4])
        rows += [(48 * bar + at, 12, 36 + root, 0.8, programme, 0) for at in onsets]
        rows += [(48 * bar + at, 1, 42, 0.5, 128, 1) for at in onsets]
    return Score.of(rows, bars=48 * np.arange(BARS + 1))


def bands(folder, songs=6):
    """A folder as of ``restyle data arrange``."""
    rows = []
    for k in range(songs):
        chart, place = CHARTS[k % 3], folder / "songs" / f"{k:06d}"
        place.mkdir(parents=True)
        (place / "chords.tsv").write_text(chord_table([(chart[bar % 4],) * 4 for bar in range(BARS)]))
        tune = [(48 * bar, 24, 60 + root_of(chart[bar % 4]), 0.8, 73, 0) for bar in range(BARS)]
        write_score(place / "melody.mid", Score.of(tune, bars=48 * np.arange(BARS + 1)))
        for groove in GROOVES:
            write_score(place / f"{groove}.mid", played(chart, groove))
        split = "validation" if k == songs - 1 else "train"
        row = {"file": f"songs/{k:06d}", "chart": f"{split}{k}", "beats": 4, "digest": str(k), "split": split}
        rows.append({**row, "grooves": {groove: {} for groove in GROOVES}})
    (folder / "manifest.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return folder


@pytest.fixture
def store(tmp_path):
    return pairs.pack(bands(tmp_path / "bands"), tmp_path / "store")


def test_what_is_packed_is_what_was_played(store):
    assert [entry.frames for entry in store.entries] == [4 * BARS] * 12
    assert {entry.split for entry in store.entries} == {"train", "validation"}
    for i, entry in enumerate(store.entries):
        truth = played(CHARTS[int(entry.name[6:12]) % 3], entry.name[13:])
        table, events = store.read(i).astype(int), store.beside(i, "notes").astype(int)
        rows = tokens.notes_of(events, table, truth.bars)
        expected = np.stack([truth.start, truth.length, truth.pitch, tokens.families(truth)], 1)
        assert sorted(map(tuple, rows.tolist())) == sorted(map(tuple, expected.tolist()))
        assert table[:, tokens.ROOT].tolist() == [
            root_of(CHARTS[int(entry.name[6:12]) % 3][bar % 4]) for bar in range(BARS) for _ in range(4)
        ]
        assert table[:, tokens.STRUCK].tolist() == [1, 0, 0, 0] * BARS


def test_packing_goes_on_where_it_was_stopped(store, tmp_path):
    shards = {path: path.stat().st_mtime_ns for path in (tmp_path / "store").glob("shard*")}
    again = pairs.pack(tmp_path / "bands", tmp_path / "store")
    assert [entry.name for entry in again.entries] == [entry.name for entry in store.entries]
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "store").glob("shard*")} == shards


def test_chords_of_bars_whose_beats_are_no_quarter_notes(tmp_path):
    path = tmp_path / "chords.tsv"
    path.write_text(chord_table([("C", "C", "G", "G"), ("F", "F", "F", "D")]))
    assert pairs.read_chords(path, np.array([0, 24, 48]), 4).roots.tolist() == [0, 7, 5, 5]


@pytest.mark.parametrize("text", ["", "[]\n", "{}\n", '{"file": 1}\n', "\xff"])
def test_folders_that_hold_no_bands(tmp_path, text):
    (tmp_path / "manifest.jsonl").write_text(text)
    with pytest.raises(RestyleError, match="restyle data arrange"):
        pairs.pack(tmp_path, tmp_path / "store")


def rows_of(tensor):
    table = tensor.numpy()
    return table[table[:, 0] >= 0]


def test_a_pair_is_of_one_groove_and_of_other_bars(store, monkeypatch):
    monkeypatch.setattr(pairs, "VARIED", 0)
    monkeypatch.setattr(pairs, "MIXED", 0)
    own = [i for i, entry in enumerate(store.entries) if entry.split == "train"]
    chunks = Pairs(store, own, 8, [], random=True, seed=1)
    assert len(chunks) == 10 * 4
    for epoch in range(3):
        beats, draft, events = chunks.batch(np.arange(len(chunks)), epoch)
        for k in range(len(chunks)):
            known, read, wrote = rows_of(beats[k].T), rows_of(draft[k]), rows_of(events[k])
            onsets, _ = GROOVES[chunks.entry(k).name[13:]]
            for table in (read, wrote):
                assert set(table[table[:, 0] >= tokens.ONSET, 0] - tokens.ONSET) == set(onsets)
            assert wrote[-1, 0] == wrote[0, 0] == BAR and len(wrote) == 1 + 2 * (3 + 2 * len(onsets))
            bars, laid = (np.unique(known[table[:, 4], BEAT_BAR]) for table in (wrote, read))
            last = known[:, BEAT_BAR].max()
            assert len(bars) == 2 and bars[0] <= 4 and last - bars[1] <= 4 and known[:, BEAT_BAR].min() == 0
            assert (laid[0], laid[-1]) == (max(0, bars[0] - 1), min(last, bars[1] + 1))


def test_pairs_are_changed_at_random_and_kept_for_validation(store):
    fixed, changing = (Pairs(store, list(range(12)), 8, [], random=random) for random in (False, True))
    first, second = (fixed.batch(np.arange(24), epoch) for epoch in (0, 1))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    for k, rows in enumerate(first[2]):  # the bass of a groove is of its family
        assert set(rows_of(rows)[:, 3]) == {0, 1, 1 + tokens.families(played(CHARTS[0], "two")).max()}, k
    families = {
        int(x) for epoch in range(4) for x in rows_of(changing.batch(np.arange(24), epoch)[2].reshape(-1, 5))[:, 3]
    }
    assert len(families) > 8


def band(*parts):
    """Parts of (programme, start, pitch) in two bars."""
    return Score.of([(at, 6, pitch, 0.8, programme, 0) for programme, at, pitch in parts], bars=[0, 48, 96])


def test_what_is_changed_is_changed_alike():
    """A draft that is right stays right, whatever is changed, and what is left out is left out of both."""
    score = band((33, 0, 36), (33, 60, 40), (128, 12, 38), (128, 90, 42), (0, 6, 60), (0, 54, 127), (73, 7, 0))
    counts, pitches = set(), set()
    for seed in range(60):
        draft, truth = variation.varied((score, score), np.random.default_rng(seed))
        for name in COLUMNS:
            assert np.array_equal(getattr(draft, name), getattr(truth, name))
        assert 0 < len(draft) <= 7 and draft.pitch.min() >= 0 and draft.pitch.max() <= 127
        assert (np.bincount(draft.bar_of(draft.start), minlength=2) <= (4, 3)).all()  # a note keeps its bar
        counts.add(len(draft))
        pitches.update(draft.pitch[draft.programme == 128].tolist())
    assert len(counts) > 3 and len(pitches) > 20


def test_bands_are_mixed_by_family():
    one, other = band((33, 0, 36), (128, 0, 38), (0, 0, 60)), band((33, 6, 37), (128, 6, 39), (73, 6, 72))
    seen = set()
    for seed in range(40):
        draft, truth = variation.mixed((one, one), (other, other), np.random.default_rng(seed))
        assert draft.pitch.tolist() == truth.pitch.tolist()
        drums, low = truth.pitch[truth.programme == 128], truth.pitch[truth.programme == 33]
        assert {60, 72} >= set(truth.pitch) - {36, 37, 38, 39} and len(drums) == len(low) == 1
        seen.add((int(drums[0]), int(low[0])))
    assert seen == {(38, 36), (38, 37), (39, 36), (39, 37)}


def test_drafts_of_a_band_that_plays_roots_are_what_it_plays(store):
    """A bass that follows the chords by its roots is moved to the right ones, here and there by an octave."""
    beats, draft, events = Pairs(store, list(range(12)), 8, []).batch(np.arange(24), 0)
    for k in range(24):
        known, read, wrote = rows_of(beats[k].T), rows_of(draft[k]), rows_of(events[k])[:-1]
        read = read[np.isin(known[read[:, 4], BEAT_BAR], known[wrote[:, 4], BEAT_BAR])]
        assert (read[:, [0, 2, 3, 4]] == wrote[:, [0, 2, 3, 4]]).all()
        assert ((read[:, 1] - wrote[:, 1]) % 12 == 0).all()


def test_the_scale_is_that_of_the_chords():
    table = np.zeros((4, tokens.WIDTH), int)
    table[:, tokens.ROOT] = (9, 2, 4, 9)  # A minor, D minor, E major
    table[:, tokens.CHORD] = [[k in ((0, 4, 7) if root == 4 else (0, 3, 7)) for k in range(12)] for root in table[:, 0]]
    assert sorted(drafts.scale_of(table[[0, 1, 3]])) == [0, 2, 4, 5, 7, 9, 11]
    assert drafts.harmony_of(table, frozenset()).classes[2] == frozenset({0, 4, 7})


def test_bars_that_are_cut_out_are_numbered_anew(store):
    table, events = store.read(0).astype(int), store.beside(0, "notes").astype(int)
    part, own = drafts.cut(table, events, [2, 5])
    assert (
        part[:, BEAT_BAR].tolist() == [0] * 4 + [1] * 4
        and (part[:, :BEAT_BAR] == table[[*range(8, 12), *range(20, 24)], :BEAT_BAR]).all()
    )
    assert np.unique(own[:, 4]).tolist() == [0, 1] and len(own) == (np.isin(events[:, 4], [2, 5])).sum()


def test_alone_a_groove_has_other_bars_of_its_song_as_style(store):
    """Bars of another of its song's chords: what is written cannot be read off."""
    chunks = Pairs(store, [0], 32, [], random=True)
    for epoch in range(8):
        beats, draft, events = chunks.batch(np.arange(len(chunks)), epoch)
        for k in range(len(chunks)):
            known, wrote = rows_of(beats[k].T), rows_of(events[k])
            assert len(rows_of(draft[k])) and len(np.unique(known[wrote[:, 4], BEAT_BAR])) == BARS // 2


def test_batches_repeat_and_are_about_as_long(store):
    chunks = Pairs(store, list(range(12)), 8, [], random=True)
    order = chunks.order(np.random.default_rng(0), 4)
    assert sorted(order) == list(range(len(chunks)))
    assert (chunks.density[order[:48].reshape(-1, 4)].std(axis=1) < 1e-6).mean() > 0.8
    for first, second in zip(*(chunks.batch(order[:4], 3) for _ in range(2)), strict=True):
        assert torch.equal(first, second)


def test_the_loss_is_that_of_a_plain_reckoning(store):
    torch.manual_seed(0)
    network = Arranger(width=8, heads=2, encoders=1, decoders=1, hidden=8).eval()
    batch = Pairs(store, [0, 1], 8, []).batch(np.arange(4), 0)
    losses, count = 0.0, 0
    logits = [part.detach() for part in network(batch[1], batch[0].transpose(1, 2), batch[2])]
    for row in range(4):
        for k, event in enumerate(batch[2][row, 1:].tolist()):
            if event[0] >= 0:
                count += 1
                for part, choice in zip(logits, event, strict=False):
                    if part is logits[0] or choice > 0:
                        losses -= float(part[row, k].log_softmax(0)[choice])
    module = ArrangerTraining(network)
    module.log = lambda *_: None
    assert module.training_step(batch, 0).item() == pytest.approx(losses / count, rel=1e-4)


@pytest.fixture(scope="module")
def taught(tmp_path_factory):
    """A network that has learnt two grooves by the command of the command line."""
    folder = tmp_path_factory.mktemp("taught")
    sizes = {"width": 32, "heads": 2, "encoders": 1, "decoders": 1, "hidden": 64, "dropout": 0.0}
    settings = [f"model.init_args.{name}={value}" for name, value in sizes.items()]
    settings += ["data.frames=8", "data.batch=8", "trainer.max_epochs=30", "module.init_args.rate=1e-2"]
    settings += ["trainer.average=null"]
    return train.run("arranger", data=bands(folder / "bands"), out=folder / "run", settings=settings)


def test_it_learns(taught):
    assert taught.scores["val_move_accuracy"] > 0.95 and taught.scores["val_pitch_accuracy"] > 0.95
    _, told = weights.load(taught.weights)
    assert told["kind"] == "arranger" and told["representation"]["kind"] == "bars"
    assert (taught.weights.parent / "report.html").is_file() and taught.weights.with_suffix(".md").is_file()


def harmony_of(chart):
    return Harmony.of([chord for bar in range(BARS) for chord in (chart[bar % 4],) * 4], 0, "major")


def draft_of(content, chart, style, known):
    """What retrieval lays under a content of the chords of a chart."""
    harmony, own = harmony_of(chart), harmony_of(known)
    return harmony, retrieval.laid(content, harmony, style, own, retrieval.choose(harmony, content, own, style))


@pytest.mark.parametrize("groove", GROOVES)
def test_it_writes_in_the_manner_of_the_style(taught, groove):
    """Over other chords, in another key, of the right groove, with the style's programmes and velocities."""
    content = read_score(taught.weights.parents[1] / "bands" / "songs" / "000001" / "melody.mid")
    harmony, draft = draft_of(content, CHARTS[1], played(CHARTS[0], groove), CHARTS[0])
    made = write(content, harmony, draft, weights=taught.weights, temperature=0)
    truth = played(CHARTS[1], groove)
    assert made.start.tolist() == truth.start.tolist() and set(made.programme) == set(truth.programme)
    bass = made.pitched()
    assert np.mean(bass.pitch == truth.pitched().pitch) > 0.9
    assert np.allclose(made.velocity[made.programme == 128], 0.5, atol=0.01) and (made.bars == content.bars).all()


def test_the_same_seed_writes_the_same(taught):
    content = Score.of([(48 * k, 48, 72, 0.8, 73, 0) for k in range(6)], bars=48 * np.arange(7))
    given = (content, *draft_of(content, CHARTS[2], played(CHARTS[0], "walk"), CHARTS[0]))
    first, again, other = (write(*given, weights=taught.weights, seed=s, temperature=3.0) for s in (1, 1, 2))
    assert first.start.tolist() == again.start.tolist() and first.pitch.tolist() == again.pitch.tolist()
    assert (first.start.tolist(), first.pitch.tolist()) != (other.start.tolist(), other.pitch.tolist())


@pytest.mark.parametrize("bars", [(0, 12, 60, 108), (0, 42, 84), (0, 120, 240), tuple(range(0, 48 * 12, 48))])
def test_any_bars_are_accompanied(taught, bars):
    content = Score.of([(0, 12, 72, 0.8, 73, 0)], bars=bars)
    made = write(content, *draft_of(content, CHARTS[1], played(CHARTS[0], "two"), CHARTS[0]), weights=taught.weights)
    assert (made.bars == content.bars).all() and (made.end <= bars[-1]).all() and len(made)
    if bars[1] == 12:
        assert made.start.min() >= 12  # a pickup is not accompanied
    assert set(made.programme) <= {34, 128}


def test_what_cannot_be_asked_for(taught, tmp_path):
    content, harmony = played(CHARTS[0], "two"), harmony_of(CHARTS[0])
    with pytest.raises(RestyleError, match="temperature"):
        write(content, harmony, content, weights=taught.weights, temperature=-1)
    weights.save(tmp_path / "other.safetensors", {}, {"kind": "toy", "representation": {"kind": "mel"}})
    with pytest.raises(RestyleError, match="holds no arranger"):
        write(content, harmony, content, weights=tmp_path / "other.safetensors")

import json
import shutil
import subprocess
import sys
from itertools import combinations

import numpy as np
import pytest

from restyle.commands.data import arrange
from restyle.data import arrangements, mma
from restyle.data.arrangements import Arrangement, side_of
from restyle.data.charts import QUALITIES, ROOTS, mma_chord, parse_chart, read_charts, transposed
from restyle.data.manifest import read_manifest
from restyle.data.melodies import melody
from restyle.data.mma import Groove
from restyle.data.mma_reading import snap, unstrummed
from restyle.errors import RestyleError
from restyle.io.midi_playing import play as follow
from restyle.io.scores import read_score
from restyle.notes import DRUMS

needs_mma = pytest.mark.skipif(shutil.which("mma") is None, reason="the program mma is not installed")

TUNES = ("Dm7 / G7 /\nCM7 / / /\nFm6 / Bb9 /\nEb69 / A7b9 D7\n", "C / / /\nA7 / / /\nDm / G7 /\nC / / /\nE / / /\n")

# What our scripts need of MMA: it says its folder and a groove's beats, and plays a note a bar on two tracks.
MINIATURE = """#!{python}
import pathlib, sys
target, script = sys.argv[-2:]
groove, bars, said = "", [], []
for line in pathlib.Path(script).read_text().splitlines():
    if line.startswith("Groove "):
        groove = line.split(":")[-1]
        if groove == "Broken":
            print("Warning: a path.\\nError: <Line 2> This groove", " is broken")
            sys.exit(1)
    beats = 3 if "Waltz" in groove else 4
    if "$_MMAPath" in line:
        print("@@", {folder!r})
    elif line.startswith("Print"):
        print("@@", float(beats))
    elif line[0].isdigit():
        bars.append((groove, beats))
if not bars:
    print("No data created. Did you remember to set a groove/sequence?")
    sys.exit(1)
def number(value):
    high = b"" if value < 128 else bytes([value >> 7 | 128])
    return high + bytes([value & 127])
def track(name, channel, which):
    data, rest = bytes([0, 255, 3, len(name)]) + name, 0
    for groove, beats in bars:
        if which(groove):
            data += number(rest) + bytes([144 | channel, 36 + len(groove), 90])
            data += number(192) + bytes([144 | channel, 36 + len(groove), 0])
            rest = 0
        rest += 192 * beats - (192 if which(groove) else 0)
    data += bytes([0, 255, 47, 0])
    return b"MTrk" + len(data).to_bytes(4, "big") + data
pitched = track(b"Bass", 0, lambda groove: groove != "Drumming")
tracks = [track(b"Drum", 9, lambda groove: True), pitched]
header = b"MThd" + b"".join(n.to_bytes(s, "big") for n, s in ((6, 4), (1, 2), (2, 2), (192, 2)))
pathlib.Path(target).write_bytes(header + b"".join(tracks))
"""


@pytest.fixture
def library(tmp_path, monkeypatch):
    """A small program in the place of mma, with four families of grooves."""
    files = {
        "std/swing": "DefGroove Swing  Basic.\nDefGroove SwingIntro\n  defgroove SwingWalk\nDefGroove Drumming\n",
        "std/waltz": "Begin Doc\nEnd\nDefGroove Waltz\nDefGroove WaltzEnd2\n",
        "std/bossa": "DefGroove Bossa\nDefGroove BossaSus\nDefGroove BossaFill\n",
        "casio/swing": "DefGroove Swing\nDefGroove DescendingJazz\nDefGroove EndingA\n",
    }
    for name, text in files.items():
        path = tmp_path / "place/lib" / f"{name}.mma"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    program = tmp_path / "bin/mma"
    program.parent.mkdir()
    program.write_text(MINIATURE.format(python=sys.executable, folder=str(tmp_path / "place")))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    mma._library.cache_clear()
    yield tmp_path / "place/lib"
    mma._library.cache_clear()


@pytest.fixture
def charts(tmp_path):
    """Tunes in several keys and metres, and three files that are none."""
    folder = tmp_path / "charts"
    folder.mkdir()
    for k in range(24):  # another quality makes another tune
        text = TUNES[k % 2].replace("G7", f"G{list(QUALITIES)[k]}")
        (folder / f"{k:02d}.txt").write_text(text)
    (folder / "waltz.txt").write_text("C / /\nF / G7\n")
    (folder / "strange.txt").write_text("C / H7 /\n")
    (folder / "ragged.txt").write_text("C / / /\nF / /\n")
    (folder / "empty.txt").write_text("\n")
    return folder


def held(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_chord_moves_with_its_root():
    for quality, intervals in QUALITIES.items():
        for root, name in enumerate(ROOTS):
            assert mma_chord(name + quality).classes == tuple((root + i) % 12 for i in intervals)
            for shift in (-5, 1, 6):
                moved = transposed(name + quality, shift)
                assert mma_chord(moved).classes == tuple((root + shift + i) % 12 for i in intervals)
    assert mma_chord("Cb").root == 11 and mma_chord("E#m").root == 5 and transposed("B#M7/E", 0) == "CM7/E"
    assert mma_chord("C/Bb").classes == (0, 4, 7, 10) and mma_chord("C/E").bass == 4


@pytest.mark.parametrize("name", ["H", "Cfoo", "", "c", "C7/", "C/H", "C//E", "N.C.", "z"])
def test_what_is_no_chord_is_told(name):
    with pytest.raises(RestyleError, match="unknown"):
        mma_chord(name)


def test_a_chart_is_read_bar_by_bar_and_played_round():
    chart = parse_chart("tune", "Dm7 / G7 /\n\n / / C C \r\n")
    assert chart.bars == (("Dm7", "Dm7", "G7", "G7"), ("G7", "G7", "C", "C")) and chart.beats == 4
    assert chart.window(1, 3, 2) == (("A7", "A7", "D", "D"), ("Em7", "Em7", "A7", "A7"), ("A7", "A7", "D", "D"))
    for text, why in (
        ("", "empty"),
        ("/ C", "begins"),
        ("C /\nF / /", "different"),
        ("C /\nFoo /", "'Foo' is unknown"),
    ):
        with pytest.raises(RestyleError, match=why):
            parse_chart("tune", text)


def test_copies_of_a_tune_in_other_keys_are_on_one_side():
    chart = parse_chart("tune", TUNES[0])
    for shift in range(-5, 7):
        copy = parse_chart(f"tune{shift}", "\n".join(map(" ".join, chart.window(0, 4, shift))))
        assert copy.progression == chart.progression
    assert parse_chart("tune", TUNES[1]).progression != chart.progression


def test_charts_that_cannot_be_played_are_counted(charts, tmp_path):
    read, left = read_charts(charts)
    assert len(read) == 25 and read[-1].name == "waltz" and sum(left.values()) == 3
    assert any("H7" in reason for reason in left)
    with pytest.raises(RestyleError, match="no such folder"):
        read_charts(tmp_path / "nowhere")
    (tmp_path / "bare").mkdir()
    with pytest.raises(RestyleError, match="holds no chord charts"):
        read_charts(tmp_path / "bare")


def test_snap_leaves_what_is_played_and_finds_what_is_meant():
    fine = np.concatenate([12 * bar + np.array([0, 2, 3, 4, 6, 8, 9, 10]) for bar in range(4)])
    assert snap(fine / 12).tolist() == fine.tolist()
    ticks = np.array([0, 126, 192, 318, 384 - 2])  # MMA's own triplets, and its skewed eighths
    assert snap(ticks / 192).tolist() == [0, 8, 12, 20, 24]
    tenths = np.array([1.0, 1.3, 1.5, 1.8, 2.2, 3.8])
    assert snap(tenths).tolist() == [12, 15, 18, 21, 27, 45]
    assert snap(np.array([1.3, 1.7, 2.3])).tolist() == [16, 20, 28]
    strum = np.array([0, 192, 198, 204, 210, 216, 222, 232, 384, 352]) / 192
    assert snap(unstrummed(strum)).tolist() == [0] + 7 * [12] + [24, 22]


@pytest.mark.parametrize("beats", [2, 3, 4, 5])
def test_a_melody_is_one_voice_in_a_range_over_any_metre(beats):
    for seed in range(20):
        bars = [(name,) * beats for name in ("Dm7", "G7b9", "C69", "A7#5")] * 4
        tune = melody(bars, seed=seed)
        assert (tune.end[:-1] <= tune.start[1:]).all() and tune.end[-1] <= tune.bars[-1]
        assert tune.pitch.min() >= 53 and tune.pitch.max() <= 84 and 16 < len(tune) < 16 * 4 * beats
        assert melody(bars, seed=seed).pitch.tolist() == tune.pitch.tolist()
    assert melody(bars, seed=0).start.tolist() != melody(bars, seed=1).start.tolist()


def test_a_melody_rests_on_the_chords_and_comes_back_to_its_motifs():
    bars = [(name,) * 4 for name in ("CM7", "A7", "Dm7", "G7")] * 4
    classes = [mma_chord(name).classes for bar in bars for name in bar]
    strong, again, closed, triplets = [], [], [], set()
    for seed in range(60):
        tune = melody(bars, seed=seed)
        first = tune.start % 48 == 0
        strong += [p % 12 in classes[s // 12] for s, p in zip(tune.start[first], tune.pitch[first], strict=True)]
        rhythms = [tuple(tune.start[tune.bar_of(tune.start) == k] % 48) for k in range(16)]
        again.append(any(one and one == other for one, other in combinations(rhythms, 2)))
        ends = tune.end[tune.bar_of(tune.start) == 15]
        closed.append(len(ends) == 0 or ends.max() <= 16 * 48 - 6)
        triplets.add(bool((tune.start % 12 == 8).any()))
    assert all(strong) and np.mean(again) > 0.9 and all(closed) and triplets == {True, False}


def tune(k, beats=4):
    names = [f"{ROOTS[(5 * k * bar) % 12]}{list(QUALITIES)[(k + bar) % 30]}" for bar in range(3 + k % 5)]
    return parse_chart(f"tune{k}", "\n".join(" ".join([name, *["/"] * (beats - 1)]) for name in names))


def drawn(songs=60, *, beats=(4, 3), count=3, seed=0):
    tunes = [tune(k, beats[k % len(beats)]) for k in range(80)]
    grooves = [Groove(f"lib/{f}", f"{f}{v}", (4, 3)[f % 2]) for f in range(400) for v in range(1 + f % 3)]
    return {t.name: t for t in tunes}, list(arrangements.arrangements(tunes, grooves, songs, count=count, seed=seed))


def test_songs_are_of_one_side_and_one_metre():
    tunes, songs = drawn(300)
    assert {song.side for song in songs} == {"train", "validation", "test"}
    assert 0.7 < np.mean([song.side == "train" for song in songs]) < 0.95
    for song in songs:
        chart = tunes[song.chart]
        assert side_of(chart.progression) == song.side
        if len(song.bars[0]) < chart.beats:
            chart = chart.waltz()
        assert all(side_of(groove.family) == song.side and groove.beats == chart.beats for groove in song.grooves)
        assert len({groove.family for groove in song.grooves}) == len(song.grooves) == 3
        assert song.bars == chart.window(song.first, len(song.bars), song.transposition)
        assert 8 <= len(song.bars) <= 32 and len(song.bars) % 4 == 0
    assert {song.transposition for song in songs} == set(range(-5, 7))
    assert 0.05 < np.mean([len(song.bars[0]) < tunes[song.chart].beats for song in songs]) < 0.2


def test_a_waltz_has_the_first_three_beats_of_each_bar():
    assert parse_chart("tune", "Dm7 / G7 C\n/ / A7 /").waltz().bars == (("Dm7", "Dm7", "G7"), ("C", "C", "A7"))


def test_a_longer_set_begins_with_the_shorter_one():
    assert drawn(20)[1] == drawn(50)[1][:20]
    assert [s.digest for s in drawn(20)[1]] != [s.digest for s in drawn(20, seed=1)[1]]


def test_sides_keep_what_they_have_whatever_joins():
    sides = np.array([side_of(f"family{k}") for k in range(3000)])
    assert [np.mean(sides == side) for side in arrangements.SIDES] == pytest.approx([0.85, 0.05, 0.1], abs=0.02)


def test_few_families_give_several_grooves_each():
    names = [f"f{k}" for k in range(60) if side_of(f"f{k}") == "train"][:2]
    grooves = [Groove(family, f"{family}{k}", 4) for family in names for k in range(3)]
    (song,) = arrangements.arrangements([tune(k) for k in range(30)], grooves, 1, count=4)
    assert sorted(groove.family for groove in song.grooves) == sorted(names * 2) and len(set(song.grooves)) == 4


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"songs": 0}, "cannot be"),
        ({"count": 1}, "cannot be"),
        ({"seed": -1}, "cannot be"),
        ({"length": (9, 8)}, "9 to 8 bars"),
        ({"length": (8, 900)}, "900 bars"),
    ],
)
def test_numbers_out_of_range_are_told(wrong, why):
    given = {"songs": 1, **wrong}
    with pytest.raises(RestyleError, match=why):
        list(arrangements.arrangements([tune(k) for k in range(9)], [Groove("f", "a", 4)], **given))
    with pytest.raises(RestyleError, match="none of the charts"):
        list(arrangements.arrangements([tune(0)], [Groove("f", "a", 3), Groove("f", "b", 3)], 1))


def test_without_mma_a_sentence_says_what_to_install(charts, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    mma._library.cache_clear()
    with pytest.raises(RestyleError, match="install Debian's package mma"):
        arrange(charts, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_grooves_are_those_that_play_whole_songs(library):
    assert mma.families() == ["casio/swing", "std/bossa", "std/swing", "std/waltz"]
    assert mma.defined("std/swing") == ["Swing", "SwingWalk", "Drumming"]
    assert mma.grooves("std/swing") == [Groove("std/swing", "Swing", 4), Groove("std/swing", "SwingWalk", 4)]
    assert mma.grooves("std/waltz") == [Groove("std/waltz", "Waltz", 3)]
    assert [groove.name for groove in mma.grooves("std/bossa")] == ["Bossa"]
    assert [groove.name for groove in mma.grooves("casio/swing")] == ["Swing", "DescendingJazz"]


def test_what_mma_says_against_it_becomes_a_sentence(library):
    with pytest.raises(RestyleError, match=r"MMA cannot play this: <Line 2> This groove is broken; leave out"):
        mma.play(Groove("std/swing", "Broken", 4), [("C",) * 4], seed=0)


def test_a_groove_is_played_bar_for_bar(library):
    played = mma.play(Groove("std/swing", "Swing", 4), [("C",) * 4] * 3, seed=0)
    assert played.tracks == ("Drum", "Bass") and played.score.bars.tolist() == [0, 48, 96, 144]
    bass = played.score.pitched()
    assert bass.start.tolist() == [0, 48, 96] and set(bass.length.tolist()) == {12} and set(bass.track.tolist()) == {1}
    assert set(bass.pitch.tolist()) == {41}


def test_parts_below_any_bass_are_raised(library, monkeypatch):
    program = library.parents[1] / "bin/mma"
    program.write_text(program.read_text().replace("36 + len(groove)", "10 + len(groove)"))
    played = mma.play(Groove("std/swing", "Swing", 4), [("C",) * 4], seed=0)
    assert played.score.pitch.tolist() == [39]  # the drum of key 15 is none


def test_a_set_is_made_and_made_on(library, charts, tmp_path, caplog):
    out, told = tmp_path / "out", []
    chosen = [g.name for f in mma.families() for g in mma.grooves(f)]
    made = arrange(charts, out, grooves=chosen, songs=3, length=(8, 12), report=lambda *now: told.append(now))
    assert (made.new, made.kept) == (3, 0) and [name for name, _ in made.skipped] == ["1 of the charts"] * 3
    assert [now[1:] for now in told] == [(k, 3) for k in range(1, 4)]
    rows, first = read_manifest(out), held(out)
    assert list(rows) == [f"songs/{k:06d}" for k in range(3)]
    for name, row in rows.items():
        folder = out / name
        assert {p.name for p in folder.iterdir()} == {"chords.tsv", "melody.mid", *(f"{g}.mid" for g in row["grooves"])}
        assert (
            len(row["grooves"]) >= 2
            and 8 <= row["bars"] <= 12
            and row["split"] == side_of(next(c for c in read_charts(charts)[0] if c.name == row["chart"]).progression)
        )
        lines = [line.split("\t") for line in (folder / "chords.tsv").read_text().splitlines()[1:]]
        assert sum(int(line[1]) for line in lines) == row["bars"] * row["beats"]
        for stem, facts in row["grooves"].items():
            score = read_score(folder / f"{stem}.mid")
            assert facts["tracks"] == ["Drum", "Bass"] and set(score.track.tolist()) == {0, 1}
            assert len(score) == 2 * row["bars"] and (np.diff(score.bars) == 12 * row["beats"]).all()
    summary = json.loads((out / "summary.json").read_text())
    assert sum(summary["charts"].values()) == 25 and sum(summary["charts left out"].values()) == 3
    assert sum(summary["songs"].values()) == 3

    assert arrange(charts, out, grooves=chosen, songs=3, length=(8, 12)).kept == 3 and held(out) == first
    next((out / "songs/000002").glob("*Swing*.mid")).unlink()
    (out / "songs/000001/chords.tsv").unlink()
    again = arrange(charts, out, grooves=chosen, songs=3, length=(8, 12))
    assert (again.new, again.kept) == (2, 1) and held(out) == first
    more = arrange(charts, out, grooves=chosen, songs=5, length=(8, 12))
    assert (more.new, more.kept) == (2, 3)
    assert {
        name: data for name, data in held(out).items() if name in first and "songs" in name
    }.items() <= first.items()
    assert arrange(charts, out, grooves=chosen, songs=3, length=(8, 12)).kept == 3 and len(read_manifest(out)) == 5
    assert "2 songs of a larger set" in caplog.text


def test_a_song_that_changes_leaves_nothing_behind(library, charts, tmp_path):
    out = tmp_path / "out"
    arrange(charts, out, songs=4, grooves=3, length=(8, 8))
    arrange(charts, out, songs=4, grooves=2, length=(8, 8))
    for name, row in read_manifest(out).items():
        assert len(row["grooves"]) == 2 and len(list((out / name).iterdir())) == 4


def test_a_groove_that_fails_costs_its_song_alone(library, charts, tmp_path):
    song = Arrangement(0, "c", "train", 0, 0, (("C",) * 4,), (Groove("std/swing", "Broken", 4),) * 2, 0)
    with pytest.raises(RestyleError, match="is broken"):
        arrangements.make(song, tmp_path)
    (library / "std/torn.mma").write_text("DefGroove Broken\nDefGroove Whole\n")
    made = arrange(charts, tmp_path / "out", songs=2, grooves=2)
    assert made.new == 2 and any(name == "std/torn" and "broken" in why for name, why in made.skipped)


def test_a_groove_that_there_is_not_is_named(library, charts, tmp_path):
    with pytest.raises(RestyleError, match="MMA has no groove 'Foo'"):
        arrange(charts, tmp_path / "out", grooves=["Swing", "Foo"])


@pytest.mark.slow
def test_processes_do_not_change_what_is_made(library, charts, tmp_path):
    for jobs in (1, 2):
        arrange(charts, tmp_path / f"out{jobs}", songs=4, grooves=3, jobs=jobs)
    assert held(tmp_path / "out1") == held(tmp_path / "out2")


def test_the_verb_reads_its_options(library, charts, tmp_path, restyle):
    out = tmp_path / "out"
    ran = restyle("data", "arrange", charts, "-o", out, "--grooves", "3", "--songs", 2, "--bars", "8..9", "--jobs", 1)
    assert ran.code == 0 and "2 new, 0 kept, 3 skipped" in ran.out
    assert {row["bars"] for row in read_manifest(out).values()} == {8}
    ran = restyle(
        "data", "arrange", charts, "-o", out, "--grooves", "Bossa, std/swing", "--songs", 1, "--bars", 5, "-j", 1
    )
    assert ran.code == 0 and read_manifest(out)["songs/000000"]["bars"] == 5
    for bars in ("8-9", "..", "8..x", ""):
        ran = restyle("data", "arrange", charts, "-o", out, "--bars", bars)
        assert ran.code == 2 and "8..32" in ran.err


@needs_mma
def test_our_pitch_classes_are_those_that_mma_plays(tmp_path):
    lines = ["Time 4", "SeqClear", "Chord Voice Piano1", "Chord Sequence {1 1 90}"]
    lines += [f"{k} C{quality}" for k, quality in enumerate(QUALITIES, 1)]
    (tmp_path / "all.mma").write_text("\n".join(lines) + "\n")
    subprocess.run(["mma", "-w", "-f", tmp_path / "all.mid", tmp_path / "all.mma"], check=True, capture_output=True)
    played: dict[int, set[int]] = {}
    for note in follow(tmp_path / "all.mid").notes:
        played.setdefault(round(note.onset / 2), set()).add(note.pitch % 12)
    assert [played[k] for k in range(len(QUALITIES))] == [set(intervals) for intervals in QUALITIES.values()]


@needs_mma
def test_the_library_has_metres_and_whole_grooves():
    swing, waltz = mma.grooves("stdlib/swing"), mma.grooves("stdlib/waltz")
    assert {groove.beats for groove in swing} == {4} and {groove.beats for groove in waltz} == {3}
    assert {"Swing", "SwingWalk"} <= {groove.name for groove in swing}
    assert not any("Intro" in g.name or "End" in g.name or "Sus" in g.name for g in swing + waltz)
    assert mma.grooves("stdlib/metronome") == [] and mma.grooves("stdlib/none") == []
    assert len(mma.families()) > 200


@needs_mma
def test_mma_plays_on_the_grid_and_the_same_again():
    bars = [("Dm7", "Dm7", "G7", "G7"), ("CM7",) * 4] * 2
    swing = Groove("stdlib/swing", "SwingWalk", 4)
    one, two, other = (mma.play(swing, bars, seed=seed) for seed in (3, 3, 4))
    assert (
        one.score.start.tolist() == two.score.start.tolist()
        and one.score.velocity.tolist() == two.score.velocity.tolist()
    )
    assert one.score.start.tolist() != other.score.start.tolist()  # it leaves out hits by chance
    assert set((one.score.start % 12).tolist()) == {0, 8} and one.score.bars.tolist() == [0, 48, 96, 144, 192]
    assert one.score.end.max() <= 192 and "Drum" in one.tracks and "Walk" in one.tracks
    walk = one.score.select(one.score.track == one.tracks.index("Walk"))
    assert set(walk.programme.tolist()) <= set(range(32, 40)) and walk.pitch[0] % 12 == 2
    assert DRUMS in one.score.programme and "Chord" in one.tracks


@needs_mma
def test_mma_makes_a_set(charts, tmp_path):
    made = arrange(charts, tmp_path / "out", grooves=["SwingWalk", "BossaNova", "casio/16beatballad1"], songs=2)
    assert made.new == 2
    for name, row in read_manifest(tmp_path / "out").items():
        for stem, facts in row["grooves"].items():
            score = read_score(tmp_path / "out" / name / f"{stem}.mid")
            assert len(set(score.track.tolist())) == len(facts["tracks"]) and score.bar_count == row["bars"]

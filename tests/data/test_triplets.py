"""Triplets made of small MIDI files with a SoundFont of the system; and folders of them read again."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from restyle.data import triplets
from restyle.data.rendering import SoundFont
from restyle.data.triplets import Triplet, make, read
from restyle.errors import RestyleError
from restyle.io.midi import read_midi, write_midi
from restyle.notes import Notes

OPTIONS = {"count": 3, "seed": 1, "seconds": 2.0, "rate": 16000}


@pytest.fixture(scope="module")
def midi(tmp_path_factory):
    """Three files, each with a high melody of another family."""
    folder = tmp_path_factory.mktemp("midi")
    for programme in (0, 40, 73):
        rows = [(0.2 * i, 0.2 * i + 0.18, 62 + (3 * i) % 14, 0.7, programme) for i in range(60)]
        write_midi(folder / f"{programme}.mid", Notes.of(rows))
    return sorted(folder.glob("*.mid"))


@pytest.fixture(scope="module")
def made(midi, font, tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    return make(midi, font, folder, **OPTIONS)


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_files_are_what_the_record_says(made, midi, font):
    folder = made[0].content.parent
    record = json.loads((folder / "triplets.json").read_text())
    assert [t.name for t in made] == ["000", "001", "002"] == [row["id"] for row in record["triplets"]]
    assert record["settings"]["soundfont"] == font.name and record["settings"]["seed"] == 1
    assert len(contents(folder)) == 3 * 4 + 1
    for triplet, row in zip(made, record["triplets"], strict=True):
        content = read_midi(next(p for p in midi if p.name == row["content"]["file"]))
        start, truth = row["content"]["start"], read_midi(triplet.notes)
        wanted = content.between(start, start + 2)
        wanted = wanted.select(wanted.offset - wanted.onset > 0.03)
        assert row["content"]["programme"] == content.programme[0] != row["style"]["programme"]
        assert truth.pitch.tolist() == wanted.pitch.tolist()
        assert np.abs(truth.onset - wanted.onset).max() < 2e-3
        assert set(truth.programme.tolist()) == {row["style"]["programme"]}


def test_sounds_are_mono_of_one_length_and_level(made):
    for path in (p for t in made for p in (t.content, t.style, t.target)):
        samples, rate = soundfile.read(path)
        assert (samples.shape, rate) == ((32000,), 16000)
        assert np.abs(samples).max() == pytest.approx(0.7, abs=1e-3)
        assert np.sqrt(np.mean(samples**2)) > 0.02


def test_the_target_is_the_true_notes_played(made, font):
    """The MIDI file beside it, played again, gives the target; the content's sound is another."""
    player = SoundFont(font, rate=16000)
    for triplet in made:
        again = player.render(read_midi(triplet.notes), duration=2.0).mono()
        target, content = (np.abs(np.fft.rfft(soundfile.read(p)[0])) for p in (triplet.target, triplet.content))
        own = np.abs(np.fft.rfft(again))
        assert np.corrcoef(own[:8000], target[:8000])[0, 1] > 0.95
        assert np.corrcoef(own[:8000], content[:8000])[0, 1] < 0.9
    player.close()


def test_a_seed_gives_the_same_files(made, midi, font, tmp_path):
    make(list(reversed(midi)), font, tmp_path, **OPTIONS)
    assert contents(tmp_path) == contents(made[0].content.parent)


def test_another_seed_gives_others(made, midi, font, tmp_path):
    make(midi, font, tmp_path, **OPTIONS | {"seed": 2, "count": 1})
    assert (tmp_path / "000.content.flac").read_bytes() != made[0].content.read_bytes()


def test_goes_on_where_it_was_stopped(made, midi, font, tmp_path):
    def stop(fraction):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(midi, font, tmp_path, progress=stop, **OPTIONS)
    one = [f"000.{what}" for what in ("content.flac", "style.flac", "target.flac", "target.mid")]
    assert sorted(contents(tmp_path)) == [*one, "triplets.json"]
    first = (tmp_path / "000.target.flac").stat().st_mtime_ns
    done = []
    make(midi, font, tmp_path, progress=done.append, **OPTIONS)
    assert (tmp_path / "000.target.flac").stat().st_mtime_ns == first
    assert contents(tmp_path) == contents(made[0].content.parent)
    assert done == pytest.approx([1 / 3, 2 / 3, 1])


def record(folder, pitches, shape):
    """Recorded notes of one instrument, with partials as told."""
    folder.mkdir(parents=True)
    t = np.arange(round(1.2 * 22050)) / 22050
    for pitch in pitches:
        f0 = 440 * 2 ** ((pitch - 69) / 12)
        note = sum(level * np.sin(2 * np.pi * k * f0 * t) for k, level in enumerate(shape, 1))
        soundfile.write(folder / f"{folder.name}_{pitch}.wav", 0.3 * note, 22050)


def test_recorded_notes_play_in_place_of_a_soundfont(midi, tmp_path):
    record(tmp_path / "notes" / "dull", range(58, 82, 4), [1, 0.1])
    record(tmp_path / "notes" / "bright", range(58, 82, 4), [0.3, 0.5, 0.8, 0.8, 0.7])
    record(tmp_path / "notes" / "bass", range(28, 40, 4), [1, 0.5])  # too low for these files
    made = make(midi, [tmp_path / "notes"], tmp_path / "out", **OPTIONS)
    again = make(midi, [tmp_path / "notes"], tmp_path / "again", **OPTIONS)
    assert contents(tmp_path / "out") == contents(tmp_path / "again") and len(made) == 3 == len(again)
    record_of = json.loads((tmp_path / "out" / "triplets.json").read_text())
    assert record_of["settings"]["notes"] == ["bass", "bright", "dull"]
    for triplet, row in zip(made, record_of["triplets"], strict=True):
        names = row["content"]["instrument"], row["style"]["instrument"]
        assert sorted(names) == ["bright", "dull"]
        tones = {role: brightness(getattr(triplet, role)) for role in triplets.ROLES}
        assert abs(tones["target"] - tones["style"]) < 0.3 * abs(tones["target"] - tones["content"])


def test_instruments_that_do_not_reach_the_notes_are_told(midi, tmp_path):
    record(tmp_path / "notes" / "bass", range(28, 40, 4), [1, 0.5])
    with pytest.raises(RestyleError, match=r"no two instruments reach the notes of \d+ pairs, and no more"):
        make(midi, [tmp_path / "notes"], tmp_path / "out", **OPTIONS)


def brightness(path):
    """Mean frequency of the power spectrum, in octaves."""
    sound, rate = soundfile.read(path)
    power = np.abs(np.fft.rfft(sound)) ** 2
    return np.log2(np.sum(power * np.fft.rfftfreq(len(sound), 1 / rate)) / power.sum())


def test_only_what_is_missing_is_made(midi, font, tmp_path, monkeypatch):
    make(midi, font, tmp_path, **OPTIONS)
    before = contents(tmp_path)
    (tmp_path / "001.style.flac").unlink()
    render, played = triplets._render, []
    monkeypatch.setattr(triplets, "_render", lambda *args: played.append(args) or render(*args))
    assert len(make(midi, font, tmp_path, **OPTIONS | {"count": 2})) == 2
    assert len(played) == 1 and contents(tmp_path) == before  # the third and its row stay
    make(midi, font, tmp_path, **OPTIONS | {"count": 4})
    assert len(played) == 2 and before.items() - contents(tmp_path).items() == {
        ("triplets.json", before["triplets.json"])
    }


def test_what_is_whole_is_not_looked_through_again(made, midi, font, monkeypatch):
    monkeypatch.setattr(triplets, "pairs", lambda *args, **options: pytest.fail("the MIDI files were read"))
    assert make(midi, font, made[0].content.parent, **OPTIONS) == made


def test_what_hardly_sounds_is_left_out(made, midi, font, tmp_path, monkeypatch):
    render, calls = SoundFont.render, []

    def first_is_silent(self, notes, **options):
        calls.append(notes)
        sound = render(self, notes, **options)
        return type(sound)(sound.samples * (len(calls) > 3), sound.rate)

    monkeypatch.setattr(SoundFont, "render", first_is_silent)
    make(midi, font, tmp_path, **OPTIONS | {"count": 1})
    assert len(calls) == 6
    assert (tmp_path / "000.target.flac").read_bytes() == made[1].target.read_bytes()


def test_programmes_that_the_soundfont_lacks_are_not_asked_for(midi, font, tmp_path, monkeypatch):
    import fluidsynth

    names = fluidsynth.Synth.sfpreset_name
    monkeypatch.setattr(
        fluidsynth.Synth, "sfpreset_name", lambda self, f, bank, n: None if n == 40 else names(self, f, bank, n)
    )
    make(midi, font, tmp_path, **OPTIONS | {"count": 2})
    rows = json.loads((tmp_path / "triplets.json").read_text())["triplets"]
    assert {row[role]["programme"] for row in rows for role in ("content", "style")} == {0, 73}


def test_too_few_tracks_say_how_many_could_be_made(midi, font, tmp_path, caplog):
    (tmp_path / "broken.mid").write_bytes(b"no")
    files = [*midi[:2], tmp_path / "broken.mid"]
    with pytest.raises(RestyleError, match=r"3 MIDI files are good for [1-9] triplets?, not 500") as said:
        make(files, font, tmp_path / "out", **OPTIONS | {"count": 500, "seconds": 4.0})
    count = int(str(said.value).split(" triplet")[0].split()[-1])
    assert len(read(tmp_path / "out")) == count
    assert "broken.mid" in caplog.text


@pytest.mark.parametrize(
    ("change", "why"), [({"seed": 2}, "seed"), ({"seconds": 3.0}, "seconds"), ({"rate": 22050}, "rate")]
)
def test_other_triplets_are_not_overwritten(made, midi, font, change, why):
    folder = made[0].content.parent
    before = contents(folder)
    with pytest.raises(RestyleError, match=rf"other settings \({why}\)"):
        make(midi, font, folder, **OPTIONS | change)
    assert contents(folder) == before


def test_folders_of_others_are_refused(midi, font, tmp_path):
    (tmp_path / "000.content.wav").write_bytes(b"mine")
    with pytest.raises(RestyleError, match=r"without triplets\.json"):
        make(midi, font, tmp_path, **OPTIONS)
    for text in ("{", "[]", '{"settings": 3, "triplets": []}', '{"settings": {}, "triplets": [1]}'):
        (tmp_path / "triplets.json").write_text(text)
        with pytest.raises(RestyleError, match="damaged"):
            make(midi, font, tmp_path, **OPTIONS)
    with pytest.raises(RestyleError, match="choose another folder"):
        make(midi, font, tmp_path / "000.content.wav", **OPTIONS)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"count": 0}, "count"),
        ({"seconds": 0.5}, "last 0.5 s"),
        ({"seconds": float("nan")}, "nan"),
        ({"rate": 1}, "rate"),
    ],
)
def test_settings_out_of_range_are_refused(midi, tmp_path, change, what):
    with pytest.raises(RestyleError, match=what):
        make(midi, Path("font.sf2"), tmp_path, **OPTIONS | change)


def test_no_midi_and_no_soundfont_are_refused(midi, font, tmp_path):
    with pytest.raises(RestyleError, match="no MIDI files"):
        make([], font, tmp_path)
    with pytest.raises(RestyleError, match="no SoundFont"):
        make(midi, tmp_path / "none.sf2", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def touch(folder, *names):
    for name in names:
        (folder / name).write_bytes(b"")
    return folder


def test_reads_what_was_made(made):
    assert read(made[0].content.parent) == made


def test_reads_pairs_of_any_format_sorted_by_name(tmp_path):
    touch(tmp_path, "b.content.WAV", "b.style.mp3", "a.1.content.ogg", "a.1.style.flac", "a.1.style.txt", "pairs.csv")
    touch(tmp_path, ".restyle-0.content.wav", "content.wav", "b.content.json", "b.target.mid")
    assert read(tmp_path) == [
        Triplet("a.1", tmp_path / "a.1.content.ogg", tmp_path / "a.1.style.flac"),
        Triplet("b", tmp_path / "b.content.WAV", tmp_path / "b.style.mp3", None, tmp_path / "b.target.mid"),
    ]


@pytest.mark.parametrize(
    ("names", "what"),
    [
        (["0.content.wav"], "no 0.style"),
        (["0.style.wav"], "no 0.content"),
        (["0.target.wav"], "no 0.content"),
        (["0.content.wav", "0.style.wav", "0.target.wav", "1.content.wav", "1.style.wav"], "no 1.target"),
        (["0.content.wav", "0.content.flac", "0.style.wav"], "two sounds for 0.content"),
        (["song.wav"], "no triplets or pairs"),
    ],
)
def test_missing_partners_are_named(tmp_path, names, what):
    with pytest.raises(RestyleError, match=what):
        read(touch(tmp_path, *names))


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(RestyleError, match="no such folder"):
        read(tmp_path / "none")


@pytest.mark.parametrize(
    ("programmes", "notes", "why"),
    [
        ((), 60, "cannot be read"),
        ((0, 40), 3, "none of their tracks plays 8 notes"),
        ((0, 1), 60, "one family"),
        ((47, 120), 60, "instrument with a pitch"),
    ],
)
def test_no_triplets_leave_nothing_and_say_why(programmes, notes, why, font, tmp_path):
    files = [tmp_path / f"{name}.mid" for name in programmes or ("broken",)]
    (tmp_path / "broken.mid").write_bytes(b"no")
    for programme in programmes:
        rows = [(0.2 * i, 0.2 * i + 0.18, 62 + (3 * i) % 14, 0.7, programme) for i in range(notes)]
        write_midi(tmp_path / f"{programme}.mid", Notes.of(rows))
    (tmp_path / "out").mkdir()
    with pytest.raises(RestyleError, match=f"good for 0 triplets, not 3: .*{why}.*; give other files"):
        make(files, font, tmp_path / "out", **OPTIONS)
    assert not list((tmp_path / "out").iterdir())

"""The main command and its Python form."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import soundfile

import restyle as package
from commanded import FAST, QUICK, chord, quick
from restyle import Audio, Notes, RestyleError, Style, learn, transfer, write_midi
from restyle.commands.shared.settings import Settings
from restyle.methods import METHODS


def sound(*args, **kwargs):
    return Audio(chord(*args, **kwargs).T, kwargs.get("rate", 16000))


def test_files_and_python_agree(restyle, clips, tmp_path):
    assert restyle("transfer", *clips, "-o", tmp_path / "out.wav", "-m", "spectral", "--bits", "32f").code == 0
    content, style = package.read(clips[0]), package.read(clips[1])
    result = package.transfer(content, style, method="spectral")
    package.write(tmp_path / "again.wav", result, bits="32f")
    # the samples: a float file also holds the second it was written in
    made, again = (package.read(tmp_path / name).samples for name in ("out.wav", "again.wav"))
    assert np.array_equal(made, again)


def test_the_record(restyle, clips, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    restyle("transfer", "content.wav", "style.wav", "-o", "out.wav", *FAST, "--strength", "0.5", "--seed", "7")
    record = json.loads((tmp_path / "out.json").read_text())
    assert record["content"] == "content.wav" and record["style"] == ["style.wav"] and record["out"] == "out.wav"
    assert record["restyle"] == package.__version__
    expected = Settings(method="spectral", strength=0.5, seed=7, tone=False)
    assert Settings(**record["settings"]) == expected
    assert (record["rate"], record["channels"], record["length"]) == (16000, 1, 16000)
    assert record["seconds"] > 0 and record["warnings"] == []


def test_the_record_holds_the_warnings(restyle, clips, tmp_path):
    soundfile.write(tmp_path / "silent.wav", np.zeros(16000), 16000)
    restyle("transfer", tmp_path / "silent.wav", clips[1], "-o", tmp_path / "out.wav", *FAST)
    assert json.loads((tmp_path / "out.json").read_text())["warnings"] == [
        "the content is silent, so the result is silence"
    ]


def test_a_methods_own_settings_in_python():
    content, style = sound(), sound(root=500.0)
    plain, narrow = (transfer(content, style, method="spectral", options=own) for own in (None, {"bands": 8}))
    assert not np.array_equal(plain.samples, narrow.samples)
    with pytest.raises(RestyleError, match="has no setting 'loud'"):
        transfer(content, style, method="spectral", options={"loud": 1})


def test_strength_0_gives_the_content_back():
    content = sound(channels=2)
    result = transfer(content, sound(root=500.0), method="spectral", strength=0)
    assert np.array_equal(result.samples, content.samples)


def test_a_learnt_style_is_as_good_as_its_recordings(restyle, clips, tmp_path):
    assert restyle("learn", clips[1], "-o", tmp_path / "s.style", "-m", "spectral").code == 0
    restyle("transfer", clips[0], clips[1], "-o", tmp_path / "a.wav", "-m", "spectral")
    ran = restyle("transfer", clips[0], tmp_path / "s.style", "-o", tmp_path / "b.wav")
    assert ran.code == 0, ran.err
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()
    assert json.loads((tmp_path / "b.json").read_text())["settings"]["method"] == "spectral"


def test_a_genre_is_a_style_with_a_name(restyle, clips, tmp_path):
    assert restyle("transfer", clips[0], "--genre", "rock", "-o", tmp_path / "out.wav", "--bits", "32f").code == 0
    made = package.read(tmp_path / "out.wav")
    content = package.read(clips[0])
    assert np.array_equal(made.samples, transfer(content, package.genre("rock")).samples)
    assert not np.allclose(made.samples, transfer(content, package.genre("piano")).samples, atol=1e-3)
    record = json.loads((tmp_path / "out.json").read_text())
    assert record["settings"]["method"] == "gatys" and record["style"][0].endswith("rock.style")


def test_batch_takes_a_genre(restyle, clips, tmp_path):
    (tmp_path / "more.wav").write_bytes(clips[1].read_bytes())
    assert restyle("batch", clips[0], tmp_path / "more.wav", "--genre", "rock", "-o", tmp_path / "made").code == 0
    sounds = sorted(path.name for path in (tmp_path / "made").glob("*.wav"))
    assert len(sounds) == 2 and all("rock" in name for name in sounds)


def test_several_styles_are_not_the_first_alone():
    content, one, other = sound(), sound(root=330.0), sound(root=900.0)
    both = transfer(content, [one, other], method="spectral")
    assert not np.allclose(both.samples, transfer(content, one, method="spectral").samples, atol=1e-4)
    silent = Audio(np.zeros(16000), 16000)
    assert np.array_equal(
        transfer(content, [one, silent], method="spectral").samples, transfer(content, one, method="spectral").samples
    )


def test_a_part_of_the_content(restyle, clips, tmp_path):
    restyle(
        "transfer", *clips, "-o", tmp_path / "out.wav", *FAST, "--start", "0.25", "--duration", "0.5", "--strength", "0"
    )
    samples, _ = soundfile.read(tmp_path / "out.wav")
    content, _ = soundfile.read(clips[0])
    assert np.allclose(samples, content[4000:12000], atol=1e-4)


def test_pictures(restyle, clips, tmp_path):
    assert restyle("transfer", *clips, "-o", tmp_path / "out.wav", *FAST, "--pictures", tmp_path / "p").code == 0
    made = sorted(path.name for path in (tmp_path / "p").iterdir())
    assert made == ["content.png", "result.png", "spectrograms.png", "style.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in (tmp_path / "p").iterdir())


@pytest.mark.parametrize("ending", [".mid", ".rmi"])
def test_notes_have_no_picture_of_the_content(ending, restyle, clips, tmp_path):
    write_midi(tmp_path / "tune.mid", Notes.of([(0.1, 0.6, 62, 0.8, 0), (0.7, 1.2, 66, 0.8, 0)]))
    content = (tmp_path / "tune.mid").rename(tmp_path / f"tune{ending}")
    options = ("--method", "notes", "--no-tone", "--pictures", tmp_path / "p")
    assert restyle("transfer", content, clips[1], "-o", tmp_path / "out.wav", *options).code == 0
    assert sorted(path.name for path in (tmp_path / "p").iterdir()) == ["result.png", "spectrograms.png", "style.png"]


@pytest.mark.parametrize("tempo", ["style", "150"])
def test_tempo(tempo, restyle, tmp_path):
    for name, bpm in (("content", 120), ("style", 150)):
        clicks = np.zeros(8 * 16000)
        for beat in np.arange(0, 7.8, 60 / bpm):
            clicks[round(beat * 16000) :][:800] += np.random.default_rng(0).normal(0, 0.3, 800) * np.exp(
                -np.arange(800) / 150
            )
        soundfile.write(tmp_path / f"{name}.wav", clicks, 16000)
    ran = restyle(
        "transfer", tmp_path / "content.wav", tmp_path / "style.wav", "-o", tmp_path / "o.wav", *FAST, "--tempo", tempo
    )
    assert ran.code == 0, ran.err
    assert soundfile.info(tmp_path / "o.wav").duration == pytest.approx(8 * 120 / 150, rel=0.01)


def test_the_python_form_refuses_what_the_command_refuses():
    good = sound()
    for content, style, words in [
        (sound(0.3), good, "the content"),
        (good, sound(0.3), "the style"),
        (good, [good, sound(0.3)], "style 2"),
        (good, Audio(np.zeros(16000), 16000), "silent"),
        (good, [], "at least one"),
        (Notes.of([]), good, "no notes"),
    ]:
        with pytest.raises(RestyleError, match=words):
            transfer(content, style, method="spectral")
    for wrong in ({"strength": float("nan")}, {"method": "shuffle"}, {"tempo": "fast"}, {"seed": -1}):
        with pytest.raises(RestyleError):
            transfer(good, good, **wrong)


def test_a_style_knows_its_parts():
    learnt = learn(sound(), method="spectral", parts=["method", "tone"])
    assert isinstance(learnt, Style) and learnt.method == "spectral"
    assert learnt.part("tone") and learnt.part("method")
    with pytest.raises(RestyleError, match="tempo"):
        learnt.part("tempo")


def test_progress_rises_to_1():
    seen: list[float] = []
    transfer(sound(), sound(), method="spectral", progress=seen.append)
    assert seen == sorted(seen) and seen[-1] == pytest.approx(1)


def test_interrupted_work_leaves_nothing(restyle, clips, tmp_path, monkeypatch):
    from restyle.pages import plot

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(plot, "save", interrupt)
    before = sorted(tmp_path.rglob("*"))
    ran = restyle("transfer", *clips, "-o", tmp_path / "out.wav", "--pictures", tmp_path / "p", *FAST)
    assert ran.code == 130 and ran.err.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.slow
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_real_signal_leaves_nothing(signum, tmp_path):
    soundfile.write(tmp_path / "content.wav", chord(120, 44100), 44100)
    soundfile.write(tmp_path / "style.wav", chord(root=330.0), 16000)
    command = ["transfer", "content.wav", "style.wav", "-o", "out.wav", "-m", "spectral", "-v"]
    # a shell without job control has children ignore SIGINT
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from restyle.cli import main; main()"
    )
    run = subprocess.Popen(
        [sys.executable, "-c", code, *command],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(tmp_path)},
    )
    assert run.stderr is not None
    for line in run.stderr:
        if "applying" in line:
            run.send_signal(signum)
    assert run.wait() == (130 if signum == signal.SIGINT else 143)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["content.wav", "style.wav"]


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_every_method_is_repeatable_and_keeps_the_shape(method):
    content, style = sound(2, rate=22050, channels=2), sound(2, rate=16000, root=330.0)
    content = Audio(content.samples, 22050)
    options = QUICK.get(method)
    first, second = (transfer(content, style, method=method, seed=3, options=options) for _ in range(2))
    assert np.array_equal(first.samples, second.samples)
    assert first.samples.shape == content.samples.shape and first.rate == 22050
    assert np.array_equal(transfer(content, style, method=method, strength=0, options=options).samples, content.samples)


@pytest.mark.slow
def test_midi_as_content_and_as_output(restyle, clips, tmp_path):
    package.write_midi(tmp_path / "tune.mid", Notes.of([(i / 2, i / 2 + 0.4, 60 + i, 0.8, 0) for i in range(6)]))
    ran = restyle("transfer", tmp_path / "tune.mid", clips[1], "-o", tmp_path / "out.wav", "--midi", tmp_path / "m.mid")
    assert ran.code == 0, ran.err
    assert package.read_midi(tmp_path / "m.mid").pitch.tolist() == [60, 61, 62, 63, 64, 65]
    assert soundfile.info(tmp_path / "out.wav").duration >= 2.9


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_a_learnt_style_serves_every_method(restyle, tmp_path, method):
    rate = 16000
    time = np.arange(2 * rate) / rate
    # notes too short for a decay to be measured, and a long one
    pulses = sum(np.sin(2 * np.pi * 330 * k * time) / k for k in range(1, 6)) * (time % 0.25 < 0.12) * (time < 1)
    held = sum(np.sin(2 * np.pi * 440 * k * time) / k for k in range(1, 6)) * (time > 1.1)
    for name in ("content", "style"):
        package.write(tmp_path / f"{name}.wav", Audio(0.2 * (pulses + held), rate))
    assert restyle("learn", tmp_path / "style.wav", "-o", tmp_path / "s.style", *quick(method)).code == 0
    ran = restyle("transfer", tmp_path / "content.wav", tmp_path / "s.style", "-o", tmp_path / "out.wav")
    assert ran.code == 0, ran.err
    assert package.read(tmp_path / "out.wav").length == 2 * rate


def test_a_methods_own_settings(restyle, clips, tmp_path):
    for name, more in (("plain", []), ("narrow", ["--set", "range=3", "--set", "bands=8"])):
        restyle("transfer", *clips, "-o", tmp_path / f"{name}.wav", *FAST, *more)
    plain, narrow = (package.read(tmp_path / f"{name}.wav").samples for name in ("plain", "narrow"))
    assert not np.array_equal(plain, narrow)
    record = json.loads((tmp_path / "narrow.json").read_text())
    assert record["settings"]["options"] == {"range": "3", "bands": "8"}
    wrongs = {"loud=1": "has no setting 'loud'", "range=much": "must be a number", "bands=.5": "whole number", "x": "="}
    for wrong, why in wrongs.items():
        failed = restyle("transfer", *clips, "-o", tmp_path / "no.wav", *FAST, "--set", wrong)
        assert failed.code == 2 and why in failed.err and not (tmp_path / "no.wav").exists()


def test_a_style_remembers_the_settings_it_was_learnt_with(restyle, clips, tmp_path):
    content, style = clips
    own = ("--method", "spectral", "--set", "bands=8")
    restyle("learn", style, "-o", tmp_path / "a.style", *own)
    restyle("transfer", content, tmp_path / "a.style", "-o", tmp_path / "a.wav")
    restyle("transfer", content, style, "-o", tmp_path / "b.wav", *own)
    assert np.array_equal(package.read(tmp_path / "a.wav").samples, package.read(tmp_path / "b.wav").samples)


def test_a_sound_between_two_styles(restyle, clips, tmp_path):
    content, style = clips
    for name, shares in (("first", "1,0"), ("between", ".5,.5"), ("second", "0,1")):
        restyle("learn", style, content, "--mix", shares, "-o", tmp_path / f"{name}.style", "--method", "notes")
        restyle("transfer", content, tmp_path / f"{name}.style", "-o", tmp_path / f"{name}.wav", "--no-tone")
    first, between, second = (package.read(tmp_path / f"{n}.wav").samples for n in ("first", "between", "second"))
    apart = np.abs(first - second).mean()
    assert apart > 1e-4 and not np.array_equal(between, first) and not np.array_equal(between, second)
    failed = restyle("learn", style, content, "--mix", "1", "-o", tmp_path / "x.style")
    assert failed.code == 2 and "1 shares cannot mix 2 recordings" in failed.err
    failed = restyle("learn", style, content, "--mix", "1,1", "-o", tmp_path / "x.style", "--method", "mosaic")
    assert failed.code == 2 and "cannot mix styles" in failed.err

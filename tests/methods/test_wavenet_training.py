import numpy as np
import pytest
import torch

from restyle.data.store import Store, StoreWriter
from restyle.dsp.spectrogram import LogSpectrogram
from restyle.io import networks as trained
from restyle.methods.wavenet.autoregressive import WaveNet
from restyle.methods.wavenet.parallel import ParallelWaveNet
from restyle.methods.wavenet.train import LEVEL, AutoregressiveTraining, ParallelTraining, lesson
from restyle.training import config as configs
from restyle.training.run import train

RATE, HOP, FRAMES = 16000, 256, 40
FORM = {"kind": "mel", "rate": RATE, "n_fft": 1024, "hop": HOP, "bins": 80}
SMALL = {
    "wavenet_parallel": ["channels=4", "skip=4", "condition=8", "width=16", "dilations=[1,2]"],
    "wavenet_autoregressive": ["channels=4", "skip=4", "condition=8", "dilations=[1,2]"],
}


def clip(pitches, decay):
    """Two notes of six partials, one a half, [T], and their table."""
    time, half = np.arange(FRAMES * HOP) / RATE, FRAMES // 2 * HOP / RATE
    sound, rows = np.zeros(len(time)), []
    for i, pitch in enumerate(pitches):
        since = time - i * half
        here = (since >= 0) & (since < 0.9 * half)
        f0 = 440 * 2 ** ((pitch - 69) / 12)
        wave = sum(np.sin(2 * np.pi * f0 * p * since) / p for p in range(1, 7))
        sound += 0.1 * here * wave * np.exp(-decay * since)
        rows.append([i * half, (i + 0.9) * half, pitch, 0.8, 0])
    return sound.astype(np.float32), np.array(rows, np.float32)


def store(folder, count=6):
    """Clips of two kinds of instrument."""
    spectrogram = LogSpectrogram.of(FORM)
    with StoreWriter(folder, spectrogram.settings()) as writer:
        for i in range(count):
            sound, notes = clip((50 + 2 * i, 65 - i), (2, 12)[i % 2])
            mel = spectrogram(torch.from_numpy(sound)).T.numpy()[:FRAMES]
            label, beside = f"kind{i % 2}", {"notes": notes, "sound": sound.astype(np.float16)}
            writer.add(f"{label}/{i}.wav", (label,), f"{label}/{i}", "", mel, beside=beside)
    return Store.open(folder)


def batch(rows=2):
    """A batch as training gets it, its second halves of different levels."""
    spectrogram, made = LogSpectrogram.of(FORM), []
    for i in range(rows):
        sound, notes = clip((50 + 5 * i, 60 - i), 2)
        mel = spectrogram(torch.from_numpy(sound))[:, :FRAMES]
        padded = torch.cat([torch.from_numpy(notes), torch.full((1, 5), torch.nan)])
        made.append((mel, torch.tensor(i % 2), padded, torch.from_numpy(sound) * 10.0**-i))
    return tuple(torch.stack(part) for part in zip(*made, strict=True))


def silent(module):
    module.log = lambda *_, **__: None
    return module


def test_a_lesson_is_of_the_second_half_alone():
    given = batch()
    found = lesson(given, 8, hop=HOP, rate=RATE, rng=None)
    half = FRAMES // 2
    assert torch.equal(found.mel, given[0][..., :half])
    assert found.sound.shape == (2, 8 * HOP)
    own = found.notes[~found.notes[..., 0].isnan()]
    assert own[:, 2].tolist() == [60, 59]  # not those of the first half
    assert own[:, 0].abs().max() < 1e-6
    scale = found.sound[0] / given[3][0, half * HOP : (half + 8) * HOP].clamp_min(1e-9)
    loud = given[3][0, half * HOP : (half + 8) * HOP] > 0.01
    assert scale[loud].std() < 1e-3 * scale[loud].mean()


def test_lessons_are_of_one_level_but_silence_stays_silent():
    mel, labels, notes, sound = batch()
    half = sound.shape[1] // 2
    found = lesson((mel, labels, notes, sound), 20, hop=HOP, rate=RATE, rng=None)
    assert found.sound.square().mean(1).sqrt().tolist() == pytest.approx([LEVEL, LEVEL], rel=1e-3)
    sound[0, half:] = 1e-6
    found = lesson((mel, labels, notes, sound), 20, hop=HOP, rate=RATE, rng=None)
    assert found.sound[0].abs().max() < 1e-5


def test_a_piece_in_the_middle_has_its_own_times():
    given = batch()
    places = set()
    for seed in range(6):
        found = lesson(given, 8, hop=HOP, rate=RATE, rng=np.random.default_rng(seed))
        for row in range(2):
            start = int(found.places[row])
            places.add(start)
            own = found.notes[row][~found.notes[row, :, 0].isnan()]
            assert own[0, 0].item() == pytest.approx((FRAMES // 2 - start) * HOP / RATE, abs=1e-5)
            cut = given[3][row, start * HOP : (start + 8) * HOP]
            assert torch.nn.functional.cosine_similarity(cut, found.sound[row], dim=0) > 0.9999
    assert len(places) > 3 and min(places) >= FRAMES // 2 and max(places) <= FRAMES - 8


def test_a_loss_follows_from_its_seed():
    torch.manual_seed(0)
    model = ParallelWaveNet(channels=4, skip=4, dilations=(1,), width=16)
    module = silent(ParallelTraining(model, representation=FORM, crop=6))
    one, same, other = (module.loss(batch(), np.random.default_rng(seed), whole=False).item() for seed in (1, 1, 2))
    assert one == same != other


def test_the_spectral_loss_teaches_how_notes_decay():
    torch.manual_seed(0)
    model = ParallelWaveNet(channels=4, skip=4, dilations=(1,), width=32)
    module = silent(ParallelTraining(model, representation=FORM, crop=20, sizes=(512, 128)))
    given, optimiser, losses = batch(), torch.optim.Adam(model.parameters(), lr=5e-3), []
    for _ in range(40):
        optimiser.zero_grad()
        losses.append(module.loss(given, np.random.default_rng(0), whole=False))
        losses[-1].backward()
        optimiser.step()
    assert losses[-1].item() < 0.5 * losses[0].item()


def test_the_report_is_shown_what_was_made():
    model = ParallelWaveNet(channels=4, skip=4, dilations=(1,), width=16)
    module = silent(ParallelTraining(model, representation=FORM, crop=20))
    assert module.examples() == []
    module.validation_step(batch(), 0)
    made, wanted = (example["picture"] for example in module.examples())
    assert made.shape == wanted.shape == (513, 21)
    f0 = 440 * 2 ** ((60 - 69) / 12)
    assert abs(wanted.sum(1).argmax() - f0 / (RATE / 1024)) < 1.5


def test_cross_entropy_begins_at_chance_and_falls():
    torch.manual_seed(0)
    model = WaveNet(channels=8, skip=8, condition=8, dilations=(1, 2, 4), code=2)
    module = silent(AutoregressiveTraining(model, representation=FORM, crop=4))
    given, optimiser, losses = batch(), torch.optim.Adam(model.parameters(), lr=1e-2), []
    for i in range(60):
        optimiser.zero_grad()
        losses.append(module.loss(given, np.random.default_rng(i), whole=False))
        losses[-1].backward()
        optimiser.step()
    assert losses[0].item() == pytest.approx(np.log(256), abs=0.3)
    assert losses[-1].item() < 0.85 * losses[0].item()


def test_without_a_code_the_encoder_learns_nothing():
    model = WaveNet(channels=8, skip=8, condition=8, dilations=(1, 2), code=2)
    for without, learns in ((1.0, False), (0.0, True)):
        module = silent(AutoregressiveTraining(model, representation=FORM, crop=4, without=without))
        module.zero_grad()
        module.loss(batch(), np.random.default_rng(0), whole=False).backward()
        assert (model.encoder.out.weight.grad is not None) == learns


def test_frames_must_be_those_of_the_spectrograms():
    with pytest.raises(ValueError, match="hop"):
        ParallelTraining(ParallelWaveNet(hop=128), representation=FORM)


@pytest.mark.parametrize("name", SMALL)
def test_every_config_is_taught_exported_and_read(name, tmp_path):
    steps = ["data.batch=2", f"data.frames={FRAMES}", "data.validation=0.34", "trainer.max_epochs=1"]
    steps += ["trainer.max_steps=2", "module.init_args.crop=4"]
    config = configs.read(name, [*steps, *(f"model.init_args.{own}" for own in SMALL[name])])
    made = train(config, store(tmp_path / "store"), tmp_path / "run")
    assert made.weights.name == f"{name}.safetensors" and np.isfinite(made.scores["val_loss"])
    network, settings = trained.network(made.weights, "WaveNet", "mel")
    assert settings["representation"]["hop"] == network.hop

"""How VAE-GAN, DRAW and CycleGAN are trained: whose gradients go where, two steps of every config, and the way back."""

import numpy as np
import pytest
import torch

from restyle import style as styles
from restyle.audio import Audio
from restyle.data.store import Store, StoreWriter
from restyle.dsp.levels import levels as use_levels
from restyle.dsp.spectrogram import LogSpectrogram
from restyle.dsp.stft import Stft
from restyle.errors import RestyleError
from restyle.io import weights
from restyle.methods.cyclegan.model import CycleGan
from restyle.methods.cyclegan.train import CycleGanTraining
from restyle.methods.draw.model import Draw
from restyle.methods.draw.train import DrawTraining
from restyle.methods.repainting import Grid
from restyle.methods.vae_gan.model import VaeGan
from restyle.methods.vae_gan.train import VaeGanTraining
from restyle.pages.training import page
from restyle.pipeline import transfer
from restyle.training import config as configs
from restyle.training.adversarial import discriminator_loss, feature_loss, generator_loss
from restyle.training.data import Chunks
from restyle.training.latent import free_bits, kl_divergence
from restyle.training.run import train
from restyle.training.spectral import guarded, recording_levels
from toy_sizes import TOY, toy

FORM = {"kind": "stft", "rate": 8000, "n_fft": 64, "hop": 16}
BINS = 33


def made(seed=0, seconds=2.0, rate=8000):
    """Three decaying tones and a little noise."""
    rng, time = np.random.default_rng(seed), np.arange(round(seconds * rate)) / rate
    sound = 0.003 * rng.normal(size=len(time))
    for i, f0 in enumerate(rng.uniform(200, 900, 3)):
        since = time - i * seconds / 3
        wave = sum(np.sin(2 * np.pi * f0 * k * since) / k ** (1 + seed % 2) for k in range(1, 4))
        sound += 0.1 * (since > 0) * np.exp(-3 * np.maximum(since, 0)) * wave
    return sound.astype(np.float32)


def store(folder, form, count=8, frames=300, labels=("one", "two")):
    spectrogram, rng = LogSpectrogram.of(form), np.random.default_rng(0)
    with StoreWriter(folder, spectrogram.settings()) as writer:
        for i in range(count):
            sound = made(i, frames * spectrogram.hop / spectrogram.rate, spectrogram.rate)
            array = spectrogram(torch.from_numpy(sound)).T.numpy()[:frames]
            label, beside = labels[i % len(labels)], {"pitch": rng.random((len(array), 176)).astype(np.float16)}
            writer.add(f"{label}/{i}.wav", (label,), f"{label}/{i}", "", array, beside=beside)
    return Store.open(folder)


def trained(name, folder, *changes, labels=("one", "two")):
    few = [
        "data.batch=4",
        "data.validation=0.3",
        "trainer.max_epochs=1",
        "trainer.limit_train_batches=2",
        "trainer.average=null",
    ]
    few += [*toy(name), *changes]
    config = configs.read(name, few)
    spectrograms = store(folder / "store", config["representation"], labels=labels)
    return train(config, spectrograms, folder / "run", page=page)


# whose gradients go where


def fixed(module):
    """As if a trainer were there, at its first step."""
    module.log = lambda *_, **__: None
    return module


def levels(rows, frames, seed=0):
    return 3 + torch.randn(rows, BINS, frames, generator=torch.Generator().manual_seed(seed)).abs()


def gradients(loss, values):
    found = torch.autograd.grad(loss, values, allow_unused=True, retain_graph=True)
    return [torch.zeros_like(v) if g is None else g for v, g in zip(values, found, strict=True)]


def test_each_part_of_a_vae_gan_gets_the_gradient_of_its_own_losses():
    torch.manual_seed(0)
    model = VaeGan(bins=BINS, pitches=5, width=8, encoder=8, content=3, style=4, dilations=(1,)).double()
    module = VaeGanTraining(
        model, labels=["a"], representation=FORM, widths=(4, 4), patch=16, gamma=3.0, pixel=0.7, ceiling=1.0, free=0.0
    ).double()
    module.discriminator.eval()  # so that the norms' vectors stand still
    x, pitch = levels(4, 16).double(), torch.rand(4, 5, 16).double()
    content, style = model.content(x), model.style(x, pitch)
    losses = module.losses(x, pitch, content, style, torch.Generator().manual_seed(1))
    total = losses["divergence"] + 3.0 * losses["reconstruction"] + losses["game"] + losses["discriminator"]

    # the same by the paper's algorithm 1, with nothing stopped or scaled
    noise = torch.Generator().manual_seed(1)
    z, s = (code.sample(torch.randn(code.mean.shape, generator=noise).double()) for code in (content, style))
    torch.randint(0, 1, (), generator=noise)
    recon = model.decode(z, s, pitch)
    prior = [torch.randn(code.shape, generator=noise).double() for code in (z, s)]
    half = torch.arange(4) % 2 == 1
    mixed = [torch.where(half.view(-1, *[1] * (c.dim() - 1)), p, c) for p, c in zip(prior, (z, s), strict=True)]
    played = model.decode(*mixed, pitch)
    kl = sum(b * free_bits(kl_divergence(*c), 0.0) for b, c in zip(module.beta, (content, style), strict=True))
    alike = feature_loss(module.discriminator(recon)[1], module.discriminator(x)[1]) + 0.7 * (recon - x).abs().mean()
    game = generator_loss(module.discriminator(played)[0], "hinge")
    own = discriminator_loss(module.discriminator(x)[0], module.discriminator(played)[0], "hinge")

    encoders = [*model.reader.parameters(), *model.listener.parameters(), *model.summary.parameters()]
    decoder = [*model.decoder.parameters(), model.usual]
    discriminator = list(module.discriminator.parameters())
    wanted = gradients(kl + alike, encoders) + gradients(3.0 * alike + game, decoder) + gradients(own, discriminator)
    found = gradients(total, encoders + decoder + discriminator)
    assert any(g.abs().max() > 1e-6 for g in wanted)
    for a, b in zip(found, wanted, strict=True):
        assert torch.allclose(a, b, atol=1e-9, rtol=1e-6)


def test_generators_and_discriminators_of_a_cyclegan_get_their_own_losses():
    torch.manual_seed(0)
    model = CycleGan(bins=BINS, width=8, depth=(1,), fixed=0)
    module = CycleGanTraining(model, labels=["a", "b"], representation=FORM, widths=(4, 4), ceiling=1.0)
    module.discriminator.eval()
    a, b = levels(2, 24, 1), levels(3, 24, 2) + 1
    losses = module.losses(a, b)
    generators, discriminators = list(model.parameters()), list(module.discriminator.parameters())
    there, back = model.there(a), model.back(b)
    first, second = module.discriminator
    game = generator_loss(second(there)[0], "hinge") + generator_loss(first(back)[0], "hinge")
    cycle = (model.back(there) - a).abs().mean() + (model.there(back) - b).abs().mean()
    own = discriminator_loss(second(b)[0], second(there)[0], "hinge")
    own = own + discriminator_loss(first(a)[0], first(back)[0], "hinge")
    total = losses["game"] + losses["cycle"] + losses["discriminator"]
    for found, wanted in zip(gradients(total, generators), gradients(game + cycle, generators), strict=True):
        assert torch.allclose(found, wanted, atol=1e-6)
    for found, wanted in zip(gradients(total, discriminators), gradients(own, discriminators), strict=True):
        assert torch.allclose(found, wanted, atol=1e-6)


def test_a_discriminator_that_is_always_right_waits():
    real, false = torch.full((4,), 3.0, requires_grad=True), torch.full((4,), -3.0, requires_grad=True)
    loss, right = guarded(real, false, "bce", 0.9)
    loss.backward()
    assert right == 1 and loss == 0 and not real.grad.any()
    loss, right = guarded(real, -false, "bce", 0.9)
    assert right == 0.5 and loss > 1
    assert guarded(torch.tensor([0.9]), torch.tensor([0.1]), "least_squares", 0.9)[1] == 1  # its targets are 1 and 0


def test_a_drawing_is_measured_by_the_papers_sum():
    torch.manual_seed(0)
    model = Draw(bins=BINS, frames=8, pitches=0, hidden=8, latent=2, glimpses=3, grid=4)
    module = DrawTraining(model, representation=FORM, likelihood="bernoulli")
    canvas, target = torch.randn(2, BINS, 8), levels(2, 8)
    p, t = canvas.sigmoid(), (target / 12).clamp(0, 1)
    wanted = -(t * p.log() + (1 - t) * (1 - p).log()).sum((1, 2)).mean()
    assert module.distance(canvas, target).item() == pytest.approx(wanted.item(), rel=1e-5)


def test_levels_are_relative_to_the_recording():
    x, mean = torch.log1p(torch.rand(2, BINS, 20) + 0.5), torch.tensor([0.7, 2.0])
    assert torch.allclose(
        recording_levels(x, mean), recording_levels(torch.log1p(0.3 * torch.expm1(x)), 0.3 * mean), atol=1e-4
    )
    assert (recording_levels(torch.zeros(1, BINS, 20), torch.zeros(1)) == 0).all()


def test_training_has_the_levels_of_a_transfer(tmp_path):
    """A soft passage of a recording is as soft for the network in training as in use."""
    sound = np.concatenate([0.05 * made(1), made(2)])
    form = LogSpectrogram.of(FORM)
    grid = Grid(Stft(FORM["n_fft"], FORM["hop"]), FORM["rate"])
    audio = Audio(sound, FORM["rate"])
    whole = use_levels(grid.magnitudes(audio), grid.mean(audio))
    with StoreWriter(tmp_path, form.settings()) as writer:
        writer.add("a.wav", (), "a", "", form(torch.from_numpy(sound)).T.numpy())
    chunks = Chunks(Store.open(tmp_path), [0], 100, [])
    x, _, mean = chunks.batch(np.arange(len(chunks)), 0, wants=("mean",))
    assert float(mean[0]) == pytest.approx(grid.mean(audio), rel=0.02) and len(set(mean.tolist())) == 1
    for i, level in enumerate(recording_levels(x, mean)):
        own = whole[:, 100 * i : 100 * (i + 1)]
        assert float((level - own).abs().mean()) < 0.05, i
    alone = recording_levels(x[:1], torch.expm1(x[:1]).square().mean((1, 2)).sqrt())[0]  # as if the chunk were all
    assert float((alone - whole[:, :100]).mean()) > 1


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (lambda: VaeGanTraining(VaeGan(bins=9), labels=[], representation=FORM), "9 bins"),
        (lambda: DrawTraining(Draw(bins=BINS), representation=FORM | {"kind": "mel"}), "kind stft"),
        (lambda: DrawTraining(Draw(bins=BINS), representation=FORM, likelihood="gauss"), "laplace or bernoulli"),
        (lambda: DrawTraining(Draw(bins=BINS, frames=64), representation=FORM, frames=32), "no piece of 64"),
        (lambda: CycleGanTraining(CycleGan(bins=BINS), labels=["a"], representation=FORM), "two domains"),
        (lambda: CycleGanTraining(CycleGan(bins=BINS), labels="ab", representation=FORM, adversarial="x"), "hinge"),
    ],
)
def test_what_does_not_fit_is_refused(made, told):
    with pytest.raises(ValueError, match=told):
        made()


# two steps, export, transfer


def content():
    return Audio(np.stack([made(5, 2.0, 22050), 0.5 * made(6, 2.0, 22050)]), 22050)


@pytest.mark.parametrize("name", sorted(TOY))
def test_a_config_is_taught_and_its_run_is_a_style(name, tmp_path):
    found = trained(name, tmp_path)
    assert all(np.isfinite(value) for value in found.scores.values())
    assert weights.load(found.weights)[1]["normalisation"] == "recording"
    options = {"named": "two"} if name.startswith("vae_gan") else {}
    style = styles.read(tmp_path / "run", options)
    assert style.method == name.split("_gpu")[0].split("_original")[0]
    result = transfer(content(), style)
    assert result.rate == 22050 and result.samples.shape == content().samples.shape
    assert np.isfinite(result.samples).all() and np.abs(result.samples).max() > 1e-4
    again = transfer(content(), styles.read(found.weights, options))  # the file itself, loaded anew
    assert np.array_equal(result.samples, again.samples)


def test_a_report_tells_and_plays_how_it_goes(tmp_path):
    trained("draw", tmp_path, labels=("one",))
    page = (tmp_path / "run" / "report.html").read_text()
    told = ("Its first canvas", "<audio", "Kl, by epoch", "val first")
    assert all(text in page.replace("_", " ") for text in told)


def test_styles_are_kept_by_name(tmp_path):
    found = trained("vae_gan", tmp_path)
    arrays, settings = weights.load(found.weights)
    assert settings["labels"] == ["one", "two"] and arrays["named"].shape == (2, 4)
    one, two = (styles.read(tmp_path / "run", {"named": name}).part("method")["vector"] for name in ("one", "two"))
    assert np.array_equal(two, arrays["named"][1]) and not np.array_equal(one, two)
    with pytest.raises(RestyleError, match="one, two"):
        styles.read(tmp_path / "run")
    with pytest.raises(RestyleError, match="was not taught the style 'three'"):
        styles.read(tmp_path / "run", {"named": "three"})


def test_a_run_that_is_not_finished_is_no_style(tmp_path):
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(RestyleError, match="not finished"):
        styles.read(tmp_path)


def test_other_folders_and_models_are_no_styles(tmp_path):
    with pytest.raises(RestyleError, match="no run of restyle train"):
        styles.read(tmp_path)
    with pytest.raises(RestyleError, match="which is no style"):
        styles.read(weights.bundled("transcriber.safetensors"))


@pytest.mark.parametrize(("bits", "error"), [(16, 1e-3), (8, 6e-3)])
def test_fewer_bits_shrink_the_file_and_are_what_is_scored(tmp_path, bits, error):
    small = trained("draw", tmp_path / "small", f"bits={bits}", labels=("one",))
    whole = trained("draw", tmp_path / "whole", "bits=32", labels=("one",))
    (read, _), (large, _) = weights.load(small.weights), weights.load(whole.weights)
    for name, array in large.items():
        assert np.abs(read[name] - array).max() <= error * np.abs(array).max() + 1e-7, name
    assert small.weights.stat().st_size < (0.65 if bits == 16 else 0.5) * whole.weights.stat().st_size
    assert small.scores["val_loss"] == pytest.approx(whole.scores["val_loss"], rel=2e-2)

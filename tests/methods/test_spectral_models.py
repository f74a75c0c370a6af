"""`draw`, `vae_gan` and `cyclegan` with the weights that come with the package, and small ones of their own."""

import copy

import numpy as np
import pytest
import torch

from restyle.audio import Audio
from restyle.dsp.stft import Stft
from restyle.errors import RestyleError
from restyle.evaluation import content as kept
from restyle.evaluation import style as heard
from restyle.io import weights
from restyle.methods import method, taught
from restyle.methods.cyclegan.model import CycleGan
from restyle.methods.draw.method import DrawMethod
from restyle.methods.fitting import example, fitted, with_fitted
from restyle.methods.repainting import Grid

RATE = 16000


def played(pitches, partials, decay, seconds=4.0):
    """Notes one after the other, as an instrument with such partials plays them."""
    time, sound = np.arange(round(seconds * RATE)) / RATE, 0.0
    for i, pitch in enumerate(pitches):
        since = time - i * seconds / len(pitches)
        f0 = 440 * 2 ** ((pitch - 69) / 12)
        here = (since >= 0) & (since < 0.95 * seconds / len(pitches))
        wave = sum(level * np.sin(2 * np.pi * f0 * k * since) for k, level in enumerate(partials, 1))
        sound = sound + here * wave * np.exp(-decay * np.maximum(since, 0)) * np.minimum(1, since.clip(0) / 0.01)
    return Audio(0.1 * np.asarray(sound), RATE)


ORGAN, PLUCKED = ((1, 0.1, 0.6, 0.05, 0.4), 0.0), ((1, 0.6, 0.4, 0.3, 0.25, 0.2, 0.15), 5.0)
TUNE, OTHER = (60, 64, 67, 72, 71, 67), (62, 69, 65, 74)


@pytest.fixture(scope="module")
def drawn():
    return DrawMethod(fit=8)


def test_which_methods_are_styles_by_themselves():
    assert [name for name in ("notes", "mosaic", "vae_gan", "draw", "cyclegan") if taught(name)] == [
        "vae_gan",
        "draw",
        "cyclegan",
    ]


@pytest.mark.parametrize("start", ["piano", "strings"])
def test_a_drawing_keeps_the_notes_and_takes_the_sound(start):
    used, content = method("draw", start=start), played(TUNE, *ORGAN)
    made = used.apply(content, used.taught())
    assert kept.chroma(made, content) < 0.2
    assert heard.mfcc(made, content) > 0.02
    again = used.apply(played(TUNE, *PLUCKED), used.taught())  # the same notes by another: the same sound
    assert heard.mfcc(made, again) < heard.mfcc(content, played(TUNE, *PLUCKED))


def test_fitting_brings_the_first_canvas_nearer_and_leaves_the_network(drawn):
    clip = played(OTHER, *ORGAN)
    one, network = example(clip, drawn.grid, 176), drawn.network
    before = {name: value.clone() for name, value in network.state_dict().items()}
    found = drawn.fit([clip])
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert not any(value.requires_grad for value in network.parameters())

    def far(changed):
        with torch.no_grad():
            canvas = changed.first(one.pitch[None])
            return float((changed.levels(canvas)[0] - one.levels).abs().mean())

    assert far(with_fitted(network, found)) < 0.9 * far(network)
    assert with_fitted(network, drawn.taught()) is network


def test_several_clips_are_learnt_from_together(drawn):
    found = drawn.fit([played(OTHER, *ORGAN), played(TUNE, *PLUCKED, seconds=1.0)])
    assert set(found) <= set(drawn.network.state_dict()) and found


def test_a_silent_recording_is_no_example():
    grid = Grid(Stft(1024, 256), RATE)
    assert example(Audio(np.zeros((1, RATE)), RATE), grid, 176) is None


def test_what_is_not_to_change_stays(drawn):
    one = example(played(OTHER, *ORGAN), drawn.grid, 176)
    network = copy.deepcopy(drawn.network)
    made = fitted(network, [network.usual], lambda x, _: (network.usual - x.mean()).square().mean(), [one], steps=3)
    assert set(made) == {"usual"} and made["usual"].dtype == np.float16


def test_mistakes_are_told():
    with pytest.raises(RestyleError, match="piano or strings"):
        DrawMethod(start="harp")
    with pytest.raises(RestyleError, match="0 or more"):
        DrawMethod(fit=-1)
    for name in ("draw", "vae_gan", "cyclegan"):
        with pytest.raises(RestyleError, match=f"holds no {name}"):
            method(name, weights=str(weights.bundled("transcriber.safetensors")))


@pytest.fixture
def pair(tmp_path):
    """A CycleGAN that makes dark of bright and back by nothing but a shift of 2 nepers."""
    model = CycleGan(bins=129, width=4, depth=(1,), fixed=0)
    for generator, shift in ((model.there, -1.0), (model.back, 1.0)):
        torch.nn.init.zeros_(generator.tower.out.weight)
        torch.nn.init.constant_(generator.tower.out.bias, shift)
    arrays = {name: value.detach().numpy() for name, value in model.state_dict().items()}
    rising = np.linspace(0, 6, 129)
    arrays["means"] = np.stack([rising, rising[::-1]]).astype(np.float32)
    settings = {"model": model.settings(), "kind": "cyclegan"}
    form = {"kind": "stft", "rate": 8000, "n_fft": 256, "hop": 64}
    weights.save(
        tmp_path / "pair.safetensors", arrays, settings | {"representation": form, "labels": ["bright", "dark"]}
    )
    return tmp_path / "pair.safetensors"


def test_a_direction_by_name_and_by_what_a_style_sounds_like(pair):
    assert method("cyclegan", weights=pair).taught()["to"] == [1]
    assert method("cyclegan", weights=pair, to="bright").taught()["to"] == [0]
    time = np.arange(16000) / 8000
    low = Audio(sum(np.sin(2 * np.pi * f * time) for f in range(60, 800, 40)), 8000)
    high = Audio(sum(np.sin(2 * np.pi * f * time) for f in range(3000, 3900, 40)), 8000)
    used = method("cyclegan", weights=pair)
    assert used.fit([low])["to"] == [1] and used.fit([high])["to"] == [0]
    with pytest.raises(RestyleError, match="does not lead to 'jazz'; choose bright or dark"):
        method("cyclegan", weights=pair, to="jazz")


def test_a_direction_changes_levels_by_what_its_generator_says(pair):
    content = Audio(played(TUNE, *PLUCKED).samples[:, ::2], 8000)
    for to, sign in (("dark", -1), ("bright", 1)):
        used = method("cyclegan", weights=pair, to=to)
        made = used.apply(content, used.taught())
        change = 20 * np.log10(np.sqrt(np.mean(made.samples**2)) / np.sqrt(np.mean(content.samples**2)))
        assert change * sign == pytest.approx(2 * 8.7, abs=2)


def test_a_style_fitted_to_another_network_is_refused():
    from restyle.methods.fitting import with_fitted

    network = torch.nn.Linear(3, 2)
    assert with_fitted(network, {"vector": np.zeros(4)}) is network
    with pytest.raises(RestyleError, match="the style does not hold the weights of this Linear: it has in other"):
        with_fitted(network, {"weight": np.zeros((2, 5), np.float32)})

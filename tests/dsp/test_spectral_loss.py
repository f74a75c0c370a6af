import math

import pytest
import torch

from restyle.dsp.spectral_loss import chroma_distance, chroma_filters, magnitudes, multi_scale_spectral_loss

RATE = 16000


def tone(amplitudes, phases=None, frequency=220.0, seconds=0.5):
    time = torch.arange(round(seconds * RATE), dtype=torch.float64) / RATE
    phases = phases or [0.0] * len(amplitudes)
    parts = [
        a * torch.sin(2 * math.pi * frequency * (k + 1) * time + p)
        for k, (a, p) in enumerate(zip(amplitudes, phases, strict=True))
    ]
    return sum(parts).float()


def test_a_sine_of_amplitude_one_has_magnitude_one():
    found = magnitudes(tone([1.0], frequency=1000)[None], 512)  # 1000 Hz lies on a bin
    assert found[0, :, 8].max() == pytest.approx(1, abs=1e-3)
    assert found[0, :, 8].argmax() == 32


def test_equal_sounds_have_no_distance():
    sound = torch.randn(2, 5000, generator=torch.Generator().manual_seed(0))
    assert multi_scale_spectral_loss(sound, sound).item() == 0


def test_phases_hardly_count():
    fade = torch.hann_window(8000)  # a sudden start holds all frequencies
    one, other = fade * tone([0.3, 0.2, 0.1]), fade * tone([0.3, 0.2, 0.1], [1.0, 2.0, -2.0])
    wrong = fade * tone([0.3, 0.2, 0.2])
    assert (one - other).abs().max() > 0.3
    # windows shorter than a period see the phases, and so does what lies far below the partials
    options = {"sizes": (2048, 1024), "floor": 1e-3}
    assert multi_scale_spectral_loss(other, one, **options) < 0.2 * multi_scale_spectral_loss(wrong, one, **options)


def test_it_grows_with_a_wrong_partial():
    right = tone([0.3, 0.2, 0.1])
    losses = [multi_scale_spectral_loss(tone([0.3, a, 0.1]), right).item() for a in (0.2, 0.22, 0.26, 0.34)]
    assert losses == sorted(losses)
    assert losses[1] > 0.01


def test_levels_count_alike():
    noise = 1e-3 * torch.randn(8000, generator=torch.Generator().manual_seed(0))
    one, other = tone([0.3, 0.2]) + noise, tone([0.3, 0.1]) + noise
    loud, quiet = (multi_scale_spectral_loss(g * one, g * other, floor=1e-7).item() for g in (1.0, 0.1))
    assert quiet == pytest.approx(loud, rel=0.02)


def test_it_is_the_mean_over_a_batch():
    x, y = torch.stack([tone([0.3]), tone([0.1])]), torch.stack([tone([0.2]), tone([0.4])])
    each = [multi_scale_spectral_loss(a, b).item() for a, b in zip(x, y, strict=True)]
    assert multi_scale_spectral_loss(x, y).item() == pytest.approx(sum(each) / 2, rel=1e-5)


def test_the_logarithm_can_be_left_out():
    noise = 1e-3 * torch.randn(4000, generator=torch.Generator().manual_seed(0))
    sound = tone([0.5], seconds=0.25)
    plain = multi_scale_spectral_loss(sound + noise, sound, log_weight=0)
    assert plain < 0.3 < multi_scale_spectral_loss(sound + noise, sound)


@pytest.mark.parametrize(("x", "y"), [(0.0, 0.0), (0.0, 0.5), (0.5, 0.0)])
def test_silence_has_a_finite_gradient(x, y):
    sound = (x * tone([1.0])).requires_grad_()
    loss = multi_scale_spectral_loss(sound, y * tone([1.0]))
    loss.backward()
    assert loss.item() < 14  # two for the magnitudes, and the logarithm of 1e5
    assert torch.isfinite(sound.grad).all()


def test_its_gradient_leads_to_the_right_amplitude():
    right, amplitude = tone([0.3]), torch.tensor(0.1, requires_grad=True)
    optimiser = torch.optim.Adam([amplitude], lr=0.02)
    for _ in range(40):
        optimiser.zero_grad()
        multi_scale_spectral_loss(amplitude * tone([1.0]), right).backward()
        optimiser.step()
    assert amplitude.item() == pytest.approx(0.3, abs=0.03)


def spectrum(pitches, frames=30, rate=44100, size=2048):
    """Magnitudes ``[1, F, L]`` of steady tones."""
    time = torch.arange(size + 512 * (frames - 1)) / rate
    sound = sum(torch.sin(2 * torch.pi * 440 * 2 ** ((p - 69) / 12) * time) for p in pitches)
    frame = sound.unfold(0, size, 512) * torch.hann_window(size)
    return torch.fft.rfft(frame).abs().T[None]


def test_every_pitch_is_in_its_class():
    filters = chroma_filters(1025, 44100)
    for pitch in range(72, 104, 5):  # lower ones lie nearer than bins
        assert (filters @ spectrum([pitch])[0]).sum(1).argmax().item() == pitch % 12
    assert not filters[:, :4].any() and not filters[:, 300:].any()  # below 100 Hz, above 5 kHz


def test_the_distance_of_pitch_classes_knows_notes_and_no_levels_or_octaves():
    filters = chroma_filters(1025, 44100)

    def far(a, b):
        return chroma_distance(spectrum(a), spectrum(b), filters).item()

    assert far([60, 64, 67], [60, 64, 67]) == pytest.approx(0, abs=1e-6)
    assert chroma_distance(spectrum([69]), 0.1 * spectrum([69]), filters).item() == pytest.approx(0, abs=1e-4)
    assert far([81], [93]) < 0.05 < 0.5 < far([81], [87])


def test_silence_and_short_spectra_have_a_distance():
    filters = chroma_filters(1025, 44100)
    x = spectrum([69]).requires_grad_(True)
    chroma_distance(x, torch.zeros_like(x), filters).backward()
    assert x.grad.isfinite().all()
    assert chroma_distance(x[..., :9], x[..., :9], filters).item() == pytest.approx(0, abs=1e-6)

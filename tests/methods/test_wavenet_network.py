import math

import pytest
import torch

from restyle.methods.wavenet.autoregressive import WaveNet, mu_law_decode, mu_law_encode
from restyle.methods.wavenet.excitation import BANDS, DRUMS, FIRST, GROUPS, LAST, Noise, harmonics, sounding, tones
from restyle.methods.wavenet.parallel import ParallelWaveNet
from restyle.methods.wavenet.reference import ReferenceEncoder, TemporalEncoder, roll, tone

RATE, HOP = 16000, 256
NAN = [float("nan")] * 5


def notes(*rows):
    return torch.tensor([[*[[float(x) for x in row] for row in rows], NAN]], dtype=torch.float64)


def drawn(played, frames):
    """Groups of partials over time, [K, T]."""
    waves = harmonics(played, hop=HOP, rate=RATE)
    return torch.zeros(frames, GROUPS, HOP).index_add(0, played.frame, waves).transpose(0, 1).flatten(1)


def small(**settings):
    torch.manual_seed(0)
    return ParallelWaveNet(channels=8, skip=8, dilations=(1, 2, 4), width=32, **settings).eval()


def test_mu_law_is_what_the_recommendation_says():
    x = torch.tensor([0.5])
    expected = (1 + math.log(1 + 255 * 0.5) / math.log(256)) / 2 * 255
    assert mu_law_encode(x).item() == round(expected)


def test_mu_law_there_and_back():
    classes = torch.arange(256)
    assert torch.equal(mu_law_encode(mu_law_decode(classes)), classes)
    x = torch.linspace(-1, 1, 10001)
    error = (mu_law_decode(mu_law_encode(x)) - x).abs()
    assert (error <= 0.023 * x.abs() + 1e-4).all()  # half a step is a fixed part of the sample, but near 0
    assert mu_law_encode(torch.tensor([-7.0, 7.0])).tolist() == [0, 255]


@pytest.mark.parametrize("pitch", [21.0, 60.3, 100.0])
def test_groups_are_the_sums_of_their_partials(pitch):
    onset, frames = 0.013, 40
    made = drawn(sounding(notes((onset, 0.6, pitch, 1, 0)), frames, hop=HOP, rate=RATE), frames)
    time = torch.arange(frames * HOP, dtype=torch.float64) / RATE - onset
    f0 = 440 * 2 ** ((pitch - 69) / 12)
    inside = slice(300, 9000)  # after the attack, before the release
    for k in range(GROUPS):
        partials = [p for p in range(FIRST[k], LAST[k] + 1) if p * f0 < RATE / 2]
        wave = sum((torch.sin(2 * math.pi * p * f0 * time) for p in partials), torch.zeros_like(time))
        expected = wave * math.sqrt(2 / max(1, len(partials)))
        assert (made[k] - expected)[inside].abs().max() < 5e-3  # of up to 11


def test_a_note_keeps_its_phase_wherever_a_block_begins():
    frames, later = 60, 20
    whole = drawn(sounding(notes((0.1, 0.9, 52.5, 1, 0)), frames, hop=HOP, rate=RATE), frames)
    shift = later * HOP / RATE
    part = drawn(sounding(notes((0.1 - shift, 0.9 - shift, 52.5, 1, 0)), frames - later, hop=HOP, rate=RATE), 40)
    assert (whole[:, later * HOP :] - part).abs().max() < 1e-3


def test_nothing_sounds_before_a_note_after_its_release_or_of_drums():
    frames = 80
    made = drawn(sounding(notes((0.2, 0.4, 60, 1, 0), (0.0, 1.0, 36, 1, DRUMS)), frames, hop=HOP, rate=RATE), frames)
    loud = made.abs().amax(0) > 1e-6
    first, last = loud.nonzero()[0].item() / RATE, loud.nonzero()[-1].item() / RATE
    assert first == pytest.approx(0.2, abs=0.001) and last == pytest.approx(0.8, abs=0.001)


def test_bands_of_noise_lie_side_by_side_and_go_round():
    noise = Noise(RATE)
    table = noise(0, 2**16)
    assert torch.allclose(table.square().mean(1), torch.ones(BANDS), atol=1e-4)
    assert (table @ table.T / 2**16 - torch.eye(BANDS)).abs().max() < 1e-3
    assert torch.equal(noise(2**16 - 10, 20), torch.cat([table[:, -10:], table[:, :10]], 1))


def test_a_roll_shows_velocities_and_onsets():
    table = notes((0.033, 0.064, 60, 0.5, 0), (-1.0, 0.016, 21, 0.9, 0), (0.0, 1.0, 40, 1, DRUMS))
    found = roll(table, 6, HOP / RATE)[0]
    held, begun = found[:88], found[88:]
    assert held[60 - 21].tolist() == [0, 0, 0.5, 0.5, 0, 0]
    assert held[0].tolist() == pytest.approx([0.9, 0, 0, 0, 0, 0])
    assert held[40 - 21].sum() == 0
    assert begun[60 - 21, 2] > 0.8 > 0.7 > begun[60 - 21, 3] > 0 and begun[0, 0] < 1e-6


def test_a_reference_is_the_same_at_another_level():
    torch.manual_seed(0)
    encoder = ReferenceEncoder(bins=20, width=16, size=8).eval()
    power = 1 + 100 * torch.rand(1, 20, 50)
    one, louder = (encoder(torch.log1p(g * power)) for g in (1.0, 30.0))
    assert one.shape == (1, 28)
    assert torch.allclose(one, louder, atol=1e-4)


def test_the_tone_of_a_reference_is_in_twenties_of_decibels():
    mel = torch.log1p(torch.tensor([[[100.0], [1.0], [0.0]]]))
    assert tone(mel)[0].tolist() == pytest.approx([0, -1, -4], abs=1e-4)


def test_a_wavenet_sees_nothing_that_is_still_to_come():
    torch.manual_seed(0)
    network = WaveNet(channels=8, skip=8, condition=8, dilations=(1, 2, 4, 8), embedding=0).eval()
    told, classes = torch.randn(1, 8, 2), torch.randint(0, 256, (1, 512))
    changed = classes.clone()
    changed[0, 100] = (changed[0, 100] + 50) % 256
    differ = (network(classes, told) - network(changed, told)).abs().amax(1)[0] > 1e-7
    reached = differ.nonzero()[:, 0]
    assert reached.min() == 101 and reached.max() == 101 + network.stack.reach


def test_notes_reference_and_code_all_tell():
    torch.manual_seed(0)
    network = WaveNet(channels=8, skip=8, condition=8, dilations=(1, 2), code=3).eval()
    reference = network.reference(torch.rand(1, 80, 40))
    table = notes((0.0, 0.1, 60, 0.8, 0)).float()
    plain = network.told(table, reference, 8)
    assert plain.shape == (1, 8, 8)
    code = network.encoder(torch.randn(1, 8 * HOP))
    others = [network.told(table, -reference, 8), network.told(table[:, 1:], reference, 8)]
    others.append(network.told(table, reference, 8, code))
    assert all((plain - other).abs().max() > 1e-4 for other in others)


def test_the_first_layer_hears_the_notes_as_tones():
    heard = tones(notes((0.0, 0.1, 69, 0.8, 0), (0.0, 0.1, 57, 0.4, 0)), 6, hop=HOP, rate=16000)[0]
    spectrum = torch.fft.rfft(heard[0, :1536] * torch.hann_window(1536)).abs() / (1536 / 4) / 2**0.5
    assert spectrum[round(440 * 1536 / 16000)] == pytest.approx(0.8, rel=0.1)  # root mean square 1 at velocity 1
    assert spectrum[round(220 * 1536 / 16000)] == pytest.approx(0.4, rel=0.1)
    network = WaveNet(channels=8, skip=8, condition=8, dilations=(1, 2))
    assert network.tuned(notes((0.0, 0.1, 69, 0.8, 0)), 6).shape == (1, 8, 6 * HOP)
    assert WaveNet(channels=8, skip=8, dilations=(1, 2), embedding=0, code=3).tuned(notes(), 6) is None


def test_a_code_is_the_mean_of_what_lies_in_its_frame():
    encoder = TemporalEncoder(code=4, channels=8, dilations=(1, 2), hop=512)
    sound = torch.randn(2, 2048)
    assert encoder(sound).shape == (2, 4, 4)
    other = sound.clone()
    other[:, 1600:] = 0
    assert torch.equal(encoder(sound)[..., :3], encoder(other)[..., :3])


def test_an_untaught_parallel_wavenet_is_an_additive_synthesiser():
    network = small()
    reference = network.reference(torch.rand(1, 80, 50))
    table = notes((0.1, 0.5, 69, 0.8, 0))
    with torch.no_grad():
        made = network(table, reference, 60)
        assert torch.equal(made, network.shaped(table, reference, 60).sum(1))
    spectrum = torch.fft.rfft(made[0, 2000:10000] * torch.hann_window(8000)).abs()
    peaks = [p * 220 for p in range(1, 19)]  # 440 Hz and its partials, 2 Hz a bin
    near = torch.stack([spectrum[p - 2 : p + 3].square().sum() for p in peaks]).sum()
    assert near > 0.9 * spectrum.square().sum()


def test_a_parallel_wavenet_plays_blocks_as_it_plays_the_whole():
    network = small()
    torch.nn.init.normal_(network.outer.weight)
    reference = network.reference(torch.rand(1, 80, 50))
    table = notes((0.0, 0.5, 50, 0.8, 0), (0.3, 0.9, 62, 0.5, 0))
    with torch.no_grad():
        whole = network(table, reference, 60, start=7)
        shift = torch.tensor([20 * HOP / RATE] * 2 + [0] * 3)
        part = network(table - shift, reference, 40, start=7 + 20 * HOP)
    assert (whole[:, 24 * HOP :] - part[:, 4 * HOP :]).abs().max() < 1e-3 * whole.abs().max()


def test_a_batch_of_sounds_is_each_by_itself():
    network = small()
    reference = network.reference(torch.rand(2, 80, 50))
    both = torch.cat([notes((0.0, 0.2, 50, 0.8, 0)), notes((0.1, 0.3, 71, 0.4, 0))])
    with torch.no_grad():
        made = network(both, reference, 30)
        alone = network(both[1:], reference[1:], 30)
    assert torch.allclose(made[1:], alone, atol=1e-6)


def test_silence_is_played_as_silence():
    network = small()
    reference = network.reference(torch.zeros(1, 80, 50))
    made = network(torch.tensor([[NAN]]), reference, 5)
    assert made.shape == (1, 5 * HOP) and made.abs().max() < 1e-4


@pytest.mark.parametrize("made", [WaveNet, ParallelWaveNet])
def test_settings_build_it_again(made):
    network = made(channels=8, skip=12, dilations=(1, 2))
    again = made(**network.settings())
    again.load_state_dict(network.state_dict())
    assert again.settings() == network.settings()

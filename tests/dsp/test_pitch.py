import librosa
import numpy as np
import pytest
import torch

from restyle.dsp.pitch import hz_to_midi, midi_to_hz

PITCHES = np.array([21.0, 60.5, 69.0, 108.0])


def test_agrees_with_librosa():
    assert np.allclose(midi_to_hz(PITCHES), librosa.midi_to_hz(PITCHES))
    assert np.allclose(hz_to_midi(np.array([27.5, 440.0, 4186.0])), librosa.hz_to_midi([27.5, 440.0, 4186.0]))


def test_numbers_arrays_and_tensors_there_and_back():
    assert hz_to_midi(midi_to_hz(57.25)) == pytest.approx(57.25)
    assert np.allclose(hz_to_midi(midi_to_hz(PITCHES)), PITCHES)
    tensor = torch.tensor(PITCHES, dtype=torch.float32, requires_grad=True)
    assert torch.allclose(hz_to_midi(midi_to_hz(tensor)), tensor, atol=1e-4)
    assert midi_to_hz(tensor).requires_grad and midi_to_hz(tensor).dtype == torch.float32

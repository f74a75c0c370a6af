"""VAE-GAN: content as a code over time, style as one vector, and a decoder conditioned on what is played. Floor 4."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from restyle.dsp.levels import MIDDLE, SPREAD, scaled
from restyle.methods.convnext import Tower


class Normal(NamedTuple):
    """A normal distribution of codes: means and logarithms of the variances, one shape."""

    mean: Tensor
    log_variance: Tensor

    def sample(self, noise: Tensor) -> Tensor:
        """Return codes drawn by standard normal noise of the same shape."""
        return self.mean + noise * (0.5 * self.log_variance).exp()


class VaeGan(nn.Module):
    """Encoder and decoder of a VAE-GAN on spectrograms of any length; `training.discriminator` is its third part.

    The decoder makes a spectrogram of three things: how likely every pitch begins and sounds; a code of the content
    over time, small, so that it tells how the notes are played and not by what; and a style vector, read from the mean
    and deviation over time of what another network sees in the same or another recording. A transfer decodes the
    content's code with the style's vector.

    Args:
        bins: frequency bins F.
        pitches: rows of what is played; with 0 the content's code must tell all.
        width: of the decoder.
        encoder: width of the encoders.
        content: size of the content's code.
        style: size of the style vector.
        step: frames that share a content code.
        dilations: of the decoder's blocks.

    Example:
        >>> model = VaeGan(bins=33, pitches=0, width=16, encoder=16, content=4, style=8, dilations=(1,))
        >>> x = torch.rand(2, 33, 20)
        >>> pitch = torch.rand(2, 0, 20)
        >>> z, style = model.content(x).mean, model.style(x, pitch).mean
        >>> z.shape, style.shape, model.decode(z, style, pitch).shape
        (torch.Size([2, 4, 5]), torch.Size([2, 8]), torch.Size([2, 33, 20]))

    Source: Larsen et al., "Autoencoding beyond pixels using a learned similarity metric", ICML 2016; style by mean and
    deviation over time as in Chou, Yeh, Lee, "One-shot voice conversion by separating speaker and content
    representations with instance normalization", Interspeech 2019.
    """

    def __init__(
        self,
        *,
        bins: int = 513,
        pitches: int = 176,
        width: int = 288,
        encoder: int = 192,
        content: int = 8,
        style: int = 64,
        step: int = 4,
        dilations: Sequence[int] = (1, 2, 4, 8, 1, 2, 4),
    ) -> None:
        super().__init__()
        self._settings: dict[str, object] = {
            "bins": bins,
            "pitches": pitches,
            "width": width,
            "encoder": encoder,
            "content": content,
        }
        self._settings |= {"style": style, "step": step, "dilations": list(dilations)}
        self.bins, self.pitches, self.step = bins, pitches, step
        self.reader = Tower(bins, encoder, 2 * content, dilations=(1, 1, 2))
        self.listener = Tower(bins + pitches, encoder, 0, dilations=(1, 2, 4, 1))
        self.summary = nn.Linear(2 * encoder, 2 * style)
        self.decoder = Tower(pitches + content, width, bins, dilations=dilations, condition=style)
        self.usual = nn.Parameter(torch.full((bins, 1), MIDDLE))

    def settings(self) -> dict[str, object]:
        """Return the constructor's arguments, as stored beside weights."""
        return dict(self._settings)

    def content(self, x: Tensor) -> Normal:
        """Encode levels ``[B, F, L]``: codes ``[B, content, ceil(L / step)]``, whatever the level of a frame's bins."""
        read = self.reader(scaled(x))
        missing = -read.shape[-1] % self.step
        read = nn.functional.avg_pool1d(nn.functional.pad(read, (0, missing), mode="replicate"), self.step)
        mean, log_variance = read.chunk(2, 1)
        return Normal(mean, log_variance.clamp(-8, 4))

    def style(self, x: Tensor, pitch: Tensor) -> Normal:
        """Encode levels ``[B, F, L]`` and what is played ``[B, pitches, L]``: style vectors ``[B, style]``."""
        return self.styled(self.impression(x, pitch))

    def impression(self, x: Tensor, pitch: Tensor) -> Tensor:
        """Return mean and deviation over time of what is seen in levels, ``[B, 2 * encoder]``; they can be averaged."""
        return moments(self.listener(torch.cat([scaled(x), pitch], dim=1)))

    def styled(self, impression: Tensor) -> Normal:
        """Encode impressions of one stretch, or the mean of several: style vectors ``[B, style]``."""
        mean, log_variance = self.summary(impression).chunk(2, 1)
        return Normal(mean, log_variance.clamp(-8, 4))

    def decode(self, z: Tensor, style: Tensor, pitch: Tensor) -> Tensor:
        """Return levels ``[B, F, L]``, not negative.

        Args:
            z: codes of the content ``[B, content, ceil(L / step)]``.
            style: vectors ``[B, style]``.
            pitch: what is played ``[B, pitches, L]``.
        """
        along = z.repeat_interleave(self.step, -1)[..., : pitch.shape[-1]]
        result = self.decoder(torch.cat([pitch, along], dim=1), style)
        return nn.functional.softplus(self.usual + SPREAD * result)


def moments(seen: Tensor) -> Tensor:
    """Return mean and deviation over time of channels ``[B, C, L]``: ``[B, 2 C]``."""
    deviation = (seen.var(-1, unbiased=False) + 1e-5).sqrt()
    return torch.cat([seen.mean(-1), deviation], dim=1)

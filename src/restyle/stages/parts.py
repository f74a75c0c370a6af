"""Parts: a mix taken apart, each part in the style of its counterpart, and mixed at the style's balance. Floor 4.

Where stems are known, the parts are these: vocals, drums, bass and other. Else the voice is what the separator finds,
drums are what strikes in the rest, and other is what rings: with the stems of the network in the package results are
further from style and content than with that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.ndimage import maximum_filter1d

from restyle.analysis.facts import Analysis
from restyle.analysis.separation import separate
from restyle.analysis.separator.infer import STEMS
from restyle.audio import Audio
from restyle.data.stems import UNEQUAL, aligned
from restyle.dsp import blocks
from restyle.dsp.blocks import Progress
from restyle.dsp.follow import rms
from restyle.dsp.loudness import loudness
from restyle.errors import RestyleError, record_fact, warn
from restyle.notes import Notes
from restyle.stages import patterns, tone

VOCALS, DRUMS, BASS, OTHER = STEMS
PLAYED = (DRUMS, BASS, OTHER)  # in the order in which they are made
VOICES = ("keep", "tone", "play", "drop")
ABSENT = -22.0  # dB of the whole: a stem that is softer is none of its own, and joins the rest
UNSTRUCK = -20.0  # dB of what rings: what strikes in a style is softer where nothing does
SOFTER, LOUDER = 10.0, 15.0  # dB by which a part's level may change: none is to vanish, and no noise to become drums
NOTHING = 1e-7  # root mean square of silence
SILENT = -140.0  # LUFS of silence
AUDIBLE = 1e-4  # peak of a part that can be learnt from
FRAME = 0.02  # seconds in which a content's level is measured
SOFT, MOST_SOFTER = 30.0, 40.0  # dB below its loudest moment from where on what strikes is made softer; by how much
MISSING = -200.0  # dB of a part that a style has not

Profile = dict[str, np.ndarray]


class Player(Protocol):
    """What plays a part: a method (see `methods.base.Method`)."""

    def fit(self, style: Sequence[Audio]) -> Profile:
        """Learn from the style's parts."""
        ...

    def apply(
        self, content: Audio | Notes, profile: Profile, *, strength: float, seed: int, progress: Progress | None
    ) -> Audio:
        """Play the content's part."""
        ...


@dataclass(frozen=True, eq=False)
class Parts:
    """What a recording was taken apart to; all add up to it.

    Args:
        sounds: name of `STEMS` -> sound; those that do not sound are missing.
        struck: whether its drums are drums, and not what strikes in the rest.
    """

    sounds: dict[str, Audio]
    struck: bool

    def level(self, name: str) -> float:
        """Return a part's loudness in LUFS."""
        return loudness_of(self.sounds[name])


def take_apart(audio: Audio, stems: Mapping[str, Audio] | None = None, *, voice: bool = True) -> Parts:
    """Take a recording apart.

    Args:
        audio: the recording.
        stems: its stems, where they are known; soft ones join the rest.
        voice: whether a voice is a part of its own where they are not.
    """
    if not stems:
        return _by_sound(audio, voice)
    found = dict(stems)
    whole = max(rms(audio), NOTHING)
    soft = [name for name in STEMS if name not in found or rms(found[name]) < whole * 10 ** (ABSENT / 20)]
    rest = [found.pop(name) for name in soft if name in found]
    found[OTHER] = mix([*([found[OTHER]] if OTHER in found else []), *rest], audio)
    struck = DRUMS in found
    if not struck:
        split = separate(found[OTHER])
        found |= {OTHER: split.harmonic, DRUMS: split.percussive}
    return Parts({name: found[name] for name in STEMS if name in found}, struck)


def _by_sound(audio: Audio, voice: bool) -> Parts:
    """The voice by the separator, and what strikes and what rings in the rest."""
    sung, rest = {}, audio
    if voice and is_mix(audio) and Analysis.of(audio).stem_facts.has_voice:  # alone it is what is to change
        stems = dict(Analysis.of(audio).stems)
        sung, rest = {VOCALS: stems.pop(VOCALS)}, mix(list(stems.values()), audio)
    split = separate(rest)
    return Parts(sung | {DRUMS: split.percussive, OTHER: split.harmonic}, is_mix(audio))


def check_stems(stems: Mapping[str, Audio], audio: Audio, where: str) -> dict[str, Audio]:
    """Bring stems that were given to the form of the recording that they are of.

    Raises:
        RestyleError: if a name is no stem's, or all are silent.
    """
    unknown = sorted(set(stems) - set(STEMS))
    if unknown or not stems:
        raise RestyleError(f"{where}: the stems must be of {', '.join(STEMS)}, not {', '.join(unknown) or 'none'}")
    if not any(rms(stem) > NOTHING for stem in stems.values()):
        raise RestyleError(f"{where}: all stems are silent; give others, or leave them out")
    longest = max(stem.duration for stem in stems.values())
    if abs(longest - audio.duration) > UNEQUAL:
        warn(f"{where} has {audio.duration:.2f} s, its stems {longest:.2f} s")
    return like(stems, audio)


def like(sounds: Mapping[str, Audio], audio: Audio) -> dict[str, Audio]:
    """Return sounds at the rate and of the channels and length of another."""
    return aligned(sounds, audio.rate, channels=audio.channels, length=audio.length)


def fit(
    style: Sequence[Audio],
    player: Player,
    drums: Player,
    *,
    stems: Mapping[str, Audio] | None = None,
) -> Profile:
    """Learn every part of a style.

    Args:
        style: one clip or several; each is taken apart.
        player: learns bass and other.
        drums: learns the drums.
        stems: of the (one) clip, where they are known.

    Returns:
        ``PART/...`` as the players learn it, and ``levels``, the loudness of drums, bass and other in dB relative to
        all three; -200 for those that the style has not.
    """
    apart = [_with_voice(take_apart(clip, stems, voice=False)) for clip in style]
    profile: Profile = {}
    levels = np.full(len(PLAYED), MISSING, np.float32)
    total = _power(apart, PLAYED, loudness_of)
    for i, name in enumerate(PLAYED):
        sounds = [parts.sounds[name] for parts in apart if name in parts.sounds and _sounds(parts.sounds[name])]
        if not sounds:
            continue
        levels[i] = 10 * np.log10(_power(apart, (name,), loudness_of) / total)
        if name == DRUMS:
            softest = _power(apart, PLAYED, _level) * 10 ** (UNSTRUCK / 10)
            unstruck = not stems and _power(apart, (name,), _level) < softest
            learnt = _struck(drums, list(style) if unstruck else sounds, bool(stems) or has_drums(style))
        else:
            learnt = _played(player, sounds)
        profile |= {f"{name}/{key}": array for key, array in learnt.items()}
    voices = [voice for clip in style if (voice := _voice(clip, stems))]
    if voices:
        profile |= {f"voice/{key}": array for key, array in tone.fit(voices).items()}
    struck = [
        parts.sounds.get(DRUMS) if stems or has_drums([clip]) else None
        for clip, parts in zip(style, apart, strict=True)
    ]
    profile |= {f"pattern/{key}": array for key, array in patterns.fit(style, struck).items()}
    mixed = bool(stems) or any(is_mix(clip) for clip in style)
    return profile | {"levels": levels, "mixed": np.array([mixed])}


def has_drums(recordings: Sequence[Audio]) -> bool:
    """Return whether any of some recordings has drums for sure."""
    return any(Analysis.of(audio).stem_facts.has_hits for audio in recordings)


def _played(player: Player, sounds: Sequence[Audio]) -> Profile:
    return dict(getattr(player, "fit_part", player.fit)(sounds))


def _struck(player: Player, sounds: Sequence[Audio], drums: bool) -> Profile:
    """What is learnt of drums, or of what strikes in a recording that has none."""
    return dict(player.fit(sounds) if drums else getattr(player, "fit_attacks", player.fit)(sounds))


def _sounds(part: Audio) -> bool:
    return any(float(np.abs(piece).max(initial=0)) > AUDIBLE for piece in blocks.views(part))


def _with_voice(parts: Parts) -> Parts:
    """The voice of a style joins its other instruments: it is a part of how it sounds."""
    sounds = dict(parts.sounds)
    if VOCALS in sounds:
        sounds[OTHER] = mix([sounds[OTHER], sounds.pop(VOCALS)], sounds[OTHER])
    return Parts(sounds, parts.struck)


def _voice(clip: Audio, stems: Mapping[str, Audio] | None) -> Audio | None:
    """The voice of a style; what sings belongs to its sound all the same."""
    if stems:
        return stems.get(VOCALS)
    return Analysis.of(clip).stems[VOCALS] if Analysis.of(clip).stem_facts.has_voice else None


def replaced(profile: Profile, name: str, style: Audio, player: Player) -> Profile:
    """Return a profile in which a part was learnt of another recording: of its part of that name, or of all of it.

    Raises:
        RestyleError: if there is no such part, or the recording is silent.
    """
    if name not in PLAYED:
        raise RestyleError(f"a part must be one of {', '.join(PLAYED)}, not '{name}'")
    apart = take_apart(style)
    own = apart.sounds[name] if name in apart.sounds and (name != DRUMS or apart.struck) else style
    learnt = _struck(player, [own], True) if name == DRUMS else _played(player, [own])
    kept = {key: array for key, array in profile.items() if not key.startswith((f"{name}/", f"pattern/{name}"))}
    pattern = patterns.fit([style], [own if name == DRUMS else None])
    kept |= {f"pattern/{key}": array for key, array in pattern.items() if key.startswith(name)}
    return kept | {f"{name}/{key}": array for key, array in learnt.items()}


def voice_of(content: Parts, how: str, profile: Profile) -> tuple[Parts, Audio | None]:
    """Return the parts that are played, and the voice beside them; None where there is none.

    Args:
        content: its parts.
        how: one of `VOICES`.
        profile: of the style.
    """
    if VOCALS not in content.sounds:
        return content, None
    voice = content.sounds[VOCALS]
    sounds = {name: sound for name, sound in content.sounds.items() if name != VOCALS}
    if how == "play":
        sounds[OTHER] = mix([sounds[OTHER], voice])
    own = under("voice/", profile)
    if how == "tone" and not own:
        warn("the style has no voice, so that of the content keeps its own tone")
    elif how == "tone":
        voice = tone.apply(voice, own)
    record_fact("vocals", how)
    return Parts(sounds, content.struck), None if how in ("play", "drop") else voice


def beside(voice: Audio, band: Audio, before: Audio) -> Audio:
    """Return a voice as loud beside a band as it was beside the band before."""
    return scaled(voice, rms(band) / max(rms(before), NOTHING))


def levelled(made: Mapping[str, Audio], whole: Audio, band: Audio) -> tuple[dict[str, Audio], Audio]:
    """Return parts, and the whole that they are, at the level that the band alone has."""
    gain = rms(band) / max(rms(whole), NOTHING)
    return {name: scaled(sound, gain) for name, sound in made.items()}, scaled(whole, gain)


def is_mix(audio: Audio) -> bool:
    """Return whether a recording is one of several parts, of which drums are the surest sign."""
    return Analysis.of(audio).is_mix


def _power(apart: Sequence[Parts], names: Sequence[str], level: Callable[[Audio], float]) -> float:
    """Mean over several recordings of the power that some parts have together, by a level in dB."""
    return float(np.mean([sum(10 ** (level(p.sounds[n]) / 10) for n in names if n in p.sounds) for p in apart]))


def loudness_of(sound: Audio) -> float:
    """Return the loudness of a part in LUFS, -140 for silence."""
    return max(loudness(sound), SILENT)


def _level(sound: Audio) -> float:
    """Root mean square in dB of full scale."""
    return 20 * float(np.log10(max(rms(sound), NOTHING)))


def apply(
    content: Parts,
    profile: Profile,
    player: Player,
    drums: Player,
    *,
    strengths: Mapping[str, float],
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, Audio]:
    """Play every part of a content in the style of its counterpart, at the style's balance.

    Args:
        content: its parts; vocals are left as they are.
        profile: what :func:`fit` learnt; a part that it has not is played by its other instruments.
        player: plays bass and other.
        drums: plays the drums.
        strengths: part -> 0 (as it is) to 1 (all of the style).
        seed: the same seed gives the same samples.
        progress: called with the fraction done.

    Returns:
        The parts, by name.
    """
    names = [name for name in PLAYED if name in content.sounds]
    made: dict[str, Audio] = {}
    used = {}
    for i, name in enumerate(names):
        counterpart = _counterpart(name, profile)
        strength = strengths.get(name, 1.0)
        if counterpart is None or strength == 0:
            made[name] = content.sounds[name]
            continue
        own = under(f"{counterpart}/", profile)
        plays = drums if name == DRUMS else player
        source = _expanded(content) if name == DRUMS and not content.struck else content.sounds[name]
        made[name] = plays.apply(source, own, strength=strength, seed=seed, progress=_stretch(progress, i, len(names)))
        used[name] = counterpart
    gains = _gains(content, made, profile, strengths)
    for name, gain in gains.items():
        if gain != 0:
            made[name] = scaled(made[name], 10 ** (gain / 20))
    record_fact(
        "parts",
        {
            "content": {name: round(content.level(name), 1) for name in content.sounds},
            "style": used,
            "gains": {name: round(gain, 1) for name, gain in gains.items()},
        },
    )
    return {name: made[name] for name in names}


def _expanded(content: Parts) -> Audio:
    """What strikes in a content without drums, softer still where all of it is soft: there it is noise."""
    struck = content.sounds[DRUMS]
    hop = round(FRAME * struck.rate)
    power = sum(_frame_powers(sound, hop) for sound in content.sounds.values())
    level = 10 * np.log10(np.maximum(power, NOTHING**2))
    gain = np.clip(maximum_filter1d(level, 5) - level.max() + SOFT, -MOST_SOFTER, 0)
    result = blocks.empty(struck.channels, struck.length)
    for span in blocks.spans(struck.length, 20 * struck.rate, 0):
        here = slice(span.start, span.stop)
        factor = 10 ** (np.interp(np.arange(span.start, span.stop) / hop - 0.5, np.arange(len(gain)), gain) / 20)
        result[:, here] = factor.astype(np.float32) * struck.samples[:, here]
        blocks.release(result)
    return Audio(result, struck.rate)


def _frame_powers(sound: Audio, hop: int) -> np.ndarray:
    """Mean squares of frames of ``hop`` samples; the last may be shorter."""
    found = []
    for span in blocks.spans(sound.length, 1000 * hop, 0):
        square = np.square(sound.samples[:, span.start : span.stop], dtype=np.float64).mean(0)
        found.append(np.add.reduceat(square, np.arange(0, len(square), hop)) / hop)
        blocks.release(sound.samples)
    return np.concatenate(found)


def under(prefix: str, profile: Profile) -> Profile:
    """Return what a profile holds under a prefix, by the rest of the names."""
    return {key.removeprefix(prefix): array for key, array in profile.items() if key.startswith(prefix)}


def _counterpart(name: str, profile: Profile) -> str | None:
    """The part of a style that plays a part of a content: its own, or the nearest; drums only by drums."""
    order = {DRUMS: (DRUMS,), BASS: (BASS, OTHER), OTHER: (OTHER, BASS)}[name]
    return next((part for part in order if any(key.startswith(f"{part}/") for key in profile)), None)


def _gains(
    content: Parts, made: Mapping[str, Audio], profile: Profile, strengths: Mapping[str, float]
) -> dict[str, float]:
    """By how many dB parts are changed: drums to the style's balance, near the content's, and all to its level.

    Bass and other keep the balance that they have: what is played at which level is harmony, and the content's.
    """
    level = {name: content.level(name) for name in made}
    asked = dict(level)
    style = balance(dict(zip(PLAYED, profile["levels"].tolist(), strict=True)))
    if DRUMS in made and style is not None and len(made) > 1:
        change = float(np.clip(style - (balance(level) or 0.0), -SOFTER, LOUDER))
        asked[DRUMS] += strengths.get(DRUMS, 1.0) * change
    total, wanted = (10 * np.log10(sum(10 ** (x / 10) for x in one.values())) for one in (level, asked))
    now = {name: loudness_of(sound) for name, sound in made.items()}
    changed = [name for name in made if strengths.get(name, 1.0) > 0]
    return {name: float(np.clip(asked[name] + total - wanted - now[name], -60, 60)) for name in changed}


def balance(levels: Mapping[str, float]) -> float | None:
    """Return by how many dB drums are louder than all else; None where one of the two is missing."""
    rest = [10 ** (levels[name] / 10) for name in (BASS, OTHER) if levels.get(name, MISSING) > MISSING]
    if levels.get(DRUMS, MISSING) <= MISSING or not rest:
        return None
    return levels[DRUMS] - 10 * float(np.log10(sum(rest)))


def mix(parts: Sequence[Audio], like: Audio | None = None) -> Audio:
    """Return the sum of parts of one rate and form; ``like`` says which where there may be none."""
    like = like or parts[0]
    total = blocks.empty(like.channels, like.length)
    for part in parts:
        for span in blocks.spans(like.length, 20 * like.rate, 0):
            total[:, span.start : span.stop] += part.samples[:, span.start : span.stop]
            blocks.release(part.samples)
            blocks.release(total)
    return Audio(total, like.rate)


def scaled(sound: Audio, gain: float) -> Audio:
    """Return a sound times a factor."""
    result = blocks.empty(sound.channels, sound.length)
    for span in blocks.spans(sound.length, 20 * sound.rate, 0):
        here = slice(span.start, span.stop)
        result[:, here] = np.float32(gain) * sound.samples[:, here]
        blocks.release(result)
        blocks.release(sound.samples)
    return Audio(result, sound.rate)


def _stretch(progress: Progress | None, i: int, count: int) -> Progress | None:
    return None if progress is None else lambda done: progress((i + done) / count)

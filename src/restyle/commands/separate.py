"""``restyle separate``: a recording to its stems. Floor 6."""

from __future__ import annotations

from pathlib import Path

from restyle.commands.shared import outputs
from restyle.commands.shared.inputs import check_input, read_sound
from restyle.dsp.blocks import Progress
from restyle.dsp.checks import is_silent
from restyle.dsp.loudness import loudness
from restyle.errors import warn
from restyle.io.sound import check_output, write


def run(
    path: Path,
    out: Path,
    *,
    weights: str | None = None,
    model: str = "restyle",
    form: str = "wav",
    bits: str = "16",
    overwrite: bool = False,
    progress: Progress | None = None,
) -> dict[str, float]:
    """Write the stems of a recording to a folder: vocals, drums, bass and other, which add up to it.

    Args:
        path: the recording.
        out: the folder, made if missing; its files are named after the stems.
        weights: of the separator: a name of ``restyle models``, a path, or ``hf:org/name``; the package's by default.
        model: ``restyle``, or ``demucs``: that package's model, which it downloads.
        form: extension of the files: ``wav``, ``flac``, ``ogg``, ``opus`` or ``mp3``.
        bits: sample format of a wav or flac: ``16``, ``24`` or ``32f``.
        overwrite: whether files that are there may be replaced.
        progress: called with the fraction done, 0..1.

    Returns:
        Stem -> its loudness in LUFS; -inf where it is silent.

    Raises:
        RestyleError: if the input cannot be used, an output cannot be written or exists, or there is no such model.
    """
    from restyle.analysis.separator import demucs, infer

    check_input(path)
    with outputs.folder(out):
        targets = {name: out / f"{name}.{form.lstrip('.')}" for name in infer.STEMS}
        for target in targets.values():
            check_output(target, bits)
            outputs.check_not_input(target, [path])
        outputs.check_free(list(targets.values()), overwrite=overwrite)
        separate = demucs.separate_stems if infer.check_model(model) == "demucs" else infer.separate_stems
        audio = read_sound(path)
        if is_silent(audio):
            warn(f"{path} is silent, and so are its stems")
        stems = separate(audio, weights=weights, progress=progress)
        with outputs.together(list(targets.values())) as beside:
            for place, stem in zip(beside, stems.values(), strict=True):
                write(place, stem, bits=bits)
    return {name: loudness(stem) for name, stem in stems.items()}

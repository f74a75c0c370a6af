"""``restyle classify``: which genre is it? Floor 6."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from restyle.commands.shared import outputs
from restyle.commands.shared.inputs import check_input, read_sound
from restyle.commands.shared.scores import score_of
from restyle.errors import RestyleError, warn
from restyle.io.midi import MIDI_READ

if TYPE_CHECKING:
    from restyle.analysis.genre.accuracy import Accuracy
    from restyle.analysis.genre.infer import Genres

Report = Callable[[Path, "Genres"], None]


@dataclass(frozen=True)
class Recording:
    """A recording or MIDI file, its name in tables and pictures, and its genre where that is known."""

    path: Path
    name: str
    label: str = ""


@dataclass(frozen=True, eq=False)
class Classified:
    """What was found out.

    Args:
        files: for each file ``{"file", "genre", "probabilities": {label: mean}, "times": [s], "over_time": {label:
            [..]}}``, the most probable genre first, with "label" and "picture" where there are.
        accuracy: of the files whose genre is known and one that the classifier was trained on; None without such.
        pictures: what was drawn.
    """

    files: list[dict[str, Any]]
    accuracy: Accuracy | None
    pictures: list[Path]

    def plain(self) -> dict[str, Any]:
        """Return all of it as plain values for JSON."""
        found = self.accuracy
        if found is None:
            return {"files": self.files}
        shares = {"chunk_accuracy": list(found.chunk), "track_accuracy": list(found.track)}
        return {"files": self.files, **shares, "confusion": found.confusion.tolist()}


def run(
    files: Sequence[Path],
    *,
    weights: str | Path | None = None,
    pictures: Path | None = None,
    overwrite: bool = False,
    progress: Callable[[float], None] | None = None,
    report: Report | None = None,
) -> Classified:
    """Tell the genres of recordings, by their sound, or of MIDI files, by their notes.

    Args:
        files: all recordings or all MIDI files, or folders whose sub-folders are named after genres.
        weights: of the classifier: a name, a path, a run's folder, or ``hf:org/name``; by default those that come with
            the package.
        pictures: a folder that gets ``NAME.png`` with the probabilities over time of each, and confusion.png where
            genres are known; made if missing.
        overwrite: whether pictures that are there may be replaced.
        progress: called with the fraction done, 0..1.
        report: called with each file as it is done.

    Raises:
        RestyleError: if a file cannot be used, there are recordings and MIDI files, two pictures would have one name,
            one exists already, or the weights hold no such classifier. Files of folders that cannot be used are passed
            over with a warning.
    """
    recordings = [recording for path in files for recording in _recordings(path)]
    if not recordings:
        raise RestyleError("there is nothing to classify; give a recording")
    if pictures:
        import restyle.pages.plot  # noqa: F401 (what it lacks is said before the work)

        names = [recording.name for recording in recordings]
        _check(names)
        outputs.check_free([pictures / f"{name}.png" for name in (*names, "confusion")], overwrite=overwrite)
    classified, labels = _classifier(recordings, weights)  # before any sound is read
    rows, known, drawn = [], [], []
    with outputs.folder(pictures):
        for i, recording in enumerate(recordings):
            try:
                found = classified(recording.path, _part(progress, i, len(recordings)))
            except RestyleError as error:
                if recording.path in files:
                    raise
                warn(str(error))
                continue
            row = _row(recording, found)
            if pictures:
                drawn.append(pictures / f"{recording.name}.png")
                _draw(found, recording.path.name, drawn[-1])
                row["picture"] = str(drawn[-1])
            rows.append(row)
            if recording.label in labels:
                known.append((labels.index(recording.label), found.probabilities))
            if report:
                report(recording.path, found)
        accuracy = _accuracy(known)
        if accuracy and pictures:
            drawn.append(pictures / "confusion.png")
            _draw_confusion(accuracy, labels, drawn[-1])
    return Classified(rows, accuracy, drawn)


def summary(found: Genres) -> str:
    """Return the three most probable genres in one line.

    Example:
        >>> from restyle.analysis.genre.infer import Genres
        >>> summary(Genres(("jazz", "rock"), np.array([[0.9, 0.1]]), np.array([2.5])))
        'jazz 90 %, rock 10 %'
    """
    order = (-found.mean).argsort(kind="stable")[:3]
    return ", ".join(f"{found.labels[i]} {100 * found.mean[i]:.0f} %" for i in order)


def _classifier(
    recordings: Sequence[Recording], weights: str | Path | None
) -> tuple[Callable[[Path, Callable[[float], None] | None], Genres], tuple[str, ...]]:
    """What classifies a file, and the names of its classes."""
    from restyle.analysis.genre import infer as by_sound
    from restyle.analysis.symbolic_genre import infer as by_notes

    written = {recording.path.suffix.lower() in MIDI_READ for recording in recordings}
    if len(written) > 1:
        raise RestyleError("recordings and MIDI files have a classifier each; give either the ones or the others")
    if written.pop():
        return lambda path, _: by_notes.classify(score_of(path), weights=weights), by_notes.load(weights).labels
    return lambda path, progress: by_sound.classify(
        read_sound(path), weights=weights, progress=progress
    ), by_sound.load(weights).labels


def _recordings(path: Path) -> list[Recording]:
    if not path.is_dir():
        check_input(path)
        return [Recording(path, path.stem)]
    from restyle.data.folder import Folder

    paths = _scores(path) or [item.path for item in Folder(path).items]
    inside = [found.relative_to(path) for found in paths]
    names = [name.with_suffix("").as_posix().replace("/", "-") for name in inside]
    labels = [name.parts[0] if len(name.parts) > 1 else "" for name in inside]
    return [Recording(*known) for known in zip(paths, names, labels, strict=True)]


def _scores(folder: Path) -> list[Path]:
    """The MIDI files of a folder without sounds; beside sounds they are those' notes."""
    from restyle.data.triplets import SOUNDS

    found = sorted(path for path in folder.rglob("*") if not any(x[0] == "." for x in path.relative_to(folder).parts))
    sounds = any(path.suffix.lower() in SOUNDS for path in found)
    return [] if sounds else [path for path in found if path.suffix.lower() in MIDI_READ]


def _check(names: list[str]) -> None:
    twice = [name for name in names if names.count(name) > 1 or name == "confusion"]
    if twice:
        raise RestyleError(f"two pictures would have the name {twice[0]}.png; rename one, or draw into two folders")


def _part(progress: Callable[[float], None] | None, i: int, count: int) -> Callable[[float], None] | None:
    return (lambda fraction: progress((i + fraction) / count)) if progress else None


def _accuracy(known: list[tuple[int, np.ndarray]]) -> Accuracy | None:
    if not known:
        return None
    from restyle.analysis.genre.accuracy import evaluate

    truth = np.concatenate([np.full(len(rows), label) for label, rows in known])
    tracks = np.concatenate([np.full(len(rows), i) for i, (_, rows) in enumerate(known)])
    return evaluate(np.concatenate([rows for _, rows in known]), truth, tracks)


def _draw(found: Genres, title: str, picture: Path) -> None:
    from restyle.io.atomic import writing
    from restyle.pages.plot import save
    from restyle.pages.plot_genres import probabilities

    with writing(picture) as beside:
        save(probabilities(found.labels, found.probabilities, found.times, title), beside)


def _draw_confusion(accuracy: Accuracy, labels: Sequence[str], picture: Path) -> None:
    from restyle.io.atomic import writing
    from restyle.pages.plot import save
    from restyle.pages.plot_genres import confusion

    with writing(picture) as beside:
        save(confusion(labels, accuracy.confusion, f"{accuracy.tracks} tracks: {accuracy.track} right"), beside)


def _row(recording: Recording, found: Genres) -> dict[str, Any]:
    order = (-found.mean).argsort(kind="stable")
    row: dict[str, Any] = {
        "file": str(recording.path),
        "genre": found.best,
        "probabilities": {found.labels[i]: round(float(found.mean[i]), 4) for i in order},
        "times": [round(float(time), 3) for time in found.times],
        "over_time": {found.labels[i]: [round(float(p), 4) for p in found.probabilities[:, i]] for i in order},
    }
    return row | ({"label": recording.label} if recording.label else {})

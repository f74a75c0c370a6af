"""restyle: a recording and a style in, the recording in that style out.

Three lines do it::

    content, style = restyle.read("song.wav"), restyle.read("style.wav")
    restyle.write("out.wav", restyle.transfer(content, style))

The public names, by subject (those of the first list can be had from here):

- here: `read`, `write` (sound files), `read_midi`, `write_midi`; `transfer`, `learn`, `genre`, `trained`; `transcribe`,
  `evaluate`; the values `Audio`, `Notes`, `Style`, `Result`; `RestyleError` is the one exception for what a user can
  get wrong
- the way of a piece: `restyle.pipeline` (`transfer`, `Settings`), `restyle.style`, `restyle.analysis.facts`
- files: `restyle.io.sound` (`read`, `write`, `info`), `restyle.io.midi`, `restyle.io.weights`
- representations, each with its inverse where there is one: `restyle.dsp.stft`, `phase`, `mel`, `mfcc`,
  `cqt`, `pianoroll`; long sounds in blocks: `restyle.dsp.blocks`
- analysis: `restyle.analysis.transcriber.infer` (`transcribe`), `beats` (`tempo`, `beats`), `tuning`, `partials`,
  `separation`, `multipitch`, `genre.infer`, `timbre.infer`; loudness: `restyle.dsp.loudness`
- methods: `restyle.methods` (`METHODS`, `method`); around a method: `restyle.stages.tempo`, `restyle.stages.tone`
- evaluation: `restyle.evaluation` (`evaluate`, `METRICS`) and its modules `content`, `style`, `rhythm`, `quality`;
  `restyle.comparison` (`table`, `statistics`); its pages: `restyle.pages.report`, `restyle.pages.listening`
- commands, the verbs of the command line: `restyle.commands.transfer`, `learn`, `batch`, `transcribe`, `info`, `demo`,
  `evaluate`, `compare`, `benchmark`, `listen`, `data`, `dataset`, `train`, `models`, `classify`
- data sets: `restyle.data`, one module each; training: `restyle.training`
- pictures: `restyle.pages.plot`; playing notes with a SoundFont: `restyle.data.rendering`
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from restyle import caches, moved

if TYPE_CHECKING:
    from restyle.analysis.transcriber.infer import transcribe as transcribe
    from restyle.audio import Audio as Audio
    from restyle.errors import RestyleError as RestyleError
    from restyle.evaluation import evaluate as evaluate
    from restyle.io.midi import read_midi as read_midi
    from restyle.io.midi import write_midi as write_midi
    from restyle.io.sound import read as read
    from restyle.io.sound import write as write
    from restyle.notes import Notes as Notes
    from restyle.pipeline import Result as Result
    from restyle.pipeline import transfer as transfer
    from restyle.style import Style as Style
    from restyle.style import genre as genre
    from restyle.style import learn as learn
    from restyle.style import trained as trained

# threads of OpenMP that wait for work must not spin: beside another busy process they would steal its core, and theirs
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

caches.prepare()
sys.meta_path.append(moved.Finder)

__version__ = "0.1.0"

_PUBLIC = {
    "Audio": "restyle.audio",
    "Notes": "restyle.notes",
    "RestyleError": "restyle.errors",
    "Result": "restyle.pipeline",
    "Style": "restyle.style",
    "evaluate": "restyle.evaluation",
    "genre": "restyle.style",
    "learn": "restyle.style",
    "read": "restyle.io.sound",
    "read_midi": "restyle.io.midi",
    "trained": "restyle.style",
    "transcribe": "restyle.analysis.transcriber.infer",
    "transfer": "restyle.pipeline",
    "write": "restyle.io.sound",
    "write_midi": "restyle.io.midi",
}

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for: ``import restyle`` itself loads nothing."""
    if name not in _PUBLIC:
        raise AttributeError(f"module 'restyle' has no attribute '{name}'")
    return getattr(import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])

"""What methods that play notes have in common. Floor 4."""

from __future__ import annotations

import logging

from restyle.analysis.facts import Transcribed
from restyle.audio import Audio
from restyle.dsp import blocks
from restyle.errors import record_fact

log = logging.getLogger("restyle")

SOFTER = 9.0  # dB by which notes stand back where they cannot be relied on, and the content itself is kept


def reliance(found: Transcribed, fallback: bool) -> float:
    """Return how far the content itself is kept beside its notes, 0..1, and put it into the record.

    Args:
        found: the content's notes.
        fallback: whether the content may stand in where its notes cannot be relied on.
    """
    doubt, kept = found.doubt, found.doubt if fallback else 0.0
    record_fact("notes", {"found": len(found.notes), "doubt": round(doubt, 4), "fallback": round(kept, 4)})
    if kept > 0:
        log.info(
            "%.0f %% of the notes are in doubt: the content itself is mixed in, its notes stand back by %.1f dB",
            100 * doubt,
            SOFTER * kept,
        )
    return kept


def blended(content: Audio, result: Audio, strength: float) -> Audio:
    """Cross-fade from the content to the result, in place of the result."""
    if strength < 1:
        for span in blocks.spans(content.length, 20 * content.rate, 0):
            here = slice(span.start, span.stop)
            mixed = (1 - strength) * content.samples[:, here] + strength * result.samples[:, here]
            result.samples[:, here] = mixed
            blocks.release(result.samples)
            blocks.release(content.samples)
    return result

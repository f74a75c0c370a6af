"""The page of a run."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

from restyle import Audio
from restyle.pages.training import page, picture

SHOWN = {
    "rows": [{"epoch": i, "step": 9 * i, "seconds": 1.0, "train_loss": 1 / i, "val_loss": 2 / i} for i in (1, 2, 3)],
    "points": [{"step": i, "loss": 1 / i, "learning_rate": 10.0**-i} for i in range(1, 5)],
    "best": {"epoch": 3, "val_loss": 2 / 3},
    "monitor": "val_loss",
    "verdict": ("still improving", "More may help."),
    "seconds": 80,
    "left": 3700,
    "facts": {"name": "a<b", "hop": 256},
    "examples": [],
}


def test_what_stands_in_the_page():
    made = page(SHOWN)
    assert "<title>Training a&lt;b</title>" in made and "a<b" not in made
    assert "<b>still improving</b>. More may help. Best epoch: 3 (val loss 0.6667). 1 min so far" in made
    assert "about 1 h 2 min left" in made and "refresh" in made
    assert made.count('<tr class="best">') == 1
    assert "refresh" not in page(SHOWN | {"left": 0})
    assert "No epoch is done yet" in page(SHOWN | {"rows": [], "points": [], "best": None})


def test_a_picture_has_low_frequencies_below():
    values = np.zeros((4, 6))
    values[0] = 1
    data = base64.b64decode(picture(values).partition(",")[2])
    pixels = np.asarray(Image.open(io.BytesIO(data))).sum(-1)
    assert pixels.shape == (4, 6) and (pixels[3] > pixels[0]).all()


def test_examples_to_hear():
    tone = Audio(0.1 * np.sin(np.arange(8000) * 0.3), 8000)
    made = page(SHOWN | {"examples": [{"title": "x", "sound": tone, "text": "heard as jazz"}]})
    assert '<audio controls preload="none" src="data:audio/mpeg;base64,' in made and "heard as jazz" in made


def test_in_a_browser_all_is_there_and_a_phone_needs_no_sideways_scrolling(browser_page):
    tone = Audio(0.1 * np.sin(np.arange(8000) * 0.3), 8000)
    examples = [{"title": "<x>", "sound": tone}, {"title": "y", "picture": np.eye(4)}]
    opened = browser_page(page(SHOWN | {"left": 0, "examples": examples}), viewport={"width": 375, "height": 700})
    assert opened.evaluate("document.documentElement.scrollWidth") <= 375
    assert opened.locator("svg polyline").count() == 4 and opened.locator("tr.best").count() == 1
    assert opened.evaluate("[...document.images].every((image) => image.complete && image.naturalWidth > 0)")
    loaded = "async () => { const a = document.querySelector('audio'); a.load(); await a.play(); return a.duration; }"
    assert opened.evaluate(loaded) >= 1

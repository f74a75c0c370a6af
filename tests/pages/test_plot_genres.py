import numpy as np
import pytest

from restyle.pages.plot import save
from restyle.pages.plot_genres import confusion, probabilities


def heights(figure):
    """The upper edge of each band at the first moment."""
    tops = []
    for band in figure.axes[0].collections:
        points = band.get_paths()[0].vertices
        tops.append(points[points[:, 0] == points[:, 0].min()][:, 1].max())
    return tops


def test_bands_lie_on_one_another_the_most_probable_first():
    figure = probabilities(["a", "b", "c"], np.array([[0.1, 0.3, 0.6], [0.2, 0.4, 0.4]]), np.array([1.0, 2.0]))
    assert heights(figure) == pytest.approx([0.6, 0.9, 1.0])
    names = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert names == ["a 15 %", "b 35 %", "c 50 %"]  # from the top down


def test_rare_classes_share_a_colour():
    values = np.tile(np.arange(12, 0, -1) / 78, (3, 1))
    figure = probabilities([f"g{i}" for i in range(12)], values, np.arange(3.0))
    assert len(figure.axes[0].collections) == 9
    assert "4 others 13 %" in [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert heights(figure)[-1] == pytest.approx(1)


def test_one_chunk_is_drawn_too(tmp_path):
    save(probabilities(["a", "b"], np.array([[0.25, 0.75]]), np.array([2.5]), "title"), tmp_path / "one.png")
    assert (tmp_path / "one.png").stat().st_size > 5000


def test_a_confusion_matrix_shows_counts_and_parts():
    figure = confusion(["a", "b", "c"], np.array([[8, 2, 0], [0, 4, 0], [0, 0, 0]]), "tracks")
    image = figure.axes[0].images[0].get_array()
    assert np.allclose(image, [[0.8, 0.2, 0], [0, 1, 0], [0, 0, 0]])
    assert {(t.get_position(), t.get_text()) for t in figure.axes[0].texts} == {
        ((0, 0), "8"),
        ((1, 0), "2"),
        ((1, 1), "4"),
    }
    assert [t.get_text() for t in figure.axes[0].get_yticklabels()] == ["a", "b", "c"]
    with pytest.raises(ValueError, match="square"):
        confusion(["a"], np.zeros((2, 2)))

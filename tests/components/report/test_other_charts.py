import re
import xml.etree.ElementTree as ElementTree

from components.report import other_charts
from components.report.data import Column
from components.report.learned import Importance, Pair
from tests.components.report import made


def test_a_run_without_a_history_has_no_curves():
    assert other_charts.training([]) == {}


def test_a_training_of_one_epoch_has_marks():
    charts = other_charts.training(made.HISTORY[:1])
    assert set(charts) == {"loss", "auc"}
    assert charts["loss"].count("<use ") >= 2


def test_names_of_fields_are_text_and_no_formulas():
    found = [Importance("a_$x$^2", 0.3, 0.1), Importance("<b>", 0.1, 0.1)]
    text = "".join(ElementTree.fromstring(other_charts.importance(found)).itertext())
    assert "a_$x$^2" in text and "<b>" in text


def test_only_the_strongest_pairs_are_drawn():
    pairs = [Pair((f"f{i}", "g"), 1.0 / (1 + i)) for i in range(50)]
    chart = other_charts.pairs(pairs)
    assert "f19 " in chart and "f20 " not in chart


def test_small_bars_are_as_high_as_their_shares():
    column = Column(10, 0.0, 3, None, [("a", 0.5), ("b", 0.25)], [])
    bars = other_charts.spark(column, '"><script>')
    heights = [float(height) for height in re.findall(r' height="([\d.]+)"', bars)]
    assert heights[0] == 2 * heights[1] > 0
    assert "<script>" not in bars


def test_a_column_without_values_has_no_bars():
    assert other_charts.spark(Column(10, 1.0, 0, None, [], []), "empty") == ""
    assert other_charts.spark(None, "absent") == ""

import json

from components import correction
from components.correction import Correction, Figures
from schema.contract import CORRECTION_PATH

DONE = Correction(
    "isotonic", 12_345, Figures(1.25, 0.02, 0.4), Figures(1.001, 0.0015, 0.375)
)


def test_what_was_done_lies_beside_the_saved_model_and_is_read_back(tmp_path):
    assert correction.read(str(tmp_path)) is None
    correction.write(DONE, str(tmp_path))
    found = json.loads((tmp_path / CORRECTION_PATH).read_text())
    assert found == {
        "method": "isotonic",
        "rows": 12_345,
        "before": {"calibration": 1.25, "ece": 0.02, "logloss": 0.4},
        "after": {"calibration": 1.001, "ece": 0.0015, "logloss": 0.375},
    }
    assert correction.read(str(tmp_path)) == DONE


def test_words_say_what_each_figure_became():
    assert DONE.words() == (
        "by isotonic regression on 12,345 held-out rows; there calibration 1.2500 "
        "became 1.0010, expected calibration error 0.020000 became 0.001500, log loss "
        "0.400000 became 0.375000"
    )

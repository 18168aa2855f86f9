import json
from collections import Counter

import pytest

from components.example_gen.quarantine import BadRow, as_text, check_fraction
from schema.errors import DataError

ROW = BadRow("a.csv", {"line": 7}, "price", "not a number", "x" * 99, "1,ü,x")


def test_a_bad_row_in_words_and_as_a_line():
    shown = "x" * 80
    assert str(ROW) == f"a.csv, line 7, column 'price': not a number: '{shown}'"
    assert json.loads(ROW.to_json()) == {
        "file": "a.csv", "line": 7, "column": "price", "reason": "not a number",
        "value": "x" * 99, "row": "1,ü,x",
    }  # fmt: skip
    assert "\n" not in ROW.to_json()


def test_bytes_that_are_no_text_are_spelled_out():
    assert as_text(b"caf\xe9") == "caf\\xe9"
    assert as_text(None) == ""


def test_a_share_of_bad_rows_is_borne_and_no_more():
    check_fraction("a", 1000, Counter(x=1), [], 0.001)
    check_fraction("a", 0, Counter(), [], 0.0)
    with pytest.raises(DataError, match=r"2 of 1,000 rows cannot be used.*\(1 x, 1 y"):
        check_fraction("a", 1000, Counter(x=1, y=1), [], 0.001)

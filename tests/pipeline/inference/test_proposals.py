import numpy as np
import pyarrow as pa
import pytest

from pipeline.inference.proposals import describe, find_nulls, propose

DRAW = np.random.default_rng(0)


def proposed(cells, name="column", nulls=()):
    column = pa.array([None if cell is None else str(cell) for cell in cells])
    return propose(describe(name, column, nulls))


@pytest.mark.parametrize(
    ("name", "cells", "settings"),
    [
        ("price", DRAW.normal(5, 1, 999), {"type": "numeric"}),
        ("wait", DRAW.exponential(1, 999), {"type": "numeric"}),
        (
            "views",
            np.floor(DRAW.pareto(1, 999)),
            {"type": "numeric", "scale": "log_z_score"},
        ),
        ("hour", DRAW.integers(0, 24, 999), {"type": "categorical", "min_count": 5}),
        ("age", DRAW.integers(18, 90, 999), {"type": "numeric"}),
        ("userId", DRAW.integers(0, 99, 999), {"type": "categorical", "min_count": 5}),
        ("plz", ["01067", *["80331"] * 9], {"type": "categorical", "min_count": 5}),
        ("half", [0.5, 1.5] * 50, {"type": "numeric"}),
        ("seen", ["x", None] * 50, {"type": "categorical", "min_count": 5}),
    ],
)
def test_treatments(name, cells, settings):
    assert proposed(cells, name).settings == settings


@pytest.mark.parametrize(
    ("name", "cells", "why"),
    [
        ("id", range(1000, 1100), "own value"),
        ("n", range(100), "own value"),
        ("url", [f"x{i}" for i in range(100)], "own value"),
        ("void", [None, ""] * 50, "no row has a value"),
        ("one", ["a"] * 100, "all rows have 'a'"),
        ("day", ["2024-01-01", "2024-01-02 10:00:00"] * 50, "a time"),
        ("timestamp", [978300760, 978302109] * 50, "a time"),
        ("ctr %", [1, 2] * 50, "letters, digits"),
        ("x" * 300, [1, 2] * 50, "200 at most"),
    ],
)
def test_what_is_left_out(name, cells, why):
    proposal = proposed(cells, name)
    assert proposal.settings is None
    assert why in proposal.why


def test_few_rows_do_not_tell_that_values_never_come_back():
    assert proposed("abcdef").settings["type"] == "categorical"


def test_a_column_of_numbers_but_for_one_says_which():
    proposal = proposed([*range(100), "cheap"], "price")
    assert proposal.settings == {"type": "categorical", "min_count": 5}
    assert "'cheap' is not" in proposal.why


def test_sentences_are_not_cut_at_commas():
    cells = [f"Title {i}, the {'abc'[i % 3]}" for i in range(60)] * 2
    assert "separator" not in proposed(cells).settings
    lists = [",".join(str(v) for v in {i % 5, i % 7 + 5, "z"}) for i in range(200)]
    assert proposed(lists).settings["separator"] == ","


def test_many_values_in_a_cell_raise_the_limit():
    cells = ["|".join(f"t{(i * j) % 30}" for j in range(i % 20 + 1)) for i in range(99)]
    assert proposed(cells).settings["max_values"] == 20


def test_doubtful_tokens_are_null_among_numbers_only():
    columns = {
        "price": pa.array(["1", "2", "-"]),
        "country": pa.array(["DE", "NA", "-"]),
        "city": pa.array(["x", "?", ""]),
    }
    nulls, doubtful = find_nulls(columns)
    assert (set(nulls), doubtful) == ({"?", "-"}, {"NA": "country"})

"""Negative sampling: which rows stay, and that none is lost from sight."""

import pytest

from tests.components.example_gen import tables
from tests.components.example_gen.tables import HEADER, dataset, examples, ingest

ROWS = 4000
SHARE = 0.25
BY_TIME = {"by": "time", "column": "age"}


def lines(n):
    return [f"{int(i % 5 == 0)},u{i},a{i % 5},s,d,1,{i}\n" for i in range(n)]


def write(folder, *texts, **settings):
    folder.mkdir(exist_ok=True)
    for i, text in enumerate(texts):
        (folder / f"{i}.csv").write_text(HEADER + "".join(text))
    return dataset(folder, **settings)


def sampled(folder, *texts, negatives=SHARE, out="out", size=1 << 20, **settings):
    """Returns the counts, and the rows of train and eval by label."""
    sampling = {"negatives": negatives} if negatives else None
    declared = write(folder, *texts, sampling=sampling, **settings)
    written = ingest(declared, folder / out, size=size)
    splits = [examples(folder / out / f"Split-{name}") for name in tables.SHARES]
    return written, [
        [[row for row in split if dict(row)["click"] == (label,)] for label in (0, 1)]
        for split in splits
    ]


@pytest.mark.parametrize("split", [{"by": "row"}, BY_TIME], ids=lambda s: s["by"])
def test_only_negatives_of_the_train_split_are_thinned(tmp_path, split):
    written, [train, evaluation] = sampled(tmp_path, lines(ROWS), split=split)
    _, [all_train, all_eval] = sampled(
        tmp_path, lines(ROWS), negatives=None, out="all", split=split
    )
    assert evaluation == all_eval
    assert train[1] == all_train[1]
    assert set(train[0]) < set(all_train[0])
    share, rows = len(train[0]) / len(all_train[0]), len(all_train[0])
    assert abs(share - SHARE) < 4 * (SHARE * (1 - SHARE) / rows) ** 0.5
    assert written.sampled_out == len(all_train[0]) - len(train[0])
    assert written.rows == ROWS


def test_the_same_rows_stay_however_they_come(tmp_path):
    text = lines(ROWS)
    _, expected = sampled(tmp_path / "one", text)
    found, rows = sampled(tmp_path / "many", text[::-1][:900], text[:3100], size=9000)
    assert rows == expected
    assert found.sampled_out > 0


def test_a_larger_share_keeps_the_same_rows_and_more(tmp_path):
    kept = [
        set(sampled(tmp_path, lines(ROWS), negatives=share, out=f"{share}")[1][0][0])
        for share in (0.1, 0.5, 1.0)
    ]
    assert kept[0] < kept[1] < kept[2]


def test_bad_rows_and_sampled_ones_balance(tmp_path):
    bad = ["1,u,a\n", "0.3,u,a,s,d,1,2\n"]
    written, splits = sampled(
        tmp_path, [*lines(1000), *bad], max_bad_fraction=0.1, size=2000
    )
    kept = sum(len(rows) for split in splits for rows in split)
    assert written.sampled_out > 0
    assert written.rows == kept + written.sampled_out + len(bad) == 1002


def test_a_part_without_any_row_to_keep_is_no_trouble(tmp_path):
    negative, positive = [[f"{k},u{i},a,s,d,1,2\n" for i in range(40)] for k in (0, 1)]
    written, [[kept, _], _] = sampled(tmp_path, negative, positive, negatives=1e-9)
    assert kept == []
    assert written.rows == 80

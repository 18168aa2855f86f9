import json

import pytest

from components.example_gen.counts import Written


def counted(rows):
    written = Written.nothing({"train": 8, "eval": 2})
    written.rows = rows
    written.splits["train"].rows = 2
    written.splits["eval"].rows = 1
    written.splits["train"].present["user"] = 2
    written.quarantined["not a number"] = 1
    written.first = ["the first"]
    written.sampled_out = 3
    return written


def test_counts_go_from_worker_to_worker_as_json():
    written = counted(7)
    assert Written.from_dict(json.loads(json.dumps(written.to_dict()))) == written


def test_shards_add_up_and_balance():
    total = Written.nothing({"train": 8, "eval": 2})
    for _ in range(10):
        total.add(counted(7))
    total.check_balance("x")
    assert (total.rows, total.splits["train"].rows) == (70, 20)
    assert total.splits["train"].present["user"] == 20
    assert total.sampled_out == 30
    assert total.quarantined == {"not a number": 10}
    assert len(total.first) == 5


@pytest.mark.parametrize("rows", [6, 8])
def test_a_row_too_few_or_too_many_is_our_fault(rows):
    with pytest.raises(RuntimeError, match=f"x: {rows} rows were read, but 3 written"):
        counted(rows).check_balance("x")

import threading

import pytest

from components.example_gen.ahead import ahead


def test_the_next_item_is_made_while_this_one_is_used():
    made = [threading.Event() for _ in range(3)]

    def items():
        for i, event in enumerate(made):
            event.set()
            yield i

    found = []
    for i in ahead(items()):
        assert all(event.wait(10) for event in made[: i + 2])
        found.append(i)
    assert found == [0, 1, 2]


def test_what_goes_wrong_in_the_thread_comes_out():
    def items():
        yield 1
        raise ValueError("broken")

    found = ahead(items())
    assert next(found) == 1
    with pytest.raises(ValueError, match="broken"):
        next(found)

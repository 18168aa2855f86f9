import numpy as np
import pytest
import tensorflow as tf

from components.trainer import datasets
from schema.contract import IDS, VALUES
from tests import fitting

SPEC = {
    IDS: tf.io.FixedLenFeature([2], tf.int64),
    VALUES: tf.io.FixedLenFeature([1], tf.float32),
    "click": tf.io.FixedLenFeature([1], tf.int64),
}


def write(path, start, rows, block=512):
    """Writes rows that say where they stand, from `start` on."""
    places = np.arange(start, start + rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = {
        IDS: np.stack([places, -places], axis=1),
        VALUES: places[:, None].astype(np.float32),
        "click": places[:, None] % 2,
    }
    return fitting.write_blocks(columns, path, block)


def places(batches):
    """Returns where the rows stood, as they come, and checks that they are whole."""
    found = []
    for features, labels in batches:
        ids = features[IDS].numpy()
        np.testing.assert_array_equal(ids[:, 0], -ids[:, 1])
        np.testing.assert_array_equal(features[VALUES][:, 0], ids[:, 0])
        np.testing.assert_array_equal(labels[:, 0], ids[:, 0] % 2)
        found += ids[:, 0].tolist()
    return found


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    for i in range(10):
        write(folder / f"rows-{i}.gz", 10_000 * i, 10_000)
    return [str(folder / "*")]


def test_files_come_in_the_order_of_patterns_then_of_numbers(tmp_path):
    """As TFX numbers spans and executions: 9 comes before 10."""
    for place, index in enumerate((9, 10, 11, 100)):
        for shard in range(2):
            path = tmp_path / "12" / f"{index}" / f"data-{shard:05d}-of-00002.gz"
            write(path, 100 * place + 10 * shard, 10)
    write(tmp_path / "later" / "data-00000-of-00001.gz", 1000, 10)
    patterns = [str(tmp_path / "12" / "*" / "*"), str(tmp_path / "later" / "*")]
    found = places(datasets.read(patterns, SPEC, "click", 7))
    assert found == sorted(found)
    assert len(found) == 90
    found = places(datasets.read(patterns[::-1], SPEC, "click", 7))
    assert found[:10] == list(range(1000, 1010))


@pytest.mark.parametrize("batch_size", [1, 7, 512, 4096, 200_000])
def test_batches_are_full_but_the_last(files, batch_size):
    seed = 1 if batch_size > 1 else None
    read = datasets.read(files, SPEC, "click", batch_size, seed).take(50)
    sizes = [len(labels) for _, labels in read]
    assert sizes == [min(batch_size, 100_000)] * len(sizes) or (
        sizes[:-1] == [batch_size] * (len(sizes) - 1)
        and sizes[-1] == 100_000 % batch_size
    )


def test_every_row_comes_once_an_epoch_and_epochs_differ(files):
    shuffled = datasets.read(files, SPEC, "click", 1000, shuffle_seed=3)
    first, second = places(shuffled), places(shuffled)
    assert sorted(first) == sorted(second) == list(range(100_000))
    assert first != second
    repeated = places(shuffled.repeat(2))
    assert sorted(repeated[:100_000]) == sorted(repeated[100_000:]) == sorted(first)
    assert repeated[:100_000] != repeated[100_000:]


def test_a_seed_is_an_order(files):
    def order(seed):
        return places(datasets.read(files, SPEC, "click", 1000, seed).repeat(2))

    assert order(3) == order(3)
    assert order(3) != order(4)


def test_neighbours_are_parted_and_a_batch_is_from_all_over(files):
    """Though the rows of a file are in order here, as Transform leaves them not."""
    tf.random.set_seed(0)  # tf.data's order hangs on it, too
    found = np.array(places(datasets.read(files, SPEC, "click", 1000, 5)))
    assert np.mean(np.abs(np.diff(found)) < 512) < 0.05
    batches = found.reshape(-1, 1000)
    # In order, the means of batches deviate by 28,868. A batch's rows are of 64 blocks
    # of the 196, drawn by lot: 28,868 / 8 * sqrt(1 - 64 / 196), or 2,962, but for the
    # last batches, which get the 4 blocks that are left over.
    assert np.std(batches.mean(axis=1)) < 2.5 * 2962
    assert len(np.unique(batches[0] // 10_000)) >= 5


def test_up_to_so_many_rows_the_order_is_a_whole_permutation(tmp_path):
    files = write(tmp_path / "rows.gz", 0, 20_000)
    found = np.array(places(datasets.read(files, SPEC, "click", 100, 1)))
    batches = found.reshape(-1, 100)
    assert np.std(batches.mean(axis=1)) == pytest.approx(577, rel=0.25)
    assert abs(np.corrcoef(found[1:], found[:-1])[0, 1]) < 0.05


def test_counting_adds_up_blocks_of_any_size(tmp_path):
    write(tmp_path / "a.gz", 0, 1000)
    write(tmp_path / "b.gz", 0, 3, block=1)
    assert datasets.count([str(tmp_path / "*")]) == 1003


def held_out(files, held_out, batch_size=1000, seed=None):
    return datasets.read(files, SPEC, "click", batch_size, seed, held_out)


def test_every_tenth_row_of_a_block_is_held_out_and_training_sees_the_others(files):
    apart = places(held_out(files, True))
    # Blocks begin anew with each file, and have 512 rows but for the last one's 272.
    assert apart[:3] == [9, 19, 29]
    assert apart[50:53] == [509, 521, 531]
    shown = held_out(files, False, seed=3)
    first, second = places(shown), places(shown)
    assert first != second
    assert sorted(first) == sorted(second)
    assert sorted(first + apart) == list(range(100_000))
    assert len(apart) == datasets.count(files, True) == 10 * (19 * 51 + 27)
    assert len(first) == datasets.count(files, False)


def test_what_is_held_out_hangs_on_nothing_but_the_files(files):
    expected = places(held_out(files, True))
    assert places(held_out(files, True, batch_size=7)) == expected
    assert sorted(places(held_out(files, True, seed=9))) == expected


def test_a_batch_is_full_though_rows_are_held_out(files):
    sizes = [len(labels) for _, labels in held_out(files, False, 256, seed=1)]
    assert set(sizes[:-1]) == {256}


def test_of_blocks_of_few_rows_none_is_held_out(tmp_path):
    files = write(tmp_path / "rows.gz", 0, 90, block=9)
    assert places(held_out(files, True)) == []
    assert places(held_out(files, False)) == list(range(90))
    assert datasets.count(files, True) == 0

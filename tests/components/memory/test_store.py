import pytest

from components.memory import store


@pytest.fixture
def source(tmp_path):
    def made(text):
        folder = tmp_path / text / "inner"
        folder.mkdir(parents=True)
        (folder / "file").write_text(text)
        return str(folder.parent)

    return made


def recalled(folder, tmp_path, name="back"):
    properties = store.recall(folder, str(tmp_path / name))
    return properties, (tmp_path / name / "inner" / "file").read_text()


def test_nothing_is_recalled_before_anything_is_kept(tmp_path):
    assert store.recall(str(tmp_path / "memory"), str(tmp_path / "back")) is None
    assert not (tmp_path / "back").exists()


def test_the_latest_is_recalled_and_the_older_are_not_kept(tmp_path, source):
    folder = str(tmp_path / "memory")
    for text in ("first", "second", "third"):
        store.keep(source(text), folder, {"text": text})
    assert recalled(folder, tmp_path) == ({"text": "third"}, "third")
    kept = [path for path in (tmp_path / "memory").iterdir() if path.is_dir()]
    assert len(kept) == 2


def test_a_run_that_dies_half_way_leaves_what_was_kept(tmp_path, source, monkeypatch):
    folder = str(tmp_path / "memory")
    store.keep(source("whole"), folder, {})

    def dies(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(store.tf.io.gfile, "rename", dies)
    with pytest.raises(KeyboardInterrupt):
        store.keep(source("half"), folder, {})
    assert recalled(folder, tmp_path) == ({}, "whole")

import os

import pytest

from components.pusher import executor
from schema.contract import WARMUP_PATH


@pytest.fixture
def model(tmp_path):
    folder = tmp_path / "model"
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_text("graph")
    (folder / "variables" / "data").write_text("weights")
    (folder / WARMUP_PATH).parent.mkdir()
    (folder / WARMUP_PATH).write_text("requests")
    return str(folder)


def test_versions_are_numbers_that_rise(tmp_path, model):
    serving = str(tmp_path / "serving")
    versions = [int(os.path.basename(executor.push(model, serving))) for _ in range(3)]
    assert versions == sorted(set(versions))
    assert sorted(os.listdir(serving)) == [str(v) for v in versions]


def test_a_push_that_dies_leaves_no_version(tmp_path, model, monkeypatch):
    serving = tmp_path / "serving"

    def dies(*_):
        raise KeyboardInterrupt

    # All is copied, nothing is in place.
    monkeypatch.setattr(executor.tf.io.gfile, "rename", dies)
    with pytest.raises(KeyboardInterrupt):
        executor.push(model, str(serving))
    assert not [name for name in os.listdir(serving) if name.isdigit()]
    monkeypatch.undo()
    path = executor.push(model, str(serving))
    assert sorted(os.listdir(path)) == ["assets.extra", "saved_model.pb", "variables"]
    assert os.path.isfile(os.path.join(path, WARMUP_PATH))
    assert os.listdir(serving) == [os.path.basename(path)]


def test_in_an_object_store_a_version_is_none_before_all_of_it_is_there(
    model, monkeypatch
):
    folder = "ram://serving/model"  # a file system of TensorFlow's, in memory
    gfile, there = executor.tf.io.gfile, []
    copy = gfile.copy

    def noted(source, target, **more):
        there.append((os.path.basename(target), gfile.glob(f"{folder}/*/*/*")))
        copy(source, target, **more)

    monkeypatch.setattr(gfile, "copy", noted)
    path = executor.push(model, folder)
    last, before = there[-1]
    assert last == "saved_model.pb"
    assert f"{path}/variables/data" in before
    assert gfile.exists(f"{path}/saved_model.pb")
    assert int(os.path.basename(executor.push(model, folder))) > int(
        os.path.basename(path)
    )

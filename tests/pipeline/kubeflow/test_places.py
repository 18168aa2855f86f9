from pathlib import Path

from pipeline.kubeflow import places


def test_only_what_tensorflow_cannot_read_is_looked_for_on_the_disk(tmp_path):
    copied = {"uri": "s3://bucket/a", "customPath": str(tmp_path / "a")}
    read = {"uri": "gs://bucket/b"}
    near = {"uri": str(tmp_path / "c")}
    here = places.bring_here([copied, read, near])
    assert here == {str(tmp_path / "a"): "s3://bucket/a"}
    assert copied["uri"] == str(tmp_path / "a")
    assert (tmp_path / "a").is_dir()
    assert read["uri"] == "gs://bucket/b"
    assert near["uri"] == str(tmp_path / "c")


def test_the_launcher_has_a_folder_for_each_kind_of_store(monkeypatch):
    made = []
    monkeypatch.setattr(places.os, "makedirs", lambda path, exist_ok: made.append(path))
    artifact = {"uri": "minio://mlpipeline/v2/x"}
    places.bring_here([artifact])
    assert made == [artifact["uri"]] == ["/minio/mlpipeline/v2/x"]


def test_a_file_of_the_project_is_found_wherever_it_is_installed():
    path = places.of_package("package://schema/adult/schema.pbtxt")
    assert Path(path).is_file()
    assert places.of_package("gs://bucket/schema.pbtxt") == "gs://bucket/schema.pbtxt"

from components import json_files


def test_what_is_written_is_read_again_and_its_folder_is_made(tmp_path):
    path = str(tmp_path / "not" / "yet" / "there.json")
    json_files.write(path, {"a": [1, None], "ä": {}})
    assert json_files.read(path) == {"a": [1, None], "ä": {}}


def test_no_file_is_nothing(tmp_path):
    assert json_files.read(str(tmp_path / "none.json")) is None

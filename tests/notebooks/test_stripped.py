"""What is kept of the notebooks: text and code, nothing of a machine or a run."""

import json
import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
PYTHON = {
    "kernelspec": {
        "display_name": "Python 3",
        "language": "python",
        "name": "python3",
    },
    "language_info": {"name": "python"},
}


def test_all_of_them_are_there():
    assert [path.stem[:2] for path in NOTEBOOKS] == ["01", "02", "03", "04", "05"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_neither_outputs_nor_a_machine_are_kept(path):
    notebook = json.loads(path.read_text())
    assert notebook["metadata"] == PYTHON
    for cell in notebook["cells"]:
        assert cell["metadata"] == {}
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None
    assert not re.search(r"(?<![\w.])/(home|root|Users|tmp|work|mnt)\b", str(notebook))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_each_says_how_its_run_is_made_and_links_to_what_is_there(path):
    cells = json.loads(path.read_text())["cells"]
    texts = ["".join(c["source"]) for c in cells if c["cell_type"] == "markdown"]
    assert texts[0].startswith(f"# {int(path.stem[:2])}. ")
    assert "`make run` makes one" in texts[0]
    for target in re.findall(r"\]\(([^)]+)\)", "\n".join(texts)):
        assert (FOLDER / target).is_file(), target

"""The lines of README and docs that serve a model and ask it, run as they stand there.

Only ports are others, and the model is one with the declared columns of the generated
log and weights drawn by lot: what is printed is compared but for its numbers.
"""

import dataclasses
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from components.example_gen import click_log
from components.pusher import executor as pusher
from pipeline import loading
from tests import exporting

pytestmark = pytest.mark.pipeline
ROOT = Path(__file__).parents[2]
FILES = ["README.md", "docs/scoring.md", "docs/server.md", "docs/serving.md"]
ROWS = 200
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
NUMBER = re.compile(r"\d+(\.\d*)?(e[+-]\d+)?")
SERVE, SCORE, CURL = ".venv/bin/deepfm serve ", ".venv/bin/deepfm score ", "curl "


@dataclasses.dataclass(frozen=True)
class Block:
    """Lines that a reader may copy.

    Attributes:
        where: They stand, file and number of the block.
        python: Whether they are a program; else they are commands.
        text: They.
        printed: What they print, if it stands right below.
    """

    where: str
    python: bool
    text: str
    printed: str | None

    def commands(self):
        """Returns the commands, one line each."""
        return re.sub(r"\\\n\s*", "", self.text).splitlines()


def read(file):
    """Yields the blocks of a file that serve or ask a model."""
    text = (ROOT / file).read_text()
    found = list(FENCED.finditer(text))
    for number, block in enumerate(found, 1):
        after = found[number] if number < len(found) else None
        python = block[1] == "python"
        if not python and not block[2].startswith((SERVE, SCORE, CURL)):
            continue
        below = after and not text[block.end() : after.start()].strip()
        printed = after[2] if below and not after[1] else None
        yield Block(f"{file}, block {number}", python, block[2], printed)


BLOCKS = {block.where: block for file in FILES for block in read(file)}


def alike(text):
    """Returns the words and signs of a text, all numbers made one."""
    return re.findall(r"\w+|[^\w\s]", NUMBER.sub("0", text))


class Place:
    """A folder such as a reader has after `make run`, where a model is served."""

    def __init__(self, folder):
        self._folder = folder
        self._environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self.run_folder = folder / "runs" / "generated"
        plan = click_log.load_plan() | {"rows": ROWS}
        log = click_log.ensure(str(self.run_folder / "data"), plan)
        config = loading.load(str(ROOT / "pipeline/configs/generated.yaml"), data=log)
        loading.dump(config, str(self.run_folder / "config.yaml"))
        exporting.export(config.dataset, folder / "model")
        self.versions = self.run_folder / "serving" / "generated"
        pusher.push(str(folder / "model"), str(self.versions))
        command = folder / ".venv" / "bin" / "deepfm"
        command.parent.mkdir(parents=True)
        command.write_text(f'#!/bin/sh\nexec {sys.executable} -m pipeline "$@"\n')
        command.chmod(0o755)

    def start(self, serve):
        """Starts the server by its command, but on free ports."""
        self.server = subprocess.Popen(
            [*serve.split(), "--port", "0", "--rest-port", "0"],
            cwd=self._folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.serving = self.server.stdout.readline()
        self._ports = re.findall(r"(\d+) \(", self.serving)

    def run(self, block):
        """Returns what a block prints; the server prints what it has printed."""
        if block.python:
            program = f"model_dir = {str(self.versions)!r}\n{block.text}"
            return self._run([sys.executable, "-c", self._here(program)])
        return "\n".join(
            self.serving
            if command.startswith(SERVE)
            else self._run(["sh", "-c", self._here(command)])
            for command in block.commands()
        )

    def _run(self, command):
        done = subprocess.run(
            command,
            cwd=self._folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _here(self, text):
        for documented, port in zip(("8500", "8501"), self._ports, strict=True):
            text = text.replace(f"localhost:{documented}", f"localhost:{port}")
        return text


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    found = Place(tmp_path_factory.mktemp("docs"))
    [serve] = {c for b in BLOCKS.values() for c in b.commands() if c.startswith(SERVE)}
    found.start(serve)
    yield found
    found.server.terminate()
    assert found.server.wait(30) == 0


def require_curl(block):
    if CURL in block.text and not shutil.which("curl"):
        pytest.skip("curl is not installed")


def test_readme_asks_over_both_protocols():
    readme = [block for where, block in BLOCKS.items() if where.startswith("README")]
    assert any(CURL in block.text and block.printed for block in readme)
    assert any(block.python and block.printed for block in readme)
    assert any(SERVE in block.text and block.printed for block in readme)
    assert all(block.printed for block in BLOCKS.values() if CURL in block.text)


@pytest.mark.parametrize("where", BLOCKS)
def test_what_stands_there_runs_and_prints_what_stands_below(place, where):
    block = BLOCKS[where]
    require_curl(block)
    printed = place.run(block)
    if block.printed is not None:
        assert alike(printed) == alike(block.printed)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("generated:", "generator:"),
        ("examples", "instances"),
        ("regression", "regresion"),
        ("[{", "[{}, {"),
    ],
)
def test_a_wrong_line_is_noticed(place, right, wrong):
    block = next(block for block in BLOCKS.values() if CURL in block.text)
    require_curl(block)
    assert right in block.text
    changed = dataclasses.replace(block, text=block.text.replace(right, wrong))
    assert alike(place.run(changed)) != alike(block.printed)

"""Reads a Dockerfile, and executes its steps in plain folders, without Docker."""

import json
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Step:
    """An instruction; `text` is what stands behind it, lines joined."""

    line: int
    name: str
    text: str


def read(path: Path) -> list[Step]:
    steps, text, first = [], "", 0
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        first = first if text else number
        text += line.rstrip("\\").strip() + " "
        if not line.endswith("\\"):
            name, _, rest = text.strip().partition(" ")
            steps.append(Step(first, name, rest))
            text = ""
    return steps


class Builder:
    """Executes steps; each stage is a copy of the root folder of a plain system."""

    def __init__(
        self, plain: Path, folder: Path, context: Path, arguments, environment
    ) -> None:
        self._plain, self._folder, self._context = plain, folder, context
        self._arguments, self._given = arguments, environment
        self._stages: dict[str, Path] = {}
        self._root = plain
        self._environment: dict[str, str] = {}
        self._user, self._working = "root", "/"
        self._shell = ["/bin/sh", "-c"]

    def build(self, steps: list[Step]) -> Path:
        """Returns the last stage's root folder."""
        for step in steps:
            getattr(self, f"_do_{step.name.lower()}")(step.text)
        return self._root

    def _do_from(self, text: str) -> None:
        name = text.partition(" AS ")[2] or str(len(self._stages))
        self._root = self._stages[name] = self._folder / name
        copied = ["cp", "-a", str(self._plain), str(self._root)]
        subprocess.run(copied, check=True)
        self._environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
        self._user, self._working = "root", "/"

    def _do_shell(self, text: str) -> None:
        self._shell = json.loads(text)

    def _do_env(self, text: str) -> None:
        self._environment |= dict(re.findall(r"(\w+)=(\S+)", text))

    def _do_arg(self, text: str) -> None:
        self._environment[text] = self._arguments[text]

    def _do_user(self, text: str) -> None:
        self._user = text

    def _do_workdir(self, text: str) -> None:
        self._working = text

    def _do_cmd(self, text: str) -> None:
        json.loads(text)

    def _do_copy(self, text: str) -> None:
        *sources, target = shlex.split(text)
        origin = self._context
        if sources[0].startswith("--from="):
            origin = self._stages[sources.pop(0).partition("=")[2]]
        place = self._root / target.lstrip("/")
        for source in sources:
            path = origin / source.lstrip("/")
            if path.is_dir():
                shutil.copytree(path, place, symlinks=True)
            else:
                place.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, place)

    def _do_run(self, text: str) -> None:
        command = [str(shutil.which("chroot"))]
        if self._user != "root":
            command += [f"--userspec={self._user}"]
        enter = f"cd {self._working} && {text}"
        done = subprocess.run(
            [*command, str(self._root), *self._shell, enter],
            env=self._given | self._environment,
            capture_output=True,
            text=True,
            cwd="/",
        )
        assert not done.returncode, f"{text}\n{(done.stdout + done.stderr)[-4000:]}"

"""Experiments in folders of their own, run through the command line as a user does."""

import dataclasses
import json
import re
import subprocess
import sys
from pathlib import Path

import yaml

SECONDS = 300  # that a command may take


def deepfm(*args, **kwargs):
    """Returns what came of a command."""
    return subprocess.run(
        [sys.executable, "-m", "pipeline", *map(str, args)],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        **kwargs,
    )


def small_policy(embedding_dim=2, units=4):
    """Returns a DeepFM that is trained in seconds, as an experiment names it."""
    return {
        "scoring_policy": {
            "policy_type": "deepfm",
            "embedding_dim": embedding_dim,
            "deep_hidden_units": [units],
            "learning_rate": 0.01,
        }
    }


@dataclasses.dataclass(frozen=True)
class Experiment:
    """A YAML file in a folder, and the runs of it."""

    folder: Path
    name: str

    @property
    def config(self):
        return self.folder / f"{self.name}.yaml"

    @property
    def run_folder(self):
        return self.folder / "runs" / self.name

    def write(self, **settings):
        """Writes the file; returns the experiment."""
        self.config.write_text(yaml.safe_dump({"name": self.name, **settings}))
        return self

    def ask(self, command, *args):
        """Returns what came of a command about the experiment."""
        return deepfm(command, self.config, "--root", self.folder / "runs", *args)

    def run(self, *settings):
        """Returns what came of a run, some keys set to values: KEY=VALUE."""
        return self.ask("run", *setting(*settings))

    def summary(self):
        """Returns what the latest run says came of it."""
        return json.loads((self.run_folder / "summary.json").read_text())

    def versions(self):
        """Returns the folders of the pushed versions, the oldest first."""
        folder = self.run_folder / "serving" / self.name
        return sorted(folder.iterdir()) if folder.exists() else []


def setting(*pairs):
    """Returns the arguments that set keys of an experiment to values: KEY=VALUE."""
    return [part for pair in pairs for part in ("--set", pair)]


def started(output):
    """Returns the components that began, in order."""
    return re.findall(r"^  (\S+) \.\.\.$", output, re.M)


def reused(output):
    """Returns the components that had nothing to do."""
    return re.findall(r"^  (\S+) reused", output, re.M)

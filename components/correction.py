"""What correcting a model's probabilities changed: told beside its SavedModel."""

import dataclasses
import os

from components import json_files
from schema.contract import CORRECTION_PATH

_TITLES = {"isotonic": "isotonic regression", "platt": "Platt scaling"}


@dataclasses.dataclass(frozen=True)
class Figures:
    """How well probabilities fit what came true, on some rows.

    Attributes:
        calibration: Mean prediction over mean label.
        ece: The expected calibration error.
        logloss: The mean log loss.
    """

    calibration: float
    ece: float
    logloss: float


@dataclasses.dataclass(frozen=True)
class Correction:
    """What was done to a model's probabilities, and what came of it.

    Attributes:
        method: `isotonic` or `platt`.
        rows: That it was fitted to, and measured on.
        before: Of the model as it was trained.
        after: Of the model as it is served.
    """

    method: str
    rows: int
    before: Figures
    after: Figures

    def words(self) -> str:
        """Returns what was done, as it follows "corrected"."""
        before, after = self.before, self.after
        return (
            f"by {_TITLES[self.method]} on {self.rows:,} held-out rows; there "
            f"calibration {before.calibration:.4f} became {after.calibration:.4f}, "
            f"expected calibration error {before.ece:.6f} became {after.ece:.6f}, "
            f"log loss {before.logloss:.6f} became {after.logloss:.6f}"
        )


def write(correction: Correction, folder: str) -> None:
    """Writes what was done beside a SavedModel.

    Args:
        correction: What.
        folder: Of the SavedModel.
    """
    path = os.path.join(folder, CORRECTION_PATH)
    json_files.write(path, dataclasses.asdict(correction))


def read(folder: str) -> Correction | None:
    """Returns what was done to a SavedModel's probabilities; None if nothing.

    Args:
        folder: Of the SavedModel.
    """
    found = json_files.read(os.path.join(folder, CORRECTION_PATH))
    if found is None:
        return None
    before, after = (Figures(**found.pop(key)) for key in ("before", "after"))
    return Correction(**found, before=before, after=after)


def words(folder: str) -> str:
    """Returns the same in words, empty if nothing.

    Args:
        folder: Of the SavedModel.
    """
    done = read(folder)
    return done.words() if done else ""

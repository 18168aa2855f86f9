"""A click log with planted truth, so that the best possible AUC is known.

Each row's logit is a sum of effects of one, two or three fields; the click is drawn
from its sigmoid. The truth depends on nothing but what the row shows, missing cells
included, so no model can expect a higher AUC than the true probabilities have.
"""

import hashlib
import json
import os
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import yaml

from components.files import write_whole

_LEVELS = 8  # how finely an interaction sees a number
_DISTRIBUTIONS = {
    "normal": lambda rng, n: rng.normal(0.0, 1.0, n),
    "uniform": lambda rng, n: rng.uniform(0.0, 4000.0, n),
    "exponential": lambda rng, n: rng.exponential(60.0, n),
    "lognormal": lambda rng, n: rng.lognormal(1.0, 1.0, n),
    "pareto": lambda rng, n: np.floor(rng.pareto(1.2, n)),
}


def load_plan(path: str | None = None) -> dict[str, Any]:
    """Returns the plan of the generated log: its fields, sizes and effects."""
    if path is None:
        text = resources.files("schema").joinpath("generated/plan.yaml").read_text()
    else:
        text = Path(path).read_text()
    return yaml.safe_load(text)


def expected_auc(probabilities: np.ndarray) -> float:
    """Returns the AUC that ranking by the true probabilities has on average.

    The expectation is over the labels: the sum of p_i (1 - p_j) over the pairs that are
    ranked i above j, ties counting half, divided by the same sum over all pairs.

    Args:
        probabilities: The true probabilities, (rows,).
    """
    p = np.sort(probabilities.astype(np.float64))
    _, first = np.unique(p, return_index=True)
    positives = np.add.reduceat(p, first)
    negatives = np.add.reduceat(1.0 - p, first)
    below = np.cumsum(negatives) - negatives
    concordant = np.sum(positives * (below + 0.5 * negatives))
    # A row makes no pair with itself, though the ties above counted half of it.
    itself = np.sum(p * (1.0 - p))
    return float((concordant - 0.5 * itself) / (np.sum(p) * np.sum(1.0 - p) - itself))


def draw(plan: dict[str, Any]) -> tuple[pa.Table, np.ndarray]:
    """Draws the log that a plan describes.

    Returns:
        The table, label first, and the true click probability of each row, (rows,).
    """
    rows = plan["rows"]
    columns: dict[str, pa.Array] = {}
    levels: dict[str, np.ndarray] = {}  # 0 is missing
    for name, spec in plan["categorical"].items():
        rng = _generator(plan["seed"], name)
        ids = _zipf(rng, rows, spec["cardinality"], spec["tail"])
        missing = rng.random(rows) < spec.get("missing", 0.0)
        words = [_word(name, rank) for rank in range(spec["cardinality"])]
        columns[name] = pa.array(words).take(pa.array(ids, mask=missing))
        levels[name] = np.where(missing, 0, ids + 1)
    for name, spec in plan["numeric"].items():
        rng = _generator(plan["seed"], name)
        numbers = _DISTRIBUTIONS[spec["distribution"]](rng, rows).round(3)
        missing = rng.random(rows) < spec.get("missing", 0.0)
        columns[name] = pa.array(numbers, mask=missing)
        edges = np.quantile(numbers, np.arange(1, _LEVELS) / _LEVELS)
        levels[name] = np.where(missing, 0, np.searchsorted(edges, numbers) + 1)

    logits = np.full(rows, plan["base_logit"], np.float64)
    for effect in plan["effects"]:
        rng = _generator(plan["seed"], "+".join(effect["fields"]))
        logits += effect["scale"] * _effect(rng, [levels[f] for f in effect["fields"]])
    probabilities = 1.0 / (1.0 + np.exp(-logits))
    clicks = _generator(plan["seed"], plan["label"]).random(rows) < probabilities
    return (
        pa.table({plan["label"]: clicks.astype(np.int64), **columns}),
        probabilities,
    )


def ensure(folder: str, plan: dict[str, Any]) -> str:
    """Writes the log of a plan and its truth into a folder, unless they are there.

    Returns:
        The path of the CSV file. Beside it lies `truth.json` with `bayes_auc`.
    """
    key = hashlib.sha256(json.dumps(plan, sort_keys=True).encode()).hexdigest()
    data_path, truth_path = Path(folder) / "clicks.csv", Path(folder) / "truth.json"
    if truth_path.exists() and json.loads(truth_path.read_text())["plan"] == key:
        return str(data_path)
    os.makedirs(folder, exist_ok=True)
    table, probabilities = draw(plan)
    truth = {"plan": key, "bayes_auc": expected_auc(probabilities)}
    partial = f"{data_path}.partial"
    pa.csv.write_csv(table, partial)
    os.replace(partial, data_path)
    write_whole(truth_path, json.dumps(truth))
    return str(data_path)


def read_truth(data_path: str) -> float | None:
    """Returns the best possible AUC of a generated log, None for any other data."""
    truth_path = Path(data_path).with_name("truth.json")
    if Path(data_path).name != "clicks.csv" or not truth_path.exists():
        return None
    return json.loads(truth_path.read_text())["bayes_auc"]


def _generator(seed: int, name: str) -> np.random.Generator:
    # A stream per name: changing one field leaves the others as they were.
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))


def _zipf(
    rng: np.random.Generator, rows: int, cardinality: int, tail: float
) -> np.ndarray:
    weights = np.arange(1, cardinality + 1, dtype=np.float64) ** -tail
    edges = np.cumsum(weights / weights.sum())
    return np.searchsorted(edges[:-1], rng.random(rows))


def _word(name: str, rank: int) -> str:
    return hashlib.blake2b(f"{name}/{rank}".encode(), digest_size=4).hexdigest()


def _effect(rng: np.random.Generator, levels: list[np.ndarray]) -> np.ndarray:
    """Returns an effect per row of mean 0 and standard deviation 1, (rows,)."""
    effect = np.ones(len(levels[0]))
    for level in levels:
        # Centred, so that the product has no effect of a lower order.
        factor = rng.uniform(-1.0, 1.0, level.max() + 1)[level]
        effect *= factor - factor.mean()
    return (effect - effect.mean()) / effect.std()

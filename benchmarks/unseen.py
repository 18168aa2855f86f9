"""What id dropout is worth on rows with an id that training never saw.

Training keeps every value that it meets (`min_count` 1), so that none of its rows has
an out-of-vocabulary id. Of the eval rows, some have a new value in the first field,
some in the second, a few in both; the others have none. DeepFM with all defaults but
the rate of id dropout, three seeds each; AUC and log loss apart for rows with an unseen
id and without. With id dropout, AUC on the former should be better than with none.
"""

import json
import sys
from itertools import combinations

import numpy as np
from drawing import (
    Log,
    chance,
    encoded,
    predicted,
    scaled,
    scores,
    summary,
    trained,
    zipf_values,
)

TRAIN_ROWS, EVAL_ROWS = 60_000, 30_000
SIZES = [5_000, 2_000, 200, 100, 50, 30, 20, 20, 10, 10]
NEW_FIELDS, NEW_SHARE = (0, 1), 0.15  # of eval rows, in each of these fields
ZIPF, LATENT_DIM, BIAS = 1.0, 4, -1.6
FIRST_ORDER, PAIRS = 1.0, 0.7  # standard deviations of the parts of the logit
RATES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2)
SEEDS = (0, 1, 2)


def draw(min_count: int) -> Log:
    """Returns the log; values with fewer train rows share the out-of-vocabulary id."""
    generator = np.random.default_rng(0)
    values = zipf_values(generator, SIZES, TRAIN_ROWS + EVAL_ROWS, ZIPF)  # (N, F)
    for field in NEW_FIELDS:
        rows = TRAIN_ROWS + np.flatnonzero(generator.random(EVAL_ROWS) < NEW_SHARE)
        values[rows, field] = SIZES[field] + generator.integers(0, 1_000, len(rows))
    numbers = values.max(axis=0) + 1
    weights, vectors = [], []
    for number, column in zip(numbers, values.T, strict=True):
        weights.append(generator.normal(size=number)[column])
        vectors.append(generator.normal(size=(number, LATENT_DIM))[column])
    pairs = sum((a * b).sum(axis=1) for a, b in combinations(vectors, 2))
    logits = BIAS + scaled(np.sum(weights, axis=0), FIRST_ORDER) + scaled(pairs, PAIRS)
    chances = chance(logits)
    clicks = (generator.random(len(values)) < chances).astype(np.float32)
    fields, ids = encoded(values, TRAIN_ROWS, min_count)
    return Log(fields, ids, chances, clicks, TRAIN_ROWS)


def kinds_of_rows(log: Log) -> dict[str, np.ndarray]:
    """Returns which eval rows have an unseen id, and which have known ids only."""
    unknown = [field.num_ids - 1 for field in log.fields]
    unseen = (log.evaluation[0] == unknown).any(axis=1)
    return {"unseen": unseen, "known": ~unseen, "all": np.ones_like(unseen)}


def figures(log: Log, rate: float) -> dict[str, dict[str, str]]:
    """Returns mean and standard deviation over the seeds, per kind of row."""
    from components.trainer.config import TrainConfig
    from model.config import ModelConfig

    ids, clicks = log.evaluation
    policy = ModelConfig(policy_type="deepfm", id_dropout=rate)
    kinds = kinds_of_rows(log)
    found: dict[str, list[dict[str, float]]] = {kind: [] for kind in kinds}
    for seed in SEEDS:
        model, _ = trained(log, policy, TrainConfig(seed=seed))
        chances = predicted(model, ids)
        for kind, rows in kinds.items():
            found[kind].append(scores(clicks[rows], chances[rows]))
    return {kind: summary(runs) for kind, runs in found.items()}


def main() -> None:
    """Prints the figures as JSON; an argument is another min_count."""
    log = draw(min_count=int(sys.argv[1]) if len(sys.argv) > 1 else 1)
    kinds, clicks = kinds_of_rows(log), log.evaluation[1]
    found = {
        "eval_rows": {kind: int(rows.sum()) for kind, rows in kinds.items()},
        "best_possible": {
            kind: scores(clicks[rows], log.best[rows]) for kind, rows in kinds.items()
        },
        "id_dropout": {rate: figures(log, rate) for rate in RATES},
    }
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()

"""Whether models find the interactions that they are made for.

Two planted truths over 8 fields of 10 ids, drawn evenly, and the AUC of the true
probabilities on the eval rows, above which no model can get but by luck:

- pairs: first-order weights and dot products of latent vectors, an FM's own truth. FM
  and DeepFM should come within 0.003 of the best possible AUC, LR stay 0.02 below it.
- triples: to these, the product of three fields' signs is added, for two triples of
  fields. Ids of both signs are equally many, so no pair of fields tells of it. DeepFM,
  DCN V2 and xDeepFM should beat FM by 0.01.

Settings are the defaults, but that triples have 8 epochs at most, to save minutes. What
was chosen is the data: ids so few that each is seen ten thousands of times, lest the
error of estimation hide what a model can express. Triples need their many rows: from
150,000 on four weaker triples, DCN V2 and xDeepFM stopped early before they found any.
"""

import json
from itertools import combinations

import numpy as np
from drawing import (
    Log,
    chance,
    fields_of,
    predicted,
    scaled,
    scores,
    trained,
    zipf_values,
)

FIELDS, IDS_OF_A_FIELD, LATENT_DIM, BIAS = 8, 10, 4, -1.5
EVAL_ROWS = 50_000
# The standard deviation of each part of the logit.
FIRST_ORDER, PAIRS, TRIPLES = 0.8, 1.0, 1.0
TRIPLE_FIELDS = ((0, 1, 2), (3, 4, 5))
TRAIN_ROWS = {"pairs": 400_000, "triples": 200_000}
EPOCHS = {"pairs": None, "triples": 8}
MODELS = {
    "pairs": ("lr", "fm", "deepfm"),
    "triples": ("fm", "deepfm", "dcn_v2", "xdeepfm"),
}


def draw(truth: str) -> Log:
    """Returns the log of a truth."""
    rows = TRAIN_ROWS[truth]
    generator = np.random.default_rng(0)
    sizes = [IDS_OF_A_FIELD] * FIELDS
    values = zipf_values(generator, sizes, rows + EVAL_ROWS, 0.0)  # (N, F)
    field = np.arange(FIELDS)
    weights = generator.normal(size=(FIELDS, IDS_OF_A_FIELD))
    first_order = weights[field, values].sum(axis=1)  # (N,)
    latent = generator.normal(size=(FIELDS, IDS_OF_A_FIELD, LATENT_DIM))
    vectors = latent[field, values]  # (N, F, D)
    pairs = sum(
        (vectors[:, i] * vectors[:, j]).sum(axis=1)
        for i, j in combinations(range(FIELDS), 2)
    )
    logits = BIAS + scaled(first_order, FIRST_ORDER) + scaled(pairs, PAIRS)
    if truth == "triples":
        halves = np.tile([1.0, -1.0], (FIELDS, IDS_OF_A_FIELD // 2))
        signs = generator.permuted(halves, axis=1)[field, values]  # (N, F)
        products = sum(signs[:, list(three)].prod(axis=1) for three in TRIPLE_FIELDS)
        logits += scaled(products, TRIPLES)
    chances = chance(logits)
    clicks = (generator.random(len(values)) < chances).astype(np.float32)
    return Log(fields_of(sizes), 1 + values, chances, clicks, rows)


def figures(truth: str) -> dict[str, object]:
    """Returns each model's AUC, and how far it is below the best possible."""
    from components.trainer.config import TrainConfig
    from model.config import ModelConfig

    log = draw(truth)
    config = TrainConfig(epochs=EPOCHS[truth])
    ids, clicks = log.evaluation
    best = scores(clicks, log.best)["auc"]
    found = {}
    for policy_type in MODELS[truth]:
        model, _ = trained(log, ModelConfig(policy_type=policy_type), config)
        found[policy_type] = scores(clicks, predicted(model, ids))["auc"]
    return {
        "train_rows": log.train_rows,
        "auc_best_possible": best,
        "auc": found,
        "below_best_possible": {name: round(best - a, 5) for name, a in found.items()},
        "above_fm": {name: round(a - found["fm"], 5) for name, a in found.items()},
    }


def main() -> None:
    """Prints the figures as JSON."""
    print(json.dumps({truth: figures(truth) for truth in MODELS}, indent=2))


if __name__ == "__main__":
    main()

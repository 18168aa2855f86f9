"""A log of two features that tests of changed data share."""

from tests.e2e.running import Experiment


def experiment(folder, **settings):
    """Returns an experiment on `log.csv` of a folder, and its `schema.pbtxt`.

    Args:
        folder: Of both.
        settings: Of the experiment; `dataset` is added to what the log needs.
    """
    dataset = {
        "name": "shop",
        "label": {"column": "click"},
        "features": {
            "device": {"type": "categorical"},
            "price": {"type": "numeric", "buckets": 4},
        },
        "path": "log.csv",
        "curated_schema": "schema.pbtxt",
        **settings.pop("dataset", {}),
    }
    return Experiment(folder, "shop").write(
        dataset=dataset,
        policy_configs={"scoring_policy": {"policy_type": "fm"}},
        training={"epochs": 1},
        evaluation={"auc_floor": 0.0, "max_auc_drop": None, "calibration": None},
        **settings,
    )

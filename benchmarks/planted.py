"""DeepFM against a logistic regression and the best possible AUC, on planted effects.

Runs the pipeline on the generated log (100,000 rows, 40 columns), then fits
scikit-learn's logistic regression on the very ids that the Trainer read, at several
strengths of regularisation of which it keeps the best on the eval split itself.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np

_ROOT = Path("runs") / "bench"
_STRENGTHS = (0.01, 0.03, 0.1, 0.3)


def _load(split: str) -> tuple[np.ndarray, np.ndarray]:
    import tensorflow_transform as tft

    from components.trainer import datasets
    from schema.contract import IDS

    transform = _ROOT / "generated" / "artifacts" / "Transform"
    [graph] = (transform / "transform_graph").iterdir()
    [examples] = (transform / "transformed_examples").iterdir()
    spec = tft.TFTransformOutput(str(graph)).transformed_feature_spec()
    files = [str(examples / f"Split-{split}" / "*")]
    [(features, labels)] = datasets.read(files, spec, "click", batch_size=1 << 20)
    return features[IDS].numpy(), labels.numpy()[:, 0]


def _logistic_regression_auc() -> float:
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.preprocessing import OneHotEncoder

    (ids, labels), (eval_ids, eval_labels) = _load("train"), _load("eval")
    encoder = OneHotEncoder(handle_unknown="ignore").fit(ids)
    rows, eval_rows = encoder.transform(ids), encoder.transform(eval_ids)
    return max(
        roc_auc_score(
            eval_labels,
            LogisticRegression(C=strength, max_iter=500)
            .fit(rows, labels)
            .decision_function(eval_rows),
        )
        for strength in _STRENGTHS
    )


def main() -> None:
    """Prints the figures as JSON."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    shutil.rmtree(_ROOT, ignore_errors=True)
    command = [sys.executable, "-m", "pipeline", "run", "--root", str(_ROOT)]
    subprocess.run(command, check=True)
    summary = json.loads((_ROOT / "generated" / "summary.json").read_text())
    auc, best = summary["metrics"]["auc"], summary["bayes_auc"]
    linear = _logistic_regression_auc()
    figures = {
        "rows": summary["rows"],
        "seconds": summary["seconds"],
        "auc_best_possible": round(best, 6),
        "auc_deepfm": round(auc, 6),
        "auc_logistic_regression": round(linear, 6),
        "below_best_possible": round(best - auc, 6),
        "above_logistic_regression": round(auc - linear, 6),
    }
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()

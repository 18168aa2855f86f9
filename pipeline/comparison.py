"""Trains models side by side on the same data and says which one is worth its cost."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from components.files import write_whole
from model.registry import POLICY_TYPES
from pipeline import local_runner, ranking, workspace
from pipeline.config import PipelineConfig
from pipeline.console import RunConsole, quiet
from schema.errors import ConfigError

GBDT = "gbdt"
DEFAULT_MODELS = (
    "lr", "fm", "wide_deep", "deepfm", "dcn_v2", "xdeepfm", "autoint", GBDT,
)  # fmt: skip


def compare(
    config: PipelineConfig,
    models: Sequence[str],
    seeds: int,
    root: str,
    debug: bool = False,
) -> dict[str, Any]:
    """Trains every model once per seed, on one transformed table.

    The data goes through the pipeline as far as Transform, or comes from an earlier
    run. What comes of it lies in `<root>/<name>/compare/`, as JSON and as a chart.

    Args:
        config: The experiment.
        models: Names of `policy_configs`, policy_types, or `gbdt` for LightGBM.
        seeds: How many, from `training.seed` on.
        root: The folder of runs.
        debug: Lets everything that libraries print through.

    Returns:
        The figures, as they stand in `compare.json`.

    Raises:
        ConfigError: A model is not known, its settings do not fit the data, its
            training diverged, or the run's folder cannot be used.
        DataError: The data is not what was declared.
    """
    experiments = {name: _experiment(config, name) for name in dict.fromkeys(models)}
    with workspace.opened(config, root) as (config, folder):
        log_path = str(folder / "log.txt")
        with quiet(log_path, debug) as shown:
            shown.say(f"{config.name}: {config.dataset.path}")
            shown.say(f"full log: {log_path}")
            metadata_path = local_runner.run_stages(
                config, folder, shown, ["Transform"]
            )
            first = config.training.seed
            trials: dict[str, list[Any]] = {name: [] for name in experiments}
            with shown.listening():
                for name, trial in _trials(
                    config,
                    experiments,
                    range(first, first + seeds),
                    metadata_path,
                    shown,
                ):
                    trials[name].append(trial)
            result = {
                "config": str(folder / "config.yaml"),
                "seeds": list(range(first, first + seeds)),
                **_figures(trials),
            }
            _write(result, folder / "compare")
    return result


def describe(result: dict[str, Any]) -> str:
    """Returns the figures as a table, best model first, and the verdict in words."""
    rows = [
        ("", "AUC", "log loss", "parameters", "examples/s", "100 rows, p50", "size")
    ]
    rows += [
        (
            name,
            _with_spread(model["auc"]),
            _with_spread(model["log_loss"]),
            f"{model['parameters']:,}",
            f"{model['training_examples_per_second']:,.0f}",
            f"{model['latency_ms']['p50']:.2f} ms",
            f"{model['size_bytes'] / 1024:,.0f} KiB",
        )
        for name, model in result["models"].items()
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    place = Path(result["config"]).parent / "compare"
    saved = f"{place / 'compare.json'}, {place / 'compare.png'}"
    return "\n".join(["", *lines, "", result["verdict"], "", saved])


def verdict(lead: ranking.Lead) -> str:
    """Returns in words whether the first model is better than the second."""
    if lead.seeds_error is None:
        seeds = "with one seed, what a seed changes is not known"
    else:
        seeds = f"{lead.seeds_error:.6f} by seeds"
    words = (
        f"{lead.first} is first by AUC, {lead.second} second, {lead.difference:.6f} "
        f"apart; the standard error is {lead.error:.6f} "
        f"({lead.rows_error:.6f} by rows, {seeds}). "
    )
    if lead.clear:
        words += "The difference is more than the noise."
    else:
        words += "The difference is within the noise: choose by cost."
    if lead.first == GBDT:
        words += (
            " Trees win here, as they do on data that is small or mostly numeric:"
            " LightGBM is the one to beat before embeddings are worth their upkeep."
        )
    return words


def _experiment(config: PipelineConfig, name: str) -> PipelineConfig:
    known = [*config.policy_configs.named(), *POLICY_TYPES, GBDT]
    if name not in known:
        raise ConfigError(
            f"--models: {name!r} is none of {', '.join(known)}. The first of these are "
            "the experiment's policy_configs."
        )
    if name == GBDT:
        return config
    try:
        return config.with_policy(name)
    except ValidationError as error:
        message = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise ConfigError(f"--models: {name} cannot be trained: {message}.") from error


def _trials(
    config: PipelineConfig,
    experiments: Mapping[str, PipelineConfig],
    seeds: Sequence[int],
    metadata_path: str,
    shown: RunConsole,
) -> Iterator[tuple[str, Any]]:
    """Yields each model's trial with each seed; models take turns."""
    # Slow to import, and noisy: only now, when the noise goes to the log.
    from components.trainer import datasets, gbdt, trials
    from pipeline.record import RunRecord

    record = RunRecord(metadata_path)
    # By span, where there are spans; all are judged by the latest, as in a run.
    examples = record.outputs("ExampleGen", "examples")
    hold_out = config.training.calibration is not None
    splits = record.transformed(config.dataset, hold_out)
    raw_train, raw_eval = (
        datasets.read_raw(
            [f"{artifact.uri}/Split-{split}/*" for artifact in artifacts],
            config.dataset,
            splits.transform,
        )
        for split, artifacts in (("train", examples), ("eval", examples[-1:]))
    )
    for seed in seeds:
        for name, experiment in experiments.items():
            shown.say(f"  {name}, seed {seed} ...")
            begun = time.monotonic()
            if name == GBDT:
                trial = gbdt.run(
                    splits.fields,
                    raw_train,
                    raw_eval,
                    seed,
                    config.dataset.negatives(),
                    config.training.calibration,
                )
            else:
                training = experiment.training.model_copy(update={"seed": seed})
                trial = trials.run(splits, raw_eval, experiment.policy, training)
            shown.stop_bar()
            if not np.all(np.isfinite(trial.scores)):
                raise ConfigError(
                    f"{name}, seed {seed}: training diverged, its scores are not "
                    "numbers. Lower the learning_rate, or scale the numeric features."
                )
            auc, seconds = trial.auc(), time.monotonic() - begun
            shown.say(f"  {name}, seed {seed}: AUC {auc:.6f} in {seconds:.1f} s")
            yield name, trial


def _figures(trials: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    """Returns what stands in `compare.json` of all models, best first."""
    models = {
        name: {
            "auc": _spread([t.auc() for t in several]),
            "log_loss": _spread([t.log_loss() for t in several]),
            "parameters": round(np.mean([t.parameters for t in several])),
            "size_bytes": round(np.mean([t.size_bytes for t in several])),
            "training_examples_per_second": _median(
                [t.examples_per_second for t in several]
            ),
            "latency_ms": {
                f"p{q}": _median([np.percentile(t.latencies_ms, q) for t in several])
                for q in (50, 99)
            },
        }
        for name, several in trials.items()
    }
    figures: dict[str, Any] = {
        "models": dict(sorted(models.items(), key=lambda m: -m[1]["auc"]["mean"])),
        "verdict": "One model alone: there is nothing to compare it with.",
    }
    if len(trials) > 1:
        first = next(iter(trials.values()))[0]
        lead = ranking.lead(
            first.labels,
            {name: [t.scores for t in several] for name, several in trials.items()},
            first.weights,
        )
        figures["lead"] = {
            "first": lead.first,
            "second": lead.second,
            "difference": lead.difference,
            "standard_error": lead.error,
            "more_than_noise": lead.clear,
        }
        figures["verdict"] = verdict(lead)
    return figures


def _write(result: dict[str, Any], folder: Path) -> None:
    from pipeline import chart

    folder.mkdir(exist_ok=True)
    write_whole(folder / "compare.json", json.dumps(result, indent=2) + "\n")
    write_whole(folder / "compare.png", chart.draw(result["models"]))


def _spread(values: Sequence[float]) -> dict[str, Any]:
    sd = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return {"mean": float(np.mean(values)), "sd": sd, "values": list(values)}


def _with_spread(spread: Mapping[str, Any]) -> str:
    sd = spread["sd"]
    return f"{spread['mean']:.4f}" + (f" ± {sd:.4f}" if sd is not None else "")


def _median(values: Sequence[float]) -> float:
    return float(np.median(values))

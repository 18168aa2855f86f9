"""Runs an experiment on this machine and says what came of it."""

import contextlib
import fcntl
import json
import logging
import os
import shlex
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from components.example_gen import click_log, inputs, reader
from components.files import write_whole
from pipeline import loading
from pipeline.config import PipelineConfig
from pipeline.console import RunConsole, quiet
from schema.contract import DEFAULT_GRPC_PORT
from schema.errors import ConfigError

_GENERATED = "generated"


def run(config: PipelineConfig, root: str, debug: bool = False) -> dict[str, Any]:
    """Runs the whole DAG.

    Everything a run leaves behind lies in `<root>/<name>/`. A run that was stopped is
    taken up where it was: finished components are not run again.

    Args:
        config: The experiment.
        root: The folder of runs.
        debug: Lets everything that libraries print through.

    Returns:
        The summary, as it stands in `summary.json`.

    Raises:
        ConfigError: The run's folder cannot be used.
        DataError: The data is not what was declared.
    """
    folder = Path(root) / config.name
    begun = time.monotonic()
    with _held(folder):
        config = _with_data(config, folder)
        reader.check_first_rows(config.dataset)
        _check_places(config)
        loading.dump(config, str(folder / "config.yaml"))
        log_path = str(folder / "log.txt")
        with quiet(log_path, debug) as console:
            console.print(f"{config.name}: {config.dataset.path}", highlight=False)
            console.print(f"full log: {log_path}", highlight=False)
            shown = RunConsole(console)
            summary: dict[str, Any] = {
                "config": str(folder / "config.yaml"),
                "dataset": config.dataset.name,
                "data": config.dataset.path,
                "policy_type": config.policy.policy_type,
            }
            try:
                summary |= _run_dag(config, folder, shown)
            except BaseException as error:
                summary["error"] = f"{shown.component or 'the runner'}: {error}"
                raise
            finally:
                shown.stop_bar()
                total = round(time.monotonic() - begun, 1)
                summary["seconds"] = {**shown.seconds, "total": total}
                write_whole(
                    folder / "summary.json", json.dumps(summary, indent=2) + "\n"
                )
    return summary


def describe(summary: dict[str, Any], command: str) -> str:
    """Returns a summary in words, and how to go on with `command`."""
    name = Path(summary["config"]).parent.name
    metrics, rows = summary["metrics"], summary["rows"]
    best = summary.get("bayes_auc")
    lines = [
        "",
        f"rows        {rows['train']:,} train, {rows['eval']:,} eval"
        + _quarantined(summary),
        f"AUC         {metrics['auc']:.6f}"
        + (f"   (best possible: {best:.6f})" if best else ""),
        f"log loss    {metrics['logloss']:.6f}",
        f"calibration {metrics['calibration']:.4f}   (mean prediction / mean label)",
        f"blessed     {'yes' if summary['blessed'] else 'no'}: {summary['verdict']}",
    ]
    if path := summary["pushed_path"]:
        target = f"localhost:{DEFAULT_GRPC_PORT}"
        serving_dir = os.path.dirname(path)
        score = [summary["data"], "scores.csv", "--target", target, "--model"]
        score += [name, "--config", summary["config"]]
        lines += [
            f"pushed      version {summary['pushed_version']}, {path}",
            "",
            f"serve it:   {command} serve {shlex.quote(serving_dir)}",
            f"score with: {command} score {shlex.join(score)}",
        ]
    else:
        lines.append("pushed      nothing")
    lines += ["", f"{summary['seconds']['total']} s in all; the summary is in"]
    return "\n".join([*lines, str(Path(summary["config"]).with_name("summary.json"))])


def _quarantined(summary: dict[str, Any]) -> str:
    if not summary["rows"]["quarantined"]:
        return ""
    reasons = [f"{n:,} {reason}" for reason, n in summary["quarantined"].items()]
    return (
        f", {summary['rows']['quarantined']:,} set aside ({', '.join(reasons)}), see\n"
        f"            {summary['quarantine']}"
    )


def _run_dag(config: PipelineConfig, folder: Path, shown: RunConsole) -> dict[str, Any]:
    # Slow to import, and noisy: only now, when the noise goes to the log.
    import absl.logging
    from tfx.orchestration.local.local_dag_runner import LocalDagRunner

    from pipeline.code_version import code_version
    from pipeline.pipeline import create_pipeline
    from pipeline.record import RunRecord, verdict

    serving_dir = config.push.destination or str(folder / "serving" / config.name)
    metadata_path = str(folder / "metadata.db")
    logger = logging.getLogger()
    logger.setLevel(logging.INFO)
    absl.logging.set_verbosity(absl.logging.INFO)
    logger.addHandler(shown)
    try:
        LocalDagRunner().run(
            create_pipeline(
                config,
                pipeline_root=str(folder / "artifacts"),
                metadata_path=metadata_path,
                serving_dir=os.path.abspath(serving_dir),
                code_version=code_version(),
            )
        )
    finally:
        logger.removeHandler(shown)
    record = RunRecord(metadata_path)
    metrics, baseline = record.metrics(), record.baseline_metrics()
    pushed = record.pushed()
    return {
        "rows": record.rows(),
        "quarantined": record.quarantined(),
        "quarantine": record.quarantine(),
        "metrics": metrics,
        "baseline_metrics": baseline,
        "bayes_auc": click_log.read_truth(str(config.dataset.path)),
        "blessed": record.blessed(),
        "verdict": verdict(config.evaluation, metrics, baseline),
        "pushed_version": pushed[0] if pushed else None,
        "pushed_path": pushed[1] if pushed else None,
    }


def _with_data(config: PipelineConfig, folder: Path) -> PipelineConfig:
    """Returns the experiment with its data's path; draws the log if it has none."""
    path = config.dataset.path
    if path is None and config.dataset.name == _GENERATED:
        path = click_log.ensure(str(folder / "data"), click_log.load_plan())
    if path is None or inputs.is_remote(path):
        return config
    dataset = config.dataset.model_copy(update={"path": os.path.abspath(path)})
    return config.model_copy(update={"dataset": dataset})


def _check_places(config: PipelineConfig) -> None:
    """Refuses what would end the run only after long work."""
    schema = config.dataset.curated_schema
    if schema and not os.path.isfile(schema):
        raise ConfigError(
            f"dataset.curated_schema: {schema} does not exist. Mend the path, or "
            "remove the key to have a schema inferred."
        )
    destination = config.push.destination
    if destination is None:
        return
    try:
        os.makedirs(destination, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"push.destination: {destination} cannot be made: {error.strerror}."
        ) from error
    if not os.access(destination, os.W_OK):
        raise ConfigError(f"push.destination: {destination} cannot be written to.")


@contextlib.contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Holds a run's folder, so that two runs never write to it at once."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = open(folder / ".lock", "w")
    except OSError as error:
        raise ConfigError(
            f"{folder} cannot be written to: {error.strerror}. "
            "Give another folder with --root."
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ConfigError(
                f"{folder} is in use by another run. Wait for it, or give this "
                "one another name (--set name=NAME)."
            ) from error
        yield

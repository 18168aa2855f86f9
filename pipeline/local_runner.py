"""Runs an experiment on this machine and says what came of it."""

import json
import math
import os
import shlex
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from components.example_gen import click_log
from components.files import write_whole
from pipeline import workspace
from pipeline.config import PipelineConfig
from pipeline.console import RunConsole, quiet
from schema.contract import DEFAULT_GRPC_PORT
from schema.errors import DataAnomalyError


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
    begun = time.monotonic()
    with workspace.opened(config, root) as (config, folder):
        log_path = str(folder / "log.txt")
        with quiet(log_path, debug) as shown:
            shown.say(f"{config.name}: {config.dataset.path}")
            shown.say(f"full log: {log_path}")
            summary: dict[str, Any] = {
                "config": str(folder / "config.yaml"),
                "dataset": config.dataset.name,
                "data": config.dataset.path,
                "policy_type": config.policy.policy_type,
                "findings": [],
            }
            try:
                summary |= _run_dag(config, folder, shown)
            except BaseException as error:
                summary["error"] = f"{shown.component or 'the runner'}: {error}"
                if isinstance(error, DataAnomalyError):
                    summary["findings"] = error.findings
                raise
            finally:
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
        *_spans(summary["span_names"]),
        f"rows        {rows['train']:,} train, {rows['eval']:,} eval"
        + (f", {rows['sampled_out']:,} sampled out" if "sampled_out" in rows else "")
        + _quarantined(summary),
        *_serving(summary["serving"]),
        f"AUC         {_figure(metrics['auc'], 6)}"
        + (f"   (best possible: {best:.6f})" if best else ""),
        f"log loss    {_figure(metrics['logloss'], 6)}",
        f"calibration {_figure(metrics['calibration'], 4)}"
        "   (mean prediction / mean label)",
        *([f"corrected   {done}"] if (done := summary["correction"]) else []),
        f"blessed     {'yes' if summary['blessed'] else 'no'}: {summary['verdict']}",
        f"report      {summary['report']}",
    ]
    if path := summary["pushed_path"]:
        target = f"localhost:{DEFAULT_GRPC_PORT}"
        serving_dir = os.path.dirname(path)
        compose = Path(summary["config"]).parent / "serving" / "docker-compose.yaml"
        score = [summary["data"], "scores.csv", "--target", target, "--model"]
        score += [name, "--config", summary["config"]]
        lines += [
            f"pushed      version {summary['pushed_version']}, {path}",
            "",
            f"serve it:   {command} serve {shlex.quote(serving_dir)}",
            f"in docker:  docker compose -f {shlex.quote(str(compose))} up",
            f"score with: {command} score {shlex.join(score)}",
        ]
    else:
        lines.append("pushed      nothing")
    lines += ["", f"{summary['seconds']['total']} s in all; the summary is in"]
    return "\n".join([*lines, str(Path(summary["config"]).with_name("summary.json"))])


def run_stages(
    config: PipelineConfig,
    folder: Path,
    shown: RunConsole,
    to_nodes: Sequence[str] = (),
) -> str:
    """Runs the DAG, or what some of its nodes need.

    Args:
        config: The experiment.
        folder: Of the run.
        shown: Shows what goes on.
        to_nodes: The last nodes to run; without any, all.

    Returns:
        The path of the metadata file, which knows what came of it.
    """
    # Slow to import, and noisy: only now, when the noise goes to the log.
    from tfx.orchestration.local.local_dag_runner import LocalDagRunner
    from tfx.orchestration.pipeline import RunOptions

    from pipeline.code_version import code_version
    from pipeline.pipeline import create_pipeline

    serving_dir = config.push.destination or str(folder / "serving" / config.name)
    metadata_path = str(folder / "metadata.db")
    with shown.listening():
        LocalDagRunner().run(
            create_pipeline(
                config,
                pipeline_root=str(folder / "artifacts"),
                metadata_path=metadata_path,
                serving_dir=os.path.abspath(serving_dir),
                code_version=code_version(),
            ),
            run_options=RunOptions(to_nodes=list(to_nodes)) if to_nodes else None,
        )
    return metadata_path


def _spans(names: Sequence[str]) -> list[str]:
    if not names:
        return []
    judged = f"; judged by the eval split of {names[-1]}" if len(names) > 1 else ""
    return [f"spans       {', '.join(names)}{judged}"]


def _serving(served: dict[str, Any] | None) -> list[str]:
    if served is None:
        return []
    rows = f"{served['rows']['serving']:,} requests compared with training"
    return [f"serving     {rows}{_quarantined(served)}"]


def _quarantined(summary: dict[str, Any]) -> str:
    """Returns how many rows a reader set aside and why, if any."""
    if not summary["rows"]["quarantined"]:
        return ""
    reasons = [f"{n:,} {reason}" for reason, n in summary["quarantined"].items()]
    return (
        f", {summary['rows']['quarantined']:,} set aside ({', '.join(reasons)}), see\n"
        f"            {summary['quarantine']}"
    )


def _figure(value: float | None, digits: int) -> str:
    return "not defined" if value is None else f"{value:.{digits}f}"


def _of_all_rows(
    metrics: dict[Any, dict[str, float]] | None, config: PipelineConfig
) -> dict[str, float | None] | None:
    """Returns the metrics by name, None where one is not defined: JSON has no NaN."""
    if metrics is None:
        return None
    found = {name: metrics[()].get(name) for name in config.evaluation.metrics()}
    return {n: None if v is None or math.isnan(v) else v for n, v in found.items()}


def _run_dag(config: PipelineConfig, folder: Path, shown: RunConsole) -> dict[str, Any]:
    metadata_path = run_stages(config, folder, shown)
    from components.evaluator.verdict import verdict
    from components.serving import deployment
    from pipeline import reporting
    from pipeline.record import RunRecord

    record = RunRecord(metadata_path)
    evaluation = record.evaluation()
    infra_findings = record.infra_findings()
    pushed = record.pushed()
    if pushed:
        versions_dir = os.path.dirname(pushed[1])
        deployment.write(folder / "serving", config.name, versions_dir)
    spans = record.spans()
    reporting.link_logs(record, folder)
    return {
        "spans": list(spans.values()),
        "span_names": list(spans),
        **record.ingested(),
        "serving": record.served(),
        "metrics": _of_all_rows(evaluation.candidate, config),
        "baseline_metrics": _of_all_rows(evaluation.baseline, config),
        "correction": record.correction(),
        "bayes_auc": click_log.read_truth(str(config.dataset.path)),
        "blessed": record.blessed(),
        "verdict": verdict(
            config.evaluation, evaluation, record.storing(), infra_findings
        ),
        "findings": infra_findings,
        "pushed_version": pushed[0] if pushed else None,
        "pushed_path": pushed[1] if pushed else None,
        "report": reporting.publish(record, folder),
    }

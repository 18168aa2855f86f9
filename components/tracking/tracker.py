"""Hands a run to MLflow, by its own client."""

import os
import time
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

# The client's own patience is minutes, and it tells its makers that it is used.
_SETTINGS = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",  # seconds
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}


class Figure(NamedTuple):
    """A figure of a run.

    Attributes:
        name: As MLflow shows it; what is before a slash is a group.
        value: It.
        step: The epoch, from 0.
    """

    name: str
    value: float
    step: int


def log(
    tracking_uri: str,
    experiment: str,
    parameters: Mapping[str, Any],
    figures: Iterable[Figure],
    tags: Mapping[str, str],
    texts: Mapping[str, str],
) -> None:
    """Logs a run; credentials are MLflow's to find.

    Args:
        tracking_uri: Of MLflow.
        experiment: That the run belongs to; made if it is not there.
        parameters: Settings by name.
        figures: What is drawn.
        tags: Of the run.
        texts: Files by name.

    Raises:
        ConnectionError: MLflow does not answer, or refuses.
    """
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    import mlflow
    from mlflow.entities import Metric, Param, RunTag

    now = int(time.time() * 1000)
    try:
        client = mlflow.MlflowClient(tracking_uri)
        known = client.get_experiment_by_name(experiment)
        place = known.experiment_id if known else client.create_experiment(experiment)
        run = client.create_run(place).info.run_id
        client.log_batch(
            run,
            metrics=[Metric(one.name, one.value, now, one.step) for one in figures],
            params=[Param(name, str(value)) for name, value in parameters.items()],
            tags=[RunTag(name, value) for name, value in tags.items()],
        )
        for name, text in texts.items():
            client.log_text(run, text, name)
        client.set_terminated(run)
    except (mlflow.MlflowException, OSError) as error:
        raise ConnectionError(
            f"mlflow: {tracking_uri} takes no run: {error}. What was pushed stays; run "
            "again, and nothing but the logging is repeated."
        ) from error

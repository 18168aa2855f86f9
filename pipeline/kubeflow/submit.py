"""Hands a compiled pipeline to a Kubeflow Pipelines installation, by its own client.

Credentials are the client's: its context file, its environment variables, the pod's
token. They are neither read nor shown here.
"""

import contextlib
import dataclasses
import hashlib
import io
import json
import socket
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from pipeline.kubeflow.checks import NO_SDK
from schema.errors import (
    ConfigError,
    DataAnomalyError,
    NotPushedError,
    did_you_mean,
)

try:
    import kfp
    import kfp_server_api
except ImportError as error:
    raise ConfigError(NO_SDK) from error

_CONNECT_SECONDS, _READ_SECONDS, _POLL_SECONDS = 5, 60, 10
_ENDED = ("SUCCEEDED", "FAILED", "SKIPPED", "CANCELED", "ERROR")
_TYPES = {"NUMBER_INTEGER": int, "NUMBER_DOUBLE": float, "STRING": str}


@dataclasses.dataclass(frozen=True)
class Submitted:
    """What was started.

    Attributes:
        identifier: Of the run, or of the recurring run.
        page: Its page.
    """

    identifier: str
    page: str


class _Client(kfp.Client):
    """The stock client asks a host that is not well five times over."""

    def get_kfp_healthz(self, sleep_duration: int = 0) -> Any:
        return self._healthz_api.healthz_service_get_healthz(
            _request_timeout=(_CONNECT_SECONDS, _READ_SECONDS)
        )


class Installation:
    """A Kubeflow Pipelines installation."""

    def __init__(self, host: str) -> None:
        """Connects.

        Args:
            host: Its URL.

        Raises:
            ConfigError: That is no URL.
            ConnectionError: It does not answer, or not to us.
        """
        parts = urlsplit(host)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError(f"--host {host}: expected http://... or https://...")
        self._host = host.rstrip("/")
        port = parts.port or (443 if parts.scheme == "https" else 80)
        try:
            address = (parts.hostname, port)
            socket.create_connection(address, _CONNECT_SECONDS).close()
        except OSError as error:
            raise ConnectionError(
                f"no answer from {host} within {_CONNECT_SECONDS} s: {error}. Is the "
                "address right, and forwarded?"
            ) from error
        with self._asking():
            self._client = _Client(host=self._host)

    def submit(
        self,
        path: str,
        experiment: str,
        given: Mapping[str, Any],
        pipeline_root: str | None = None,
        cron: str | None = None,
    ) -> Submitted:
        """Uploads a pipeline, or a version of it, and starts a run.

        Args:
            path: The compiled file.
            experiment: The experiment that the run belongs to; made if it is not there.
            given: The run's parameters.
            pipeline_root: Where its artifacts go, in place of what was compiled.
            cron: Of six fields, seconds first; without it, one run, now.

        Raises:
            ConnectionError: The installation refuses.
        """
        name = read(path)["pipelineInfo"]["name"]
        with self._asking():
            pipeline, version = self._upload(path, name)
            group = self._client.create_experiment(experiment).experiment_id
            asked = {
                "experiment_id": group,
                "job_name": f"{name} {version.display_name}",
                "params": dict(given),
                "pipeline_id": pipeline,
                "version_id": version.pipeline_version_id,
                "pipeline_root": pipeline_root,
            }
            if cron is None:
                found = self._client.run_pipeline(**asked).run_id
                return Submitted(found, f"{self._host}/#/runs/details/{found}")
            recurring = self._client.create_recurring_run(
                cron_expression=cron, no_catchup=True, **asked
            )
            found = recurring.recurring_run_id
            return Submitted(found, f"{self._host}/#/recurringrun/details/{found}")

    def wait(self, run: Submitted) -> None:
        """Waits for a run's end.

        Raises:
            NotPushedError: The model was not blessed.
            DataAnomalyError: The data was refused.
            ConnectionError: The run was cancelled, or the installation went away.
            RuntimeError: A component failed.
        """
        while True:
            with self._asking():
                found = self._client.get_run(run.identifier)
            if str(found.state).upper() in _ENDED:
                break
            time.sleep(_POLL_SECONDS)
        if found.state == "SUCCEEDED":
            return
        failed = _failed(found)
        if "Verdict" in failed:
            raise NotPushedError(f"nothing was pushed, see {run.page}.")
        if "AnomalyGate" in failed:
            raise DataAnomalyError(f"the data was refused, see {run.page}.")
        if found.state != "FAILED":
            raise ConnectionError(f"the run ended as {found.state}, see {run.page}.")
        raise RuntimeError(f"{', '.join(failed) or 'the run'} failed, see {run.page}")

    def _upload(self, path: str, name: str) -> tuple[str, Any]:
        """Returns the ids of a pipeline and of the version that a file is."""
        version = hashlib.sha256(Path(path).read_bytes()).hexdigest()[:16]
        pipeline = self._client.get_pipeline_id(name)
        if pipeline is None:
            pipeline = self._client.upload_pipeline(path, name).pipeline_id
        asked = {"operation": 1, "key": "display_name", "stringValue": version}
        there = self._client.list_pipeline_versions(
            pipeline, filter=json.dumps({"predicates": [asked]})
        )
        for one in there.pipeline_versions or ():
            if one.display_name == version:
                return pipeline, one
        made = self._client.upload_pipeline_version(path, version, pipeline)
        return pipeline, made

    @contextlib.contextmanager
    def _asking(self) -> Iterator[None]:
        """Turns what the client raises into one sentence; it prints none of its own."""
        try:
            with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield
        except kfp_server_api.ApiException as error:
            if error.status in (401, 403):
                raise ConnectionError(
                    f"{self._host} does not let us in ({error.status}). Give the kfp "
                    "client its credentials as the installation asks for them."
                ) from error
            reason = error.reason or "no answer"
            raise ConnectionError(
                f"{self._host} refuses ({error.status}): {reason}."
            ) from error
        except OSError as error:
            raise ConnectionError(f"{self._host} went away: {error}.") from error


def read(path: str) -> dict[str, Any]:
    """Returns the pipeline spec in a compiled file.

    Raises:
        ConfigError: It holds none.
    """
    try:
        found = next(yaml.safe_load_all(Path(path).read_text()), None)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path} cannot be read: {error}.") from error
    if not isinstance(found, dict) or "pipelineInfo" not in found:
        raise ConfigError(f"{path} is no compiled pipeline: deepfm compile makes one.")
    return found


def typed(path: str, given: Sequence[str]) -> dict[str, Any]:
    """Returns the parameters of a run, as the pipeline declares them.

    Args:
        path: The compiled file.
        given: `NAME=VALUE` each.

    Raises:
        ConfigError: One is unknown or has another type.
    """
    declared = read(path)["root"].get("inputDefinitions", {}).get("parameters", {})
    values = {}
    for one in given:
        name, equals, text = one.partition("=")
        if not equals:
            raise ConfigError(f"--set {one}: expected NAME=VALUE.")
        if name not in declared:
            raise ConfigError(
                f"--set {one}: the pipeline has no parameter {name!r}"
                f"{did_you_mean(name, declared)} It has {', '.join(sorted(declared))}."
            )
        kind = _TYPES[declared[name]["parameterType"]]
        try:
            values[name] = kind(text)
        except ValueError as error:
            raise ConfigError(
                f"--set {one}: expected {'an integer' if kind is int else 'a number'}."
            ) from error
    return values


def _failed(run: Any) -> list[str]:
    details = run.run_details.task_details if run.run_details else None
    return [one.display_name for one in details or () if one.state == "FAILED"]

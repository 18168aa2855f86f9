"""The models of a server, and which version a request means."""

import contextlib
import threading
from collections.abc import Iterator, Sequence

import grpc
from tensorflow_serving.apis import model_pb2

from components.serving.embedded.limits import Limits
from components.serving.embedded.loaded_model import LoadedModel
from components.serving.embedded.metrics import Metrics
from components.serving.embedded.model_config import ModelConfig
from components.serving.embedded.priority import Niceness, give_way
from components.serving.embedded.served_model import ServedModel, Status
from components.serving.embedded.serving_error import ServingError, invalid

_POLL_SECONDS = 1.0


class VersionManager:
    """The models of a server.

    Requests see a new version once it is loaded and warm, and keep the one they began
    with until they end.
    """

    def __init__(self, limits: Limits, metrics: Metrics) -> None:
        self._limits, self._metrics = limits, metrics
        self._models: dict[str, ServedModel] = {}  # replaced, never changed
        self._changing = threading.Lock()
        self._ended = threading.Event()
        self._poller = threading.Thread(target=self._poll, name="versions", daemon=True)

    def watch(self) -> None:
        """Begins to look for changes of the folders, once a second."""
        self._poller.start()

    def close(self) -> None:
        """Ends the watch and unloads all versions, once no request needs them."""
        self._ended.set()
        if self._poller.is_alive():
            self._poller.join()
        self.reload([])

    def _poll(self) -> None:
        give_way(Niceness.LOADING)
        while not self._ended.wait(_POLL_SECONDS):
            with self._changing:
                for model in self._models.values():
                    model.change(settled=True)

    def reload(self, configs: Sequence[ModelConfig]) -> None:
        """Serves these models, and no others; returns once new ones are available.

        Raises:
            ServingError: FAILED_PRECONDITION if a label means a version that is not
                available, and nothing has changed; UNKNOWN if a new model does not
                load.
        """
        with self._changing:
            self._check_labels(configs)
            before, models = self._models, {}
            for config in configs:
                model = before.get(config.name)
                models[config.name] = model or self._new(config)
                models[config.name].config = config
            self._models = models
            for name in before.keys() - models.keys():
                before[name].unload(before[name].available())
            for model in models.values():
                model.change(settled=False)
            failed = [
                model.why_not()
                for name, model in models.items()
                if name not in before and not model.available()
            ]
            if failed:
                raise ServingError(
                    grpc.StatusCode.UNKNOWN,
                    f"{len(failed)} model(s) did not become available: "
                    f"{'; '.join(failed)}.",
                )

    def _new(self, config: ModelConfig) -> ServedModel:
        return ServedModel(config, self._limits, self._metrics)

    def _check_labels(self, configs: Sequence[ModelConfig]) -> None:
        for config in configs:
            for label, version in config.labels.items():
                if version not in self.available(config.name):
                    raise ServingError(
                        grpc.StatusCode.FAILED_PRECONDITION,
                        f"Request to assign label {label!r} to version {version} of "
                        f"model {config.name!r}, which is not currently available for "
                        "inference.",
                    )

    def available(self, name: str) -> list[int]:
        """Returns the versions of a model that take requests."""
        model = self._models.get(name)
        return model.available() if model else []

    def known(self, name: str) -> bool:
        """Returns whether there is a model of that name."""
        return name in self._models

    @contextlib.contextmanager
    def lease(self, spec: model_pb2.ModelSpec) -> Iterator[LoadedModel]:
        """Yields the version that a request means; it stays in memory meanwhile.

        Raises:
            ServingError: NOT_FOUND if there is none, INVALID_ARGUMENT if the request
                names no model, or a label that does not exist.
        """
        if not spec.name:
            raise invalid("ModelSpec has no name specified.")
        model, wanted = self._models.get(spec.name), None
        if spec.WhichOneof("version_choice") == "version":
            wanted = spec.version.value
        elif spec.WhichOneof("version_choice") == "version_label":
            wanted = _labelled(model, spec)
        version = model.acquire(wanted) if model else None
        if version is None:
            raise self._not_found(spec.name, wanted)
        try:
            yield version
        finally:
            version.release()

    def _not_found(self, name: str, version: int | None) -> ServingError:
        asked = f"Latest({name})" if version is None else f"Specific({name}, {version})"
        here = f"There is no model {name!r}, but {sorted(self._models)}"
        if self.known(name):
            here = f"Model {name!r} has the versions {self.available(name)}"
            here += "" if version is None else f", not version {version}"
        return ServingError(
            grpc.StatusCode.NOT_FOUND,
            f"Servable not found for request: {asked}. {here}.",
        )

    def statuses(self, spec: model_pb2.ModelSpec) -> dict[int, Status]:
        """Returns the status of each version, or of the one that is asked for.

        Raises:
            ServingError: NOT_FOUND if there is none.
        """
        model = self._models.get(spec.name)
        found = model.statuses() if model else {}
        what = f"any versions of model {spec.name!r}"
        if spec.WhichOneof("version_choice") == "version":
            version = spec.version.value
            what = f"version {version} of model {spec.name!r}"
            found = {version: found[version]} if version in found else {}
        if not found:
            raise ServingError(grpc.StatusCode.NOT_FOUND, f"Could not find {what}.")
        return found


def _labelled(model: ServedModel | None, spec: model_pb2.ModelSpec) -> int:
    labels = model.config.labels if model else {}
    if spec.version_label not in labels:
        raise invalid(
            f"Unrecognized servable version label: {spec.version_label!r}; model "
            f"{spec.name!r} has {sorted(labels)}."
        )
    return labels[spec.version_label]

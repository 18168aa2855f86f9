"""A model whose versions come and go with their folders."""

import dataclasses
import gc
import logging
import threading

import grpc
import tensorflow as tf
from tensorflow_serving.apis import get_model_status_pb2

from components.serving.embedded import version_folders, warmup
from components.serving.embedded.limits import Limits
from components.serving.embedded.loaded_model import LoadedModel
from components.serving.embedded.metrics import Metrics
from components.serving.embedded.model_config import ModelConfig
from components.serving.embedded.serving_error import ServingError, from_tensorflow

State = get_model_status_pb2.ModelVersionStatus


@dataclasses.dataclass(frozen=True)
class Status:
    """Where a version is on its way, and what went wrong."""

    state: int
    error: ServingError | None = None


class ServedModel:
    """A configured model. Its versions change on one thread; any thread may ask."""

    def __init__(self, config: ModelConfig, limits: Limits, metrics: Metrics) -> None:
        self.config = config
        self._limits, self._metrics = limits, metrics
        self._lock = threading.Lock()
        self._loaded: dict[int, LoadedModel] = {}
        self._statuses: dict[int, Status] = {}
        self._broken: dict[int, version_folders.Contents] = {}  # as it was found
        self._seen: dict[int, version_folders.Contents] = {}  # by the last poll

    def available(self) -> list[int]:
        """Returns the versions that take requests."""
        with self._lock:
            return sorted(self._loaded)

    def statuses(self) -> dict[int, Status]:
        """Returns the status of every version that there is or was, newest first."""
        with self._lock:
            return dict(sorted(self._statuses.items(), reverse=True))

    def acquire(self, version: int | None) -> LoadedModel | None:
        """Returns a version, the newest for None, to be released; None if not there."""
        with self._lock:
            newest = max(self._loaded, default=-1)
            found = self._loaded.get(newest if version is None else version)
            if found is not None:
                found.acquire()
            return found

    def change(self, settled: bool) -> None:
        """Loads and unloads what the folder and the config ask for.

        A version goes once one that is wanted is available, or none is wanted.

        Args:
            settled: Whether a version has to look the same in two calls, lest it be
                loaded while it is copied.
        """
        try:
            found = version_folders.find(self.config.base_path)
            wanted = self.config.wanted(found)
            new = {v: found[v] for v in wanted if v not in self._loaded}
            contents = {v: version_folders.contents(path) for v, path in new.items()}
        except OSError as error:  # such as a network drive's: what is loaded, stays
            logging.getLogger(__name__).error("%s", error)
            return
        seen, self._seen = self._seen, contents
        for version, path in new.items():
            if settled and seen.get(version) != contents[version]:
                continue
            if self._broken.get(version) != contents[version]:
                self._load(version, path, contents[version])
        if not wanted or any(version in self._loaded for version in wanted):
            self.unload([v for v in self._loaded if v not in wanted])

    def _load(
        self, version: int, path: str, contents: version_folders.Contents
    ) -> None:
        self._broken.pop(version, None)
        self._set(version, Status(State.LOADING))
        try:
            loaded = LoadedModel(self.config.name, version, path)
            try:
                warmup.warm(loaded, self._limits, self._metrics)
            except BaseException:
                loaded.close()
                raise
        except Exception as error:  # whatever is wrong with it: the others go on
            self._broken[version] = contents
            self._set(version, Status(State.END, _reason(path, error)))
            return
        with self._lock:
            self._loaded[version] = loaded
            self._statuses[version] = Status(State.AVAILABLE)

    def unload(self, versions: list[int]) -> None:
        """Takes versions from requests, and from memory once none needs them."""
        for version in sorted(versions):
            with self._lock:
                self._statuses[version] = Status(State.UNLOADING)
                loaded = self._loaded.pop(version)
            loaded.close()
            del loaded
            gc.collect()  # TensorFlow's graph objects have cycles
            self._set(version, Status(State.END))

    def _set(self, version: int, status: Status) -> None:
        with self._lock:
            self._statuses[version] = status

    def why_not(self) -> str:
        """Returns why no version is available."""
        errors = [status.error for status in self.statuses().values() if status.error]
        if errors:
            return errors[0].message
        return (
            f"{self.config.base_path} holds no version, that is no folder named by a "
            "number with a saved_model.pb in it"
        )


def _reason(path: str, error: Exception) -> ServingError:
    if isinstance(error, tf.errors.OpError):
        error = from_tensorflow(error)
    if isinstance(error, ServingError):
        return ServingError(error.code, f"{path} does not load: {error.message}")
    message = f"{path} does not load: {type(error).__name__}: {error}"
    return ServingError(grpc.StatusCode.UNKNOWN, message)

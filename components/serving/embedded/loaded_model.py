"""One version of a model, in memory."""

import os
import threading
from collections.abc import Mapping

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2

from components.serving.embedded import saved_model
from components.serving.embedded.serving_error import (
    from_tensorflow,
    invalid,
    quoted,
)
from components.serving.embedded.tensors import Input
from schema.contract import PREDICT_COLUMNS, RANK


class LoadedModel:
    """A SavedModel in a session of its own.

    A session, not `tf.saved_model.load`: closing it frees the version's variables,
    tables and functions at once, whoever still holds a reference.

    Attributes:
        name, version, path: Of the model, its version, and the version's folder.
        signatures: Name to definition, for requests.
        all_signatures: The same, with what only TensorFlow calls.
        inputs, defaults: Of each signature: an input, and the array that stands for it
            where a request lacks it, by name.
        batches: A signature whose requests can run as one to the one that runs them.
    """

    def __init__(self, name: str, version: int, path: str) -> None:
        """Loads it.

        Raises:
            OSError: There is no SavedModel.
            tf.errors.OpError: It does not load; so with a few other exceptions.
        """
        self.name, self.version, self.path = name, version, path
        self._session = tf.compat.v1.Session(graph=tf.Graph(), config=_threads())
        try:
            self.all_signatures = dict(saved_model.load(self._session, path))
            self.signatures = {
                key: definition
                for key, definition in sorted(self.all_signatures.items())
                if key != saved_model.INIT
            }
            self._run = {
                key: self._session.make_callable(
                    [info.name for info in definition.outputs.values()],
                    [info.name for info in definition.inputs.values()],
                )
                for key, definition in self.signatures.items()
            }
            self.inputs = {
                key: {
                    alias: Input(alias, info)
                    for alias, info in definition.inputs.items()
                }
                for key, definition in self.signatures.items()
            }
            self.defaults = {
                key: {
                    a: tf.make_ndarray(proto)
                    for a, proto in definition.defaults.items()
                }
                for key, definition in self.signatures.items()
            }
        except BaseException:
            self._session.close()
            raise
        self.batches = _batches(self.signatures)
        self._leases = 0
        self._idle = threading.Condition()

    def file(self, relative: str) -> str:
        """Returns the path of a file that lies beside the SavedModel."""
        return os.path.join(self.path, relative)

    def run(
        self, signature: str, inputs: Mapping[str, np.ndarray]
    ) -> dict[str, np.ndarray]:
        """Returns all outputs of a signature.

        Args:
            signature: Its name.
            inputs: One array for each of its inputs.

        Raises:
            ServingError: TensorFlow refuses the inputs.
        """
        definition: meta_graph_pb2.SignatureDef = self.signatures[signature]
        try:
            found = self._run[signature](*(inputs[key] for key in definition.inputs))
        except tf.errors.OpError as error:
            raise from_tensorflow(error) from error
        except UnicodeDecodeError as error:
            # TensorFlow quotes the request in its refusal, and the request is no text.
            raise invalid(quoted(error.object.decode(errors="replace"))) from error
        return dict(zip(definition.outputs, found, strict=True))

    def acquire(self) -> None:
        """Keeps the version in memory until `release`."""
        with self._idle:
            self._leases += 1

    def release(self) -> None:
        """Ends what `acquire` began."""
        with self._idle:
            self._leases -= 1
            self._idle.notify_all()

    def close(self) -> None:
        """Waits until all that acquired it have released it, then frees the memory."""
        with self._idle:
            self._idle.wait_for(lambda: not self._leases)
        self._run.clear()
        self._session.close()
        del self._session


def _threads() -> tf.compat.v1.ConfigProto:
    """Returns which threads run a request.

    The first session of a process says so for all.
    """
    config = tf.compat.v1.ConfigProto()
    # Operations run on the thread that asks, at its priority; only large ones, such as
    # matrix products, are shared out among the cores.
    config.inter_op_parallelism_threads = -1
    # A thread that spins while it has nothing to do takes a core from one that has.
    config.experimental.disable_thread_spinning = True
    return config


def _batches(
    signatures: Mapping[str, meta_graph_pb2.SignatureDef],
) -> dict[str, str]:
    found = {
        name: name
        for name, definition in signatures.items()
        if name != RANK and _is_row_wise(definition)
    }
    if RANK in signatures and PREDICT_COLUMNS in found:
        # Of rank, every row of an output belongs to a request's one context. Where each
        # row has its own, those of several requests can stand together.
        rank, columns = signatures[RANK], signatures[PREDICT_COLUMNS]
        if _kinds(rank.inputs) == _kinds(columns.inputs):
            found[RANK] = PREDICT_COLUMNS
    return found


def _kinds(
    infos: Mapping[str, meta_graph_pb2.TensorInfo],
) -> dict[str, tuple[int, int]]:
    return {
        alias: (info.dtype, len(info.tensor_shape.dim)) for alias, info in infos.items()
    }


def _is_row_wise(definition: meta_graph_pb2.SignatureDef) -> bool:
    """Returns whether dimension 0 of all inputs and outputs is left open: the rows."""
    infos = [*definition.inputs.values(), *definition.outputs.values()]
    return all(
        info.tensor_shape.dim and info.tensor_shape.dim[0].size == -1 for info in infos
    )

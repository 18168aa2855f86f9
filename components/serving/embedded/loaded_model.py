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
from schema.contract import RANK


class LoadedModel:
    """A SavedModel in a session of its own.

    A session, not `tf.saved_model.load`: closing it frees the version's variables,
    tables and functions at once, whoever still holds a reference.

    Attributes:
        name, version, path: Of the model, its version, and the version's folder.
        signatures: Name to definition, for requests.
        all_signatures: The same, with what only TensorFlow calls.
        row_wise: Names of the signatures whose requests can run as one batch.
    """

    def __init__(self, name: str, version: int, path: str) -> None:
        """Loads it.

        Raises:
            OSError: There is no SavedModel.
            tf.errors.OpError: It does not load; so with a few other exceptions.
        """
        self.name, self.version, self.path = name, version, path
        self._session = tf.compat.v1.Session(graph=tf.Graph())
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
        except BaseException:
            self._session.close()
            raise
        # Of rank, every row of an output belongs to a request's one context.
        self.row_wise = {
            key
            for key, definition in self.signatures.items()
            if key != RANK and _is_row_wise(definition)
        }
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


def _is_row_wise(definition: meta_graph_pb2.SignatureDef) -> bool:
    """Returns whether dimension 0 of all inputs and outputs is left open: the rows."""
    infos = [*definition.inputs.values(), *definition.outputs.values()]
    return all(
        info.tensor_shape.dim and info.tensor_shape.dim[0].size == -1 for info in infos
    )

"""The transform graph inside a served model, entered where a request's values are."""

from collections.abc import Iterable, Mapping

import tensorflow as tf
import tensorflow_transform as tft
from tensorflow.core.framework import node_def_pb2

from components.serving.cells import Cells
from components.serving.columns import Columns
from schema.contract import (
    IDS,
    MULTIPLIERS,
    NUMBER_CELLS,
    NUMBER_IDS,
    NUMBER_OWNERS,
    TEXT_CELLS,
    TEXT_IDS,
    TEXT_OWNERS,
    VALUES,
)
from schema.features import Categorical, Dataset

Features = dict[str, tf.Tensor]


class TransformGraph(tf.Module):
    """Transforms raw features by the graph that training used.

    The graph begins by making a table of sparse columns, one after the other. Of dense
    columns that would be most of the cost, and the table would have a ranking request's
    user in every row. So these enter the graph behind it, cell by cell.
    """

    def __init__(self, transform: tft.TFTransformOutput, dataset: Dataset) -> None:
        """Loads the graph.

        Args:
            transform: What Transform wrote.
            dataset: The declaration.
        """
        super().__init__()
        # Not TFT's layer, which would bring a second copy of the vocabulary along.
        self._loaded = tf.saved_model.load(transform.transform_savedmodel_dir)
        self._dataset = dataset

    def features(self, raw: Mapping[str, tf.SparseTensor]) -> Features:
        """Returns what a model is given of parsed tf.Examples."""
        function = self._loaded.transform_fn
        [declared], _ = function.structured_input_signature
        inner = tf.nest.pack_sequence_as(
            declared, function.inputs[: 3 * len(declared)], expand_composites=True
        )
        fed = {
            getattr(inner[name], part).op.name: getattr(column, part)
            for name, column in raw.items()
            for part in ("indices", "values", "dense_shape")
        }
        specs = function.structured_outputs
        outputs = dict(zip(sorted(specs), function.outputs, strict=True))
        wanted = [key for key in (IDS, VALUES) if key in outputs]
        found = self._run(fed, [outputs[key].op.name for key in wanted])
        return {
            key: tf.ensure_shape(tensor, specs[key].shape)
            for key, tensor in zip(wanted, found, strict=True)
        }

    def columns(self, raw: Columns, rows: tf.Tensor) -> Features:
        """Returns what a model is given of dense columns.

        Args:
            raw: Each has B rows, or 1 for all; a second axis where a feature has
                several values. "" and not a number are missing.
            rows: B, int64 ().
        """
        dataset, ids = self._dataset, []
        if categorical := dataset.categorical():
            columns = [_texts(f, raw[name]) for name, f in categorical.items()]
            texts = Cells(columns)
            fed = {TEXT_CELLS: texts.values, TEXT_OWNERS: texts.owners}
            [found] = self._run(fed, [TEXT_IDS])
            # Of what was looked up in a table, TensorFlow does not know the shape.
            found = tf.ensure_shape(found, [None])
            ids.append(tf.gather(found, texts.places(rows)))  # (B, T_c)
        features: Features = {}
        scaled = dataset.scaled()
        if numeric := dataset.numeric():
            numbers = Cells([raw[name] for name in numeric])
            fed = {NUMBER_CELLS: numbers.values, NUMBER_OWNERS: numbers.owners}
            wanted = [NUMBER_IDS, *([MULTIPLIERS] if scaled else [])]
            found, *multipliers = self._run(fed, wanted)
            places = numbers.places(rows)  # (B, M)
            ids.append(tf.gather(found, places))
            if scaled:
                places = tf.gather(places, scaled, axis=1)  # (B, S)
                features[VALUES] = tf.gather(multipliers[0], places)
        order = dataset.id_order()
        features[IDS] = tf.gather(tf.concat(ids, axis=1), order, axis=1)
        return features

    def _run(
        self, fed: Mapping[str, tf.Tensor], wanted: Iterable[str]
    ) -> list[tf.Tensor]:
        """Returns tensors of the graph where others are given.

        Args:
            fed: What stands in the place of nodes, by the node's name.
            wanted: The nodes that depend on these and on nothing else.
        """
        function = self._loaded.transform_fn
        graph = function.graph.as_graph_def()
        for node in graph.node:  # cut it, so that nothing before them is left
            if node.name in fed:
                node.CopyFrom(_placeholder(node.name, fed[node.name]))
        part = tf.compat.v1.graph_util.extract_sub_graph(graph, list(wanted))
        nodes = {node.name for node in part.node}
        given = {f"{name}:0": tensor for name, tensor in fed.items()} | {
            inner.name: tf.identity(outer)  # a table, or a constant
            for outer, inner in function.graph.captures
            if inner.op.name in nodes
        }
        return tf.graph_util.import_graph_def(
            part, given, [f"{name}:0" for name in wanted]
        )


def _placeholder(name: str, tensor: tf.Tensor) -> node_def_pb2.NodeDef:
    """Returns the node in whose place a tensor is given."""
    node = node_def_pb2.NodeDef(name=name, op="Placeholder")
    node.attr["dtype"].type = tensor.dtype.as_datatype_enum
    node.attr["shape"].shape.CopyFrom(tensor.shape.as_proto())
    return node


def _texts(feature: Categorical, column: tf.Tensor) -> tf.Tensor:
    """Returns a column as the graph's table has it: (rows,), or (rows, max_values)."""
    if not feature.separator:
        return column
    # Of several values those that are not empty stand to the left.
    filled = tf.ragged.boolean_mask(column, column != "")
    return filled.to_tensor("", shape=[None, feature.max_values])

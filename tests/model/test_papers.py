"""Each model's logit is what its paper adds up, in float64, from the same weights."""

import numpy as np
import pytest

from schema.contract import IDS, VALUES
from schema.features import EmbeddingField
from tests import reference
from tests.gradients import randomise
from tests.model.examples import PLAIN, VARIANTS, batch, make_variant

SCALED = [
    EmbeddingField(**field.model_dump() | {"scaled": field.name in "bc"})
    for field in PLAIN
]
INPUTS = {
    "plain": (PLAIN, {}),
    "scaled": (SCALED, {}),
    # Fields come by width: d, a, b, c.
    "widths": (SCALED, {"embedding_dims": {"d": 2}}),
}
# Of the fields of PLAIN, not of examples.FIELDS; few enough ids to be numbered.
CROSSES = {
    "wide_deep": {"crosses": [["a", "b"], ["b", "d", "c"]], "cross_buckets": 200}
}


def exact(weight):
    return np.array(weight, np.float64)


def made(variant, fields=PLAIN, **settings):
    """Returns a model with weights drawn by lot, and inputs."""
    settings = {"dropout": 0.0, **CROSSES.get(variant, {}), **settings}
    model, inputs = make_variant(variant, fields=fields, **settings), batch(fields, 6)
    model(inputs)
    randomise(model)
    return model, inputs


class Looked:
    """A batch, looked up by hand: the fields' vectors by width, then as declared."""

    def __init__(self, model, inputs):
        self.ids = inputs[IDS]
        scaled = [field.name for field in model.fields if field.scaled]
        self.multipliers = {
            name: exact(inputs[VALUES])[:, [i]] for i, name in enumerate(scaled)
        }
        self.numeric, self.vectors = [], []  # (B, D) each
        if model.reads_embeddings:
            self._look_up(model.embedding, model.config.embedding_dims)
        if model.reads_weights:
            columns = self._read(model.linear.tables[0], range(len(model.fields)))
            self.first_order = np.concatenate(columns, axis=1)  # (B, F) as declared

    def _look_up(self, embedding, dims):
        width = [dims.get(field.name, 4) for field in embedding.fields]
        for k, dim in enumerate(sorted(set(width))):
            members = [i for i, other in enumerate(width) if other == dim]
            vectors = self._read(embedding.tables[k], members)
            if hasattr(embedding.projections[k], "kernel"):
                kernel = exact(embedding.projections[k].kernel)
                vectors = [vector @ kernel for vector in vectors]
            self.vectors += vectors
            self.numeric += [embedding.fields[i].numeric for i in members]

    def _read(self, layer, members):
        """Returns the members' rows, one after the other in the table, multiplied."""
        table, start, found = exact(layer.table), 0, []
        for i, field in zip(members, layer.fields, strict=True):
            rows = table[start + self.ids[:, i]]
            found.append(rows * self.multipliers.get(field.name, 1.0))
            start += field.num_ids
        return found

    @property
    def linear(self):
        return self.first_order.sum(axis=1, keepdims=True)  # (B, 1)

    @property
    def embeddings(self):
        return np.stack(self.vectors, axis=1)  # (B, F, D)

    @property
    def concatenated(self):
        return np.concatenate(self.vectors, axis=1)


def tower(layer, inputs):
    hidden = [(exact(each.kernel), exact(each.bias)) for each in layer.hidden]
    return reference.relu_tower(inputs, hidden, exact(layer.output_layer.kernel))


def lr(model, x):
    return x.linear


def fm(model, x):
    return x.linear + reference.pairwise_dot_products(x.embeddings)


def deepfm(model, x):
    return fm(model, x) + tower(model.tower, x.concatenated)


def fnn(model, x):
    # The first-order weights come first, as the fields were declared.
    return tower(model.tower, np.hstack([x.first_order, x.concatenated]))


def pnn(model, x):
    products = reference.inner_products(x.embeddings)
    return tower(model.tower, np.hstack([x.concatenated, products]))


def pnn_outer(model, x):
    products = reference.outer_product(x.embeddings)
    return tower(model.tower, np.hstack([x.concatenated, products]))


def wide_deep(model, x):
    a, b, c, d = x.ids.T
    numbers = [a * 9 + b, (b * 6 + d) * 3 + c]  # 9, 6 and 3 ids of b, d and c
    weights = exact(model.crosses.table)
    wide = weights[numbers[0]] + weights[4 * 9 + numbers[1]]
    return x.linear + wide + tower(model.tower, x.concatenated)


def dcn(model, x):
    x0 = crossed = x.concatenated
    for layer in model.crosses:
        kernel, bias = exact(layer.kernel)[:, 0], exact(layer.bias)
        crossed = reference.vector_cross(x0, crossed, kernel, bias)
    return crossed @ exact(model.cross_logit.kernel) + tower(model.tower, x0)


def dcn_v2(model, x):
    x0 = crossed = x.concatenated
    for layer in model.crosses:
        kernel, bias = exact(layer.dense.kernel).T, exact(layer.dense.bias)
        if layer.projection_dim:
            kernel = kernel @ exact(layer.down_proj_dense.kernel).T  # U V^T
        crossed = reference.matrix_cross(x0, crossed, kernel, bias)
    return crossed @ exact(model.cross_logit.kernel) + tower(model.tower, x0)


def dcn_v2_mixture(model, x):
    x0 = crossed = x.concatenated
    for layer in model.crosses:
        weights = zip(
            exact(layer.up), exact(layer.core), exact(layer.down), strict=True
        )
        experts = [(up.T, core.T, down) for up, core, down in weights]
        bias, gate = exact(layer.bias), exact(layer.gate)
        crossed = reference.mixture_cross(x0, crossed, experts, bias, gate)
    return crossed @ exact(model.cross_logit.kernel) + tower(model.tower, x0)


def xdeepfm(model, x):
    below = [len(PLAIN), *model.cin.units]
    kernels = [
        exact(kernel).reshape(below[k], len(PLAIN), units).transpose(2, 0, 1)
        for k, (kernel, units) in enumerate(
            zip(model.cin.kernels, model.cin.units, strict=True)
        )
    ]
    maps = reference.compressed_interaction(x.embeddings, kernels)
    cin = maps @ exact(model.cin_logit.kernel)
    return x.linear + cin + tower(model.tower, x.concatenated)


def autoint(model, x):
    attended = x.embeddings
    for layer in model.attention:
        kernels = [exact(w).T for w in (layer.query, layer.key, layer.value)]
        parts = [np.split(kernel, layer.num_heads) for kernel in kernels]
        heads = list(zip(*parts, strict=True))
        attended = reference.interacting(attended, heads, exact(layer.residual).T)
    flat = attended.reshape(len(attended), -1)
    attention = flat @ exact(model.attention_logit.kernel)
    return attention + tower(model.tower, x.concatenated)


def dlrm(model, x):
    kinds = list(zip(x.vectors, x.numeric, strict=True))
    z = tower(model.bottom, np.hstack([vector for vector, numeric in kinds if numeric]))
    vectors = [z, *(vector for vector, numeric in kinds if not numeric)]
    products = reference.inner_products(np.stack(vectors, axis=1))
    return tower(model.tower, np.hstack([z, products]))


PAPERS = {
    "lr": lr,
    "fm": fm,
    "fnn": fnn,
    "pnn": pnn,
    "pnn-outer": pnn_outer,
    "wide_deep": wide_deep,
    "deepfm": deepfm,
    "dcn": dcn,
    "dcn_v2": dcn_v2,
    "dcn_v2-low-rank": dcn_v2,
    "dcn_v2-mixture": dcn_v2_mixture,
    "xdeepfm": xdeepfm,
    "autoint": autoint,
    "dlrm": dlrm,
}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("inputs", INPUTS)
def test_logit_is_the_sum_of_the_papers_parts(variant, inputs):
    fields, settings = INPUTS[inputs]
    model, features = made(variant, fields, **settings)
    expected = exact(model.total.bias) + PAPERS[variant](model, Looked(model, features))
    np.testing.assert_allclose(model(features), expected, rtol=1e-4, atol=1e-5)

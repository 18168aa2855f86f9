"""By how much scores may move when embeddings are stored in fewer bits."""

import numpy as np

from schema.contract import IDS

# A scale is the row's greatest value / 127, inflated by 1/128 and rounded to a bfloat16
# of 8 bits; a value is off by half of it. A float16 has 11 bits, below 2^-14 a fixed
# step.
_INT8 = (1 + 2**-7) * (1 + 2**-8) / 127 / 2
_FLOAT16, _FLOAT16_LEAST = 2.0**-11, 2.0**-25


def int8_bound(model, features):
    """Returns the most that a DeepFM's probabilities can move as int8, float64 (B,).

    Of embeddings e, off by d at most, and their sum S over fields:

    - a sum of weights is off by the sum of what they are off by;
    - the pairs by `sum |S - e| d + 1/2 [(sum d)^2 - sum d^2]`, both over fields, summed
      over dimensions: what is left of `<e_i + d_i, e_j + d_j> - <e_i, e_j>`;
    - a layer `W x` by `|W| d`, whatever the signs, and a relu by no more than that;
    - a sigmoid by a quarter, its greatest slope.

    Args:
        model: In float32, one width, no scaled fields.
        features: What it is given of B rows.
    """
    _, off = _off(model.linear, features, _narrow)
    off_linear = off.sum(axis=(1, 2))
    embeddings, off = _off(model.embedding, features, _wide)
    others = np.abs(embeddings.sum(axis=1, keepdims=True) - embeddings)
    off_pairs = (others * off).sum(axis=(1, 2))
    total = off.sum(axis=1)
    off_pairs += 0.5 * (total**2 - (off**2).sum(axis=1)).sum(axis=1)
    through = off.reshape(len(off), -1)  # (B, F D)
    for layer in (*model.tower.hidden, model.tower.output_layer):
        through = through @ np.abs(np.array(layer.kernel, np.float64))
    return (off_linear + off_pairs + through[:, 0]) / 4.0


def _wide(rows):
    peaks = np.abs(rows).max(axis=1, keepdims=True)
    return np.broadcast_to(peaks * _INT8, rows.shape)


def _narrow(rows):
    return np.abs(rows) * _FLOAT16 + _FLOAT16_LEAST


def _off(layer, features, bound):
    """Returns what a layer finds, and by how much that may be off, (B, F, D) each.

    Pooling of such bounds is a bound of what is pooled, so the layer itself does it.
    """
    [table] = layer.tables
    rows = np.array(table.table)
    found = np.array(layer(features[IDS])[0], np.float64)
    table.table.assign(bound(rows))
    off = np.array(layer(features[IDS])[0], np.float64)
    table.table.assign(rows)
    return found, off

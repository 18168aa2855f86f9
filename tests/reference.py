"""The papers' sums, written out: slow, obvious, in float64, no code of ours."""

import numpy as np


def pairwise_dot_products(embeddings: np.ndarray) -> np.ndarray:
    """Rendle (2010), Eq. 1: the sum over i < j of <e_i, e_j>, (B, 1)."""
    batch, fields, _ = embeddings.shape
    result = np.zeros((batch, 1))
    for b in range(batch):
        for i in range(fields):
            for j in range(i + 1, fields):
                for d in range(embeddings.shape[2]):
                    result[b, 0] += embeddings[b, i, d] * embeddings[b, j, d]
    return result


def inner_products(embeddings: np.ndarray) -> np.ndarray:
    """Qu et al. (2016): <e_i, e_j> of every pair, by i and then j < i, (B, pairs)."""
    result = []
    for example in embeddings:
        row = []
        for i in range(len(example)):
            for j in range(i):
                row.append(float(example[i] @ example[j]))
        result.append(row)
    return np.array(result, np.float64)


def outer_product(embeddings: np.ndarray) -> np.ndarray:
    """Qu et al. (2016): the sum over all i and j of e_i e_j^T, (B, D * D)."""
    batch, fields, dim = embeddings.shape
    result = np.zeros((batch, dim, dim))
    for b in range(batch):
        for i in range(fields):
            for j in range(fields):
                for c in range(dim):
                    for d in range(dim):
                        result[b, c, d] += embeddings[b, i, c] * embeddings[b, j, d]
    return result.reshape(batch, dim * dim)


def relu_tower(
    inputs: np.ndarray, layers: list[tuple[np.ndarray, np.ndarray]], out: np.ndarray
) -> np.ndarray:
    """Guo et al. (2017), Eq. 3 and 4, with ReLU, (B, 1)."""
    result = []
    for example in inputs:
        a = example.reshape(-1).astype(np.float64)
        for weights, bias in layers:
            a = np.maximum(a @ weights.astype(np.float64) + bias, 0.0)
        result.append(a @ out.astype(np.float64))
    return np.array(result)


def vector_cross(
    x0: np.ndarray, x: np.ndarray, kernel: np.ndarray, bias: np.ndarray
) -> np.ndarray:
    """Wang et al. (2017), Eq. 3, with a kernel (W,), (B, W)."""
    result = np.zeros(x.shape)
    for b in range(len(x)):
        scale = sum(x[b, i] * kernel[i] for i in range(len(kernel)))
        for i in range(len(kernel)):
            result[b, i] = x0[b, i] * scale + bias[i] + x[b, i]
    return result


def matrix_cross(
    x0: np.ndarray, x: np.ndarray, kernel: np.ndarray, bias: np.ndarray
) -> np.ndarray:
    """Wang et al. (2021), Eq. 1, with a kernel W (W, W), (B, W)."""
    result = np.zeros(x.shape)
    for b in range(len(x)):
        for i in range(len(kernel)):
            product = sum(kernel[i, j] * x[b, j] for j in range(len(kernel)))
            result[b, i] = x0[b, i] * (product + bias[i]) + x[b, i]
    return result


def mixture_cross(
    x0: np.ndarray,
    x: np.ndarray,
    experts: list[tuple[np.ndarray, np.ndarray, np.ndarray]],
    bias: np.ndarray,
    gate: np.ndarray,
) -> np.ndarray:
    """Wang et al. (2021), Eq. 3 and 4.

    Of each expert U (W, R), C (R, R) and V (W, R), tanh between them; the gate has a
    column (W,) per expert and is a softmax. Returns (B, W).
    """
    result = np.zeros(x.shape)
    for b in range(len(x)):
        scores = [x[b] @ gate[:, k] for k in range(len(experts))]
        total = sum(np.exp(score) for score in scores)
        for k, (up, core, down) in enumerate(experts):
            product = up @ np.tanh(core @ np.tanh(down.T @ x[b]))
            expert = x0[b] * (product + bias)
            result[b] += np.exp(scores[k]) / total * expert
        result[b] += x[b]
    return result


def compressed_interaction(
    embeddings: np.ndarray, kernels: list[np.ndarray]
) -> np.ndarray:
    """Lian et al. (2018), Eq. 6 to 8, with W^k (H_k, H_{k-1}, F), (B, sum of H_k)."""
    result = []
    for first in embeddings.astype(np.float64):  # (F, D)
        below, row = first, []
        for kernel in kernels:
            maps = np.zeros((len(kernel), first.shape[1]))
            for h in range(len(kernel)):
                for i in range(len(below)):
                    for j in range(len(first)):
                        maps[h] += kernel[h, i, j] * (below[i] * first[j])
                row.append(maps[h].sum())
            below = maps
        result.append(row)
    return np.array(result)


def interacting(
    embeddings: np.ndarray,
    heads: list[tuple[np.ndarray, np.ndarray, np.ndarray]],
    residual: np.ndarray,
) -> np.ndarray:
    """Song et al. (2019), Eq. 5 to 8.

    Each head has its W_Query, W_Key and W_Value (A, D); W_Res is (H * A, D). Returns
    (B, F, H * A).
    """
    result = []
    for example in embeddings:
        rows = []
        for m in range(len(example)):
            row = []
            for query, key, value in heads:
                scores = [(query @ example[m]) @ (key @ e) for e in example]
                total = sum(np.exp(score) for score in scores)
                row.append(
                    sum(
                        np.exp(scores[k]) / total * (value @ example[k])
                        for k in range(len(example))
                    )
                )
            rows.append(np.maximum(np.concatenate(row) + residual @ example[m], 0.0))
        result.append(rows)
    return np.array(result)


def pooled(vectors: list[np.ndarray], pooling: str, dim: int) -> np.ndarray:
    """The mean, sum or maximum of some vectors (D,); zeros of none, (D,)."""
    result = np.zeros(dim)
    for d in range(dim):
        values = [float(vector[d]) for vector in vectors]
        if values and pooling == "max":
            result[d] = max(values)
        elif values:
            result[d] = sum(values) / (len(values) if pooling == "mean" else 1)
    return result


def composed(table: np.ndarray, index: int, remainder_rows: int) -> np.ndarray:
    """Shi et al. (2020), the element-wise product, of a correction around 1, (D,)."""
    quotient, remainder = divmod(index, remainder_rows)
    return table[remainder] * (1.0 + table[remainder_rows + quotient])


def auc(labels: np.ndarray, scores: np.ndarray) -> float:
    """The share of (positive, negative) pairs in the right order, ties half."""
    right = 0.0
    positives, negatives = scores[labels == 1], scores[labels == 0]
    for p in positives:
        for n in negatives:
            right += 1.0 if p > n else 0.5 if p == n else 0.0
    return right / (len(positives) * len(negatives))

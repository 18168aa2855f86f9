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


def relu_tower(
    embeddings: np.ndarray, layers: list[tuple[np.ndarray, np.ndarray]], out: np.ndarray
) -> np.ndarray:
    """Guo et al. (2017), Eq. 3 and 4, with ReLU, (B, 1)."""
    result = []
    for example in embeddings:
        a = example.reshape(-1).astype(np.float64)
        for weights, bias in layers:
            a = np.maximum(a @ weights.astype(np.float64) + bias, 0.0)
        result.append(a @ out.astype(np.float64))
    return np.array(result)


def auc(labels: np.ndarray, scores: np.ndarray) -> float:
    """The share of (positive, negative) pairs in the right order, ties half."""
    right = 0.0
    positives, negatives = scores[labels == 1], scores[labels == 0]
    for p in positives:
        for n in negatives:
            right += 1.0 if p > n else 0.5 if p == n else 0.0
    return right / (len(positives) * len(negatives))

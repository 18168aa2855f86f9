"""Two analyzers for all features: one fits the vocabularies, one the numbers.

TFT's own analyzers become a dozen Beam stages each, and a click log has forty features:
most of Transform's time went into starting stages. They also make one look-up table per
feature, where one for all of them costs a served request less.
"""

import os
from collections import Counter
from collections.abc import Iterable
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import tensorflow_transform.beam as tft_beam
from apache_beam.io import filesystems
from tfx_bsl import sketches

from schema.contract import VOCABULARY, VOCABULARY_END, vocabulary_line
from schema.features import Categorical, Numeric

_QUANTILES_ERROR = 1e-4  # of a boundary's rank, as a share of the rows
_MAX_ROWS = 1 << 32


class CountValues(beam.CombineFn):
    """Counts the values of every categorical feature; of a hashed one, nothing.

    An input is a batch's values, bytes (B, T_c), the columns of each feature side by
    side, empty where a row has no value. Values after the first `max_values` of a row
    are not among them: they are never looked up, and earn no place in a vocabulary.
    """

    def __init__(self, features: dict[str, Categorical]) -> None:
        self._features = features

    def create_accumulator(self) -> list[Counter[bytes]]:
        return [Counter() for _ in self._features]

    def add_input(
        self, accumulator: list[Counter[bytes]], batch: tuple[np.ndarray]
    ) -> list[Counter[bytes]]:
        stop = 0
        for feature, counts in zip(self._features.values(), accumulator, strict=True):
            start, stop = stop, stop + num_values(feature)
            if feature.hash_buckets:
                continue
            columns = batch[0][:, start:stop].reshape(-1)
            found = pc.value_counts(pa.array(columns, pa.binary()))
            values, numbers = (field.to_pylist() for field in found.flatten())
            for value, number in zip(values, numbers, strict=True):
                counts[value] += number
        return accumulator

    def merge_accumulators(
        self, accumulators: Iterable[list[Counter[bytes]]]
    ) -> list[Counter[bytes]]:
        merged = self.create_accumulator()
        for accumulator in accumulators:
            for counts, others in zip(merged, accumulator, strict=True):
                counts.update(others)
        return merged

    def extract_output(self, accumulator: list[Counter[bytes]]) -> Any:
        return accumulator


class SketchNumbers(beam.CombineFn):
    """Sketches the quantiles of every numeric column, and sums its moments.

    An input is a batch's numbers, float32 (B, M), not a number where missing. Moments
    are count, mean and sum of squared differences from the mean, (M, 2, 3): of the
    numbers as they are, and of their logarithms.
    """

    def __init__(self, num_columns: int) -> None:
        self._num_columns = num_columns

    def create_accumulator(self) -> tuple[list[Any], np.ndarray]:
        columns = range(self._num_columns)
        quantiles = [
            sketches.QuantilesSketch(_QUANTILES_ERROR, _MAX_ROWS, 1) for _ in columns
        ]
        return quantiles, np.zeros((self._num_columns, 2, 3))

    def add_input(
        self, accumulator: tuple[list[Any], np.ndarray], batch: tuple[np.ndarray]
    ) -> tuple[list[Any], np.ndarray]:
        quantiles, moments = accumulator
        for i, column in enumerate(batch[0].T.astype(np.float64)):
            present = column[np.isfinite(column)]
            if not len(present):
                continue
            quantiles[i].AddValues(pa.array(present))
            logarithms = np.sign(present) * np.log1p(np.abs(present))
            for j, values in enumerate((present, logarithms)):
                mean = values.mean()
                squares = np.sum((values - mean) ** 2)
                moments[i, j] = _merged(moments[i, j], (len(values), mean, squares))
        return accumulator

    def merge_accumulators(
        self, accumulators: Iterable[tuple[list[Any], np.ndarray]]
    ) -> tuple[list[Any], np.ndarray]:
        quantiles, moments = self.create_accumulator()
        for other_quantiles, other_moments in accumulators:
            for i in range(self._num_columns):
                quantiles[i].Merge(other_quantiles[i])
                for j in range(2):
                    moments[i, j] = _merged(moments[i, j], other_moments[i, j])
        return quantiles, moments

    def extract_output(self, accumulator: tuple[list[Any], np.ndarray]) -> Any:
        return accumulator


class FitVocabulary(tft_beam.experimental.PTransformAnalyzer):
    """Writes one vocabulary file for all categorical features.

    A feature's lines begin with one for the empty value, so that a line's distance from
    it is the value's id: 0 missing, then the values. Its output is the file's path.
    """

    def __init__(self, features: dict[str, Categorical]) -> None:
        super().__init__()
        self._features = features

    def expand(self, batches: beam.PCollection) -> beam.PCollection:
        return (
            batches
            | "Count" >> beam.CombineGlobally(CountValues(self._features))
            | "Write" >> beam.Map(_write_vocabulary, self._features, self.base_temp_dir)
        )


class FitNumbers(beam.PTransform):
    """Fits boundaries (M, K), padded with infinity, and mean and deviation (M, 2)."""

    def __init__(self, features: dict[str, Numeric]) -> None:
        super().__init__()
        self._features = features

    def expand(self, batches: beam.PCollection) -> tuple[beam.PCollection, ...]:
        sketched = batches | "Sketch" >> beam.CombineGlobally(
            SketchNumbers(len(self._features))
        )
        return (
            sketched | "Boundaries" >> beam.Map(_boundaries, self._features),
            sketched | "Scales" >> beam.Map(_scales, self._features),
        )


def num_values(feature: Categorical) -> int:
    """Returns how many columns a feature takes: the values that a row can have."""
    return feature.max_values if feature.separator else 1


def num_boundaries(features: dict[str, Numeric]) -> int:
    """Returns the width K of the matrix of boundaries."""
    return max(feature.buckets for feature in features.values()) - 1


def kept_values(counts: Counter[bytes], feature: Categorical) -> list[str]:
    """Returns a feature's vocabulary, most frequent first, ties in order of the text.

    A value that would break its line of the file is left out, as TFT does.
    """
    if feature.hash_buckets:
        return []
    ranked = sorted(
        (-count, value)
        for value, count in counts.items()
        if count >= feature.min_count and value and not set(value) & set(b"\r\n")
    )
    return [value.decode() for _, value in ranked[: feature.max_vocabulary]]


def _write_vocabulary(
    counted: list[Counter[bytes]], features: dict[str, Categorical], folder: str
) -> np.ndarray:
    path = os.path.join(folder, VOCABULARY)
    with filesystems.FileSystems.create(path) as file:
        for (name, feature), counts in zip(features.items(), counted, strict=True):
            for value in ["", *kept_values(counts, feature)]:
                file.write(f"{vocabulary_line(name, value)}\n".encode())
        file.write(f"{VOCABULARY_END}\n".encode())
    return np.array(path.encode())


def _boundaries(
    sketched: tuple[list[Any], np.ndarray], features: dict[str, Numeric]
) -> np.ndarray:
    quantiles, moments = sketched
    shape = len(features), num_boundaries(features)
    boundaries = np.full(shape, np.inf, np.float32)
    for i, feature in enumerate(features.values()):
        if feature.buckets > 1 and moments[i, 0, 0]:
            # From the least to the greatest; between them lie the boundaries.
            cuts = quantiles[i].GetQuantiles(feature.buckets).to_pylist()[0][1:-1]
            boundaries[i, : len(cuts)] = cuts
    return boundaries


def _scales(
    sketched: tuple[list[Any], np.ndarray], features: dict[str, Numeric]
) -> np.ndarray:
    scales = np.tile(np.array([0.0, 1.0], np.float32), (len(features), 1))
    for i, feature in enumerate(features.values()):
        logarithmic = int(feature.scale == "log_z_score")
        count, mean, squares = sketched[1][i, logarithmic]
        if squares > 0 and feature.scale != "raw":
            scales[i] = mean, np.sqrt(squares / count)
    return scales


def _merged(a: Any, b: Any) -> np.ndarray:
    """Returns the moments of two sets of numbers together (Chan et al., 1979)."""
    count = a[0] + b[0]
    if not count:
        return np.zeros(3)
    delta = b[1] - a[1]
    squares = a[2] + b[2] + delta * delta * a[0] * b[0] / count
    return np.array([count, a[1] + delta * b[0] / count, squares])

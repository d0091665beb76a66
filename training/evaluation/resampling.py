"""Bootstrap over documents.

Every metric here is a function from resamples to draws: draw 0 is the metric on the data as they are, the others
are the metric on as many resampled sets of documents. Sentences of one article are alike, so whole documents are drawn.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from training.evaluation.systems import FloatArray, IntArray

SEED = 20_161_108
SIZE = 2000
COVERAGE = 0.95


@dataclass(frozen=True)
class Resamples:
    """Which documents each draw holds.

    Attributes:
        indices: [1 + size, documents]; row 0 is every document once.
        counts: [1 + size, documents]; how often each document occurs in a draw.
    """

    indices: IntArray
    counts: FloatArray

    @classmethod
    def draw(cls, documents: int, size: int = SIZE, seed: int = SEED) -> "Resamples":
        """The same resamples for the same arguments, so that all systems are compared on the same draws."""
        if not documents:
            raise ValueError("bootstrap: no documents to resample; expected at least one with labels for this metric")
        drawn = np.random.default_rng(seed).integers(documents, size=(size, documents))
        indices = np.vstack([np.arange(documents), drawn])
        flat = (indices + documents * np.arange(size + 1)[:, None]).ravel()
        counts = np.bincount(flat, minlength=(size + 1) * documents).reshape(size + 1, documents)
        return cls(indices, counts.astype(np.float64))

    def total(self, per_document: FloatArray) -> FloatArray:
        """Sum counts of shape [documents, ...] over each draw: [1 + size, ...]."""
        flat = per_document.reshape(len(per_document), -1).astype(np.float64)
        return (self.counts @ flat).reshape(len(self.counts), *per_document.shape[1:])


@dataclass(frozen=True)
class Estimate:
    """A metric with its percentile interval; the bounds are NaN for numbers that we did not measure ourselves."""

    value: float
    low: float = float("nan")
    high: float = float("nan")

    @classmethod
    def of(cls, draws: FloatArray) -> "Estimate":
        """Value and 95% interval; draws where the metric is undefined are left out of the interval."""
        defined = draws[1:][np.isfinite(draws[1:])]
        if not np.isfinite(draws[0]) or not len(defined):
            return cls(float(draws[0]))
        tail = 50 * (1 - COVERAGE)
        low, high = np.percentile(defined, [tail, 100 - tail])
        return cls(float(draws[0]), float(low), float(high))


def mean_draws(draws: Sequence[FloatArray]) -> FloatArray:
    """The mean of several metrics draw by draw (over annotators, or over seeds), so that its interval is exact too."""
    mean: FloatArray = np.stack(draws).mean(axis=0)
    return mean

"""Metrics that are computed for all resamples at once, from counts per document."""

from collections.abc import Sequence

import numpy as np
from scipy.stats import rankdata

from data.schema import MASKED
from training.evaluation.resampling import Resamples
from training.evaluation.systems import FloatArray, IntArray, Offsets


def divide(top: FloatArray, bottom: FloatArray) -> FloatArray:
    """Element by element; NaN where the bottom is zero."""
    quotient: FloatArray = np.divide(top, bottom, out=np.full(np.broadcast(top, bottom).shape, np.nan), where=bottom != 0)
    return quotient


def mean_defined(values: FloatArray) -> FloatArray:
    """Mean over the last axis without the undefined (NaN) entries; NaN when none is defined."""
    defined = np.isfinite(values)
    return divide(np.where(defined, values, 0.0).sum(-1), defined.sum(-1).astype(np.float64))


def confusion(gold: Sequence[IntArray], predicted: Sequence[IntArray], classes: int) -> FloatArray:
    """Confusion counts [documents, gold class, predicted class]; masked gold labels do not count."""
    counts = np.zeros((len(gold), classes, classes))
    for row, (truth, guess) in enumerate(zip(gold, predicted, strict=True)):
        known = truth != MASKED
        np.add.at(counts[row], (truth[known], guess[known]), 1)
    return counts


def precision_recall_f1(totals: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Per class, from confusion totals [..., gold, predicted].

    Precision and recall are NaN where nothing was predicted or nothing is there; F1 is NaN only where both hold,
    so a macro mean is over the classes that occur in gold or prediction, as in scikit-learn.
    """
    hits = np.diagonal(totals, axis1=-2, axis2=-1)
    gold, predicted = totals.sum(-1), totals.sum(-2)
    return divide(hits, predicted), divide(hits, gold), divide(2 * hits, gold + predicted)


def f1_from_counts(hits: FloatArray, predicted: FloatArray, gold: FloatArray) -> FloatArray:
    """F1 of things found against things there; NaN where there is neither."""
    return divide(2 * hits, gold + predicted)


def merge_above_first(totals: FloatArray) -> FloatArray:
    """Confusion totals of an ordinal label turned into those of "above the first level": [..., 2, 2]."""
    first = np.stack([totals[..., 0, 0], totals[..., 0, 1:].sum(-1)], -1)
    above = np.stack([totals[..., 1:, 0].sum(-1), totals[..., 1:, 1:].sum((-2, -1))], -1)
    return np.stack([first, above], -2)


def kappa(totals: FloatArray) -> FloatArray:
    """Cohen's kappa from confusion totals [..., gold, predicted]."""
    n = totals.sum((-2, -1))
    observed = divide(np.trace(totals, axis1=-2, axis2=-1), n)
    expected = divide((totals.sum(-1) * totals.sum(-2)).sum(-1), n**2)
    return divide(observed - expected, 1 - expected)


def pearson(x: FloatArray, y: FloatArray) -> FloatArray:
    """Correlation over the last axis; NaN where either side is constant."""
    x, y = x - x.mean(-1, keepdims=True), y - y.mean(-1, keepdims=True)
    scale = np.sqrt((x**2).sum(-1) * (y**2).sum(-1))
    # A constant column leaves rounding dust rather than zero after its mean is taken away.
    return divide((x * y).sum(-1), np.where(scale > 1e-12, scale, 0.0))


def pearson_draws(gold: FloatArray, predicted: FloatArray, resamples: Resamples) -> FloatArray:
    """Pearson correlation of one value per document, for every draw."""
    return pearson(gold[resamples.indices], predicted[resamples.indices])


def spearman_draws(gold: FloatArray, predicted: FloatArray, resamples: Resamples) -> FloatArray:
    """Spearman correlation (ties get mean ranks) of one value per document, for every draw."""
    return pearson(rankdata(gold[resamples.indices], axis=-1), rankdata(predicted[resamples.indices], axis=-1))


def mean_absolute_error_draws(gold: FloatArray, predicted: FloatArray, resamples: Resamples) -> FloatArray:
    """Mean absolute difference of one value per document, for every draw."""
    error = np.abs(gold - predicted)
    return divide(resamples.counts @ error, resamples.counts.sum(-1))


def span_counts(gold: Sequence[Offsets], predicted: Sequence[Offsets]) -> FloatArray:
    """Counts for one document: exact hits, predicted that touch a gold span, gold that are touched, predicted, gold."""
    there, found = set(gold), set(predicted)
    touching = sum(any(_overlap(p, g) for g in there) for p in found)
    touched = sum(any(_overlap(g, p) for p in found) for g in there)
    return np.array([len(there & found), touching, touched, len(found), len(there)], dtype=np.float64)


def span_f1(totals: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Exact-match F1 and overlap F1 from summed `span_counts` [..., 5]."""
    exact, touching, touched, found, there = np.moveaxis(totals, -1, 0)
    precision, recall = divide(touching, found), divide(touched, there)
    overlap = divide(2 * precision * recall, precision + recall)
    # Nothing shared (or nothing found) is a plain zero as long as there was something to find.
    overlap = np.where(~np.isfinite(overlap) & (there + found > 0), 0.0, overlap)
    return f1_from_counts(exact, found, there), overlap


def _overlap(a: Offsets, b: Offsets) -> bool:
    return a[0] < b[1] and b[0] < a[1]

"""Bring a system's sentences onto the gold sentences."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from onrecord.labels import ATTRIBUTIONS, SPECULATIONS
from training.evaluation.systems import FloatArray, IntArray, Offsets, Reading

# A gold sentence that the system never saw is scored as if it had been called a plain unsourced statement.
DEFAULT_ATTRIBUTION = ATTRIBUTIONS.index("unattributed")
DEFAULT_SPECULATION = SPECULATIONS.index("none")


@dataclass(frozen=True)
class Aligned:
    """A reading per gold sentence; `unmatched` counts the gold sentences that got the defaults."""

    labels: dict[str, IntArray]
    certainty: FloatArray | None
    unmatched: int


def best_overlaps(gold: Sequence[Offsets], predicted: Sequence[Offsets]) -> IntArray:
    """For each gold sentence the predicted one that shares most characters with it (the earliest of equals), or -1.

    Both lists must be sorted and free of overlaps within themselves; the time is linear in their lengths.
    """
    best = np.full(len(gold), -1, dtype=np.int64)
    first = 0
    for row, (start, end) in enumerate(gold):
        while first < len(predicted) and predicted[first][1] <= start:
            first += 1
        most = 0
        for column in range(first, len(predicted)):
            if predicted[column][0] >= end:
                break
            shared = min(end, predicted[column][1]) - max(start, predicted[column][0])
            if shared > most:
                most, best[row] = shared, column
    return best


def align(gold: Sequence[Offsets], reading: Reading) -> Aligned:
    """The reading's labels, one per gold sentence; optional outputs that the system lacks stay absent."""
    match = best_overlaps(gold, reading.sentences)
    labels = {
        "attribution": _take(reading.attribution, match, DEFAULT_ATTRIBUTION),
        "speculation": _take(reading.speculation, match, DEFAULT_SPECULATION),
        "caution": _take(reading.caution.astype(np.int64), match, 0),
    }
    for name, scores in (("appeal", reading.appeal), ("subjective", reading.subjective)):
        if scores is not None:
            labels[name] = _take((scores >= 0.5).astype(np.int64), match, 0)
    certainty = None if reading.certainty is None else _take_scores(reading.certainty, match)
    return Aligned(labels, certainty, int((match < 0).sum()))


def _take(values: IntArray, match: IntArray, default: int) -> IntArray:
    if not len(values):
        return np.full(len(match), default, dtype=np.int64)
    return np.where(match >= 0, values[match], default).astype(np.int64)


def _take_scores(values: FloatArray, match: IntArray) -> FloatArray:
    """Scores per gold sentence; an unseen sentence gets the document's mean, which favours neither end of the scale."""
    if not len(values):
        return np.zeros(len(match))
    return np.where(match >= 0, values[match], values.mean())

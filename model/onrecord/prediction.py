"""One article's calibrated numbers, before they become a report."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from onrecord.sentences import Span

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class PredictedSpan:
    """One mention of a source; offsets are half-open, into the original input."""

    start: int
    end: int
    kind: str
    type: str | None
    probability: float


@dataclass(frozen=True)
class Prediction:
    """What the model says of one article of n sentences.

    Attributes:
        sentences: n spans of the original input.
        attribution: [n, 6] probabilities in the order of `labels.ATTRIBUTIONS`.
        speculation: [n, 3] probabilities in the order of `labels.SPECULATIONS`.
        caution: [n] probabilities.
        sourcing: [n] contributions; `sourcing_bias + sourcing.sum()` is logit(sourcing).
        speculating: [n] contributions; `speculating_bias + speculating.sum()` is logit(speculation).
        sources: mentions of sources, in order.
    """

    sentences: tuple[Span, ...]
    attribution: FloatArray
    speculation: FloatArray
    caution: FloatArray
    sourcing: FloatArray
    speculating: FloatArray
    sourcing_bias: float
    speculating_bias: float
    sources: tuple[PredictedSpan, ...]

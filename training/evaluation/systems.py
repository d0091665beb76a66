"""What a system under test takes and gives back."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
Offsets = tuple[int, int]
TaggedSpan = tuple[int, int, str]

RATINGS = ("sourcing", "speculation", "risk")


@dataclass(frozen=True)
class Reading:
    """One system's reading of one document.

    Attributes:
        sentences: half-open character offsets of the system's own n sentences.
        attribution: [n] indices into `labels.ATTRIBUTIONS`.
        speculation: [n] indices into `labels.SPECULATIONS`.
        caution: [n] whether the sentence flags its content as unverified.
        ratings: sourcing, speculation and risk in [0, 1]; empty when the system rates no articles.
        spans: (start, end, tag) with tags of `labels.TOKEN_TAGS`.
        appeal: [n] score in [0, 1] that the sentence appeals to a source (positive from 0.5), or None.
        certainty: [n] any scale that rises with certainty, or None.
        subjective: [n] score in [0, 1] that the sentence is subjective (positive from 0.5), or None.
    """

    sentences: list[Offsets]
    attribution: IntArray
    speculation: IntArray
    caution: BoolArray
    ratings: dict[str, float] = field(default_factory=dict)
    spans: list[TaggedSpan] = field(default_factory=list)
    appeal: FloatArray | None = None
    certainty: FloatArray | None = None
    subjective: FloatArray | None = None


class System(Protocol):
    """Anything that can be evaluated."""

    @property
    def name(self) -> str:
        """What the tables call it."""
        ...

    def read(self, texts: Sequence[str], sentences: Sequence[Sequence[Offsets]]) -> list[Reading]:
        """Read documents; `sentences` are the gold offsets, which a system with its own splitter ignores."""
        ...

"""Rows of the prepared tables as typed documents, masks included."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from data.schema import MASKED, SPAN_TAGS
from training.evaluation.systems import RATINGS, FloatArray, IntArray, Offsets, TaggedSpan

SENTENCE_LABELS = ("attribution", "speculation", "caution", "appeal", "subjective")


@dataclass(frozen=True)
class Document:
    """One labelled document; a sentence label is `MASKED` and a number NaN where the corpus has none; `spans_labelled` names the tags that are marked."""

    id: str
    corpus: str
    text: str
    sentences: list[Offsets]
    labels: dict[str, IntArray]
    certainty: FloatArray
    spans: list[TaggedSpan]
    spans_labelled: frozenset[str]
    ratings: dict[str, float]

    def has(self, label: str) -> bool:
        """Whether any sentence carries `label`."""
        return bool((self.labels[label] != MASKED).any())


def documents_from(rows: Iterable[Mapping[str, Any]]) -> list[Document]:
    """Typed documents from the rows of a table with the features of `data.schema`."""
    return [_document(row) for row in rows]


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def _document(row: Mapping[str, Any]) -> Document:
    sentences = row["sentences"]
    return Document(
        id=row["id"],
        corpus=row["corpus"],
        text=row["text"],
        sentences=[(s["start"], s["end"]) for s in sentences],
        labels={name: np.array([s[name] for s in sentences], dtype=np.int64) for name in SENTENCE_LABELS},
        certainty=np.array([_number(s["certainty"]) for s in sentences], dtype=np.float64),
        spans=[(s["start"], s["end"], SPAN_TAGS[s["tag"]]) for s in row["spans"]],
        spans_labelled=frozenset(SPAN_TAGS[tag] for tag in row["spans_labelled"]),
        ratings={name: _number(row["ratings"][name]) for name in RATINGS},
    )

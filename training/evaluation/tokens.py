"""FactAppeal's tags counted over words, independent of any model's tokens."""

import re
from collections.abc import Iterable, Sequence

import numpy as np

from onrecord.labels import TOKEN_TAGS
from training.evaluation.systems import BoolArray, FloatArray, Offsets, TaggedSpan

GROUPS = {"fact": ("fact_without_appeal",), "appeal": ("fact_direct_quote", "fact_indirect_quote"), "source": ("source",)}
_WORD = re.compile(r"\w+")


def words(text: str) -> list[Offsets]:
    """Runs of letters and digits; white space and punctuation separate them and carry no tag of their own."""
    return [match.span() for match in _WORD.finditer(text)]


def tagged(tokens: Sequence[Offsets], spans: Iterable[TaggedSpan]) -> BoolArray:
    """[tags, tokens]: whether a span of that tag touches the word; spans with other tags are left out."""
    marks = np.zeros((len(TOKEN_TAGS), len(tokens)), dtype=np.bool_)
    starts, ends = np.array([t[0] for t in tokens]), np.array([t[1] for t in tokens])
    for start, end, tag in spans:
        if tag in TOKEN_TAGS and len(tokens):
            marks[TOKEN_TAGS.index(tag)] |= (starts < end) & (ends > start)
    return marks


def grouped(marks: BoolArray) -> BoolArray:
    """[groups, tokens]: a word belongs to a group if it has any of the group's tags."""
    return np.stack([marks[[TOKEN_TAGS.index(tag) for tag in tags]].any(0) for tags in GROUPS.values()])


def hit_counts(gold: BoolArray, predicted: BoolArray) -> FloatArray:
    """[kinds, 3]: words right, words predicted, words there."""
    return np.stack([(gold & predicted).sum(1), predicted.sum(1), gold.sum(1)], axis=1).astype(np.float64)

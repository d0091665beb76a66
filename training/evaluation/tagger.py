"""Baseline for FactAppeal's word tags: a linear classifier per tag over the word, its neighbours and its shape."""

from collections.abc import Iterator, Sequence

import numpy as np
from sklearn.feature_extraction import FeatureHasher
from sklearn.linear_model import SGDClassifier

from onrecord.labels import TOKEN_TAGS
from training.evaluation.documents import Document
from training.evaluation.systems import BoolArray, Offsets, TaggedSpan
from training.evaluation.tokens import tagged, words

REACH = 3


class WordTagger:
    """Tags words one by one; runs of the same tag become spans."""

    def __init__(self, models: dict[str, SGDClassifier]) -> None:
        self.models = models

    @classmethod
    def fit(cls, documents: Sequence[Document]) -> "WordTagger | None":
        """Fit on documents whose spans are complete; None when there are none."""
        if not documents:
            return None
        tokens = [words(d.text) for d in documents]
        rows = [row for d, found in zip(documents, tokens, strict=True) for row in _features(d.text, found)]
        features = FeatureHasher(2**18, input_type="string").transform(rows)
        marks = np.hstack([tagged(found, d.spans) for d, found in zip(documents, tokens, strict=True)])
        models = {}
        for tag, column in zip(TOKEN_TAGS, marks, strict=True):
            if column.any() and not column.all():
                models[tag] = SGDClassifier(loss="log_loss", alpha=1e-5, max_iter=20, tol=None, random_state=0).fit(features, column)
        return cls(models)

    def tag(self, text: str) -> list[TaggedSpan]:
        """Spans of one document."""
        tokens = words(text)
        if not tokens:
            return []
        features = FeatureHasher(2**18, input_type="string").transform(_features(text, tokens))
        return [(start, end, tag) for tag, model in self.models.items() for start, end in _runs(tokens, model.predict(features))]


def _features(text: str, tokens: Sequence[Offsets]) -> Iterator[list[str]]:
    """Names of the features that hold for each word."""
    forms = [text[start:end] for start, end in tokens]
    quoted, inside, last = list[bool](), False, 0
    for start, end in tokens:
        for mark in text[last:start]:
            inside = mark == "“" or (mark == '"' and not inside) or (inside and mark not in ("”", '"'))
        quoted.append(inside)
        last = end
    for i, form in enumerate(forms):
        found = ["bias", f"quoted={quoted[i]}", f"shape={form[:1].isupper()}{form.isdigit()}{i == 0}"]
        for offset in range(-REACH, REACH + 1):
            near = forms[i + offset] if 0 <= i + offset < len(forms) else ""
            found += [f"{offset}={near.lower()}", f"{offset}^{near[:1].isupper()}"]
        yield found


def _runs(tokens: Sequence[Offsets], marks: BoolArray) -> Iterator[Offsets]:
    start = None
    for i, mark in enumerate(marks):
        if mark and start is None:
            start = tokens[i][0]
        if start is not None and (not mark or i == len(tokens) - 1):
            yield start, tokens[i if mark else i - 1][1]
            start = None

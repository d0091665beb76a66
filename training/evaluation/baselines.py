"""Baselines fitted on the training table: majority, and TF-IDF with linear models."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge

from data.schema import MASKED
from onrecord.labels import ATTRIBUTIONS, SPECULATIONS, TOKEN_TAGS
from training.evaluation.documents import SENTENCE_LABELS, Document
from training.evaluation.systems import RATINGS, FloatArray, IntArray, Offsets, Reading
from training.evaluation.tagger import WordTagger

FOLDS = 3
SHARES = len(ATTRIBUTIONS) + len(SPECULATIONS) + 1


def _split(values: FloatArray, lengths: Sequence[int]) -> list[FloatArray]:
    return [np.asarray(part) for part in np.split(values, np.cumsum(lengths)[:-1])] if len(lengths) else []


@dataclass(frozen=True)
class MajoritySystem:
    """The commonest class and the mean number of the training table, whatever the text."""

    classes: dict[str, int]
    certainty: float
    ratings: dict[str, float]
    name: str = "majority"

    @classmethod
    def fit(cls, documents: Sequence[Document]) -> "MajoritySystem":
        """Count labels; a label that no document has falls back to class 0."""
        classes = {}
        for label in SENTENCE_LABELS:
            known = _known(documents, label)
            classes[label] = int(np.bincount(known).argmax()) if len(known) else 0
        certainty = np.concatenate([d.certainty for d in documents])
        ratings = {name: _mean_rating(documents, name) for name in RATINGS}
        return cls(classes, _mean_known(certainty), ratings)

    def read(self, texts: Sequence[str], sentences: Sequence[Sequence[Offsets]]) -> list[Reading]:
        """The same answer everywhere."""
        return [self._read(list(spans)) for spans in sentences]

    def _read(self, spans: list[Offsets]) -> Reading:
        def all_of(label: str) -> IntArray:
            return np.full(len(spans), self.classes[label], dtype=np.int64)

        return Reading(
            spans,
            all_of("attribution"),
            all_of("speculation"),
            all_of("caution") == 1,
            dict(self.ratings),
            appeal=all_of("appeal").astype(np.float64),
            certainty=np.full(len(spans), self.certainty),
            subjective=all_of("subjective").astype(np.float64),
        )


def _known(documents: Sequence[Document], label: str) -> IntArray:
    values: IntArray = np.concatenate([d.labels[label] for d in documents])
    known: IntArray = values[values != MASKED]
    return known


def _mean_known(values: FloatArray) -> float:
    return float(np.nanmean(values)) if np.isfinite(values).any() else 0.0


def _mean_rating(documents: Sequence[Document], name: str) -> float:
    return (_mean_known(np.array([d.ratings[name] for d in documents])) - 1) / 4


class SentenceModel:
    """TF-IDF of words and word pairs, and the place in the article, into logistic regression or ridge."""

    def __init__(self, documents: Sequence[Document], labels: Sequence[str]) -> None:
        """Fit one classifier per label on the sentences that carry it."""
        self.vectorizer = TfidfVectorizer(ngram_range=(1, 2), min_df=2, max_features=30_000, sublinear_tf=True, token_pattern=r"\w+|[?!“”\"]")
        parts, places = _sentences([d.text for d in documents], [d.sentences for d in documents])
        features = sparse.hstack([self.vectorizer.fit_transform(parts), places]).tocsr()
        self.classifiers = {label: fitted for label in labels if (fitted := _fit_label(features, documents, label)) is not None}
        self.certainty = _fit_certainty(features, documents)

    def features(self, texts: Sequence[str], sentences: Sequence[Sequence[Offsets]]) -> sparse.csr_matrix:
        """One row per sentence of all documents."""
        parts, places = _sentences(texts, sentences)
        return sparse.hstack([self.vectorizer.transform(parts), places]).tocsr()

    def probabilities(self, features: sparse.csr_matrix, label: str, classes: int) -> FloatArray | None:
        """[sentences, classes], or None for a label that the training table lacks; classes never seen get zero."""
        model = self.classifiers.get(label)
        if model is None:
            return None
        full = np.zeros((features.shape[0], classes))
        full[:, model.classes_] = model.predict_proba(features)
        return full


def _sentences(texts: Sequence[str], sentences: Sequence[Sequence[Offsets]]) -> tuple[list[str], sparse.csr_matrix]:
    parts, places = [], []
    for text, spans in zip(texts, sentences, strict=True):
        for row, (start, end) in enumerate(spans):
            parts.append(text[start:end])
            # A lone sentence has no place in an article: all zeros.
            places.append([row / len(spans), float(row == 0), float(row == len(spans) - 1)] if len(spans) > 1 else [0.0, 0.0, 0.0])
    return parts, sparse.csr_matrix(np.array(places).reshape(-1, 3))


def _fit_label(features: sparse.csr_matrix, documents: Sequence[Document], label: str) -> LogisticRegression | None:
    values = np.concatenate([d.labels[label] for d in documents])
    rows = np.flatnonzero(values != MASKED)
    if len(np.unique(values[rows])) < 2:
        return None
    return LogisticRegression(C=2.0, class_weight="balanced", max_iter=300, tol=1e-3).fit(features[rows], values[rows])


def _fit_certainty(features: sparse.csr_matrix, documents: Sequence[Document]) -> Ridge | None:
    values = np.concatenate([d.certainty for d in documents])
    rows = np.flatnonzero(np.isfinite(values))
    return Ridge(alpha=3.0).fit(features[rows], values[rows]) if len(rows) else None


class TfidfSystem:
    """Per sentence logistic regression; article ratings by ridge over words and class shares; word tags by a linear tagger."""

    name = "TF-IDF, linear"

    def __init__(self, documents: Sequence[Document]) -> None:
        """Fit everything on labelled documents."""
        self.model = SentenceModel(documents, SENTENCE_LABELS)
        rated = [d for d in documents if all(np.isfinite(d.ratings[name]) for name in RATINGS)]
        self.words = TfidfVectorizer(min_df=2, max_features=20_000, sublinear_tf=True)
        self.ratings: Ridge | None = None
        if len(rated) >= FOLDS:
            gold = np.array([[(d.ratings[name] - 1) / 4 for name in RATINGS] for d in rated])
            features = sparse.hstack([self.words.fit_transform([d.text for d in rated]), _held_out_shares(rated)]).tocsr()
            self.ratings = Ridge(alpha=1.0).fit(features, gold)
        self.tagger = WordTagger.fit([d for d in documents if d.spans_labelled.issuperset(TOKEN_TAGS)])

    def read(self, texts: Sequence[str], sentences: Sequence[Sequence[Offsets]]) -> list[Reading]:
        """Read documents on their gold sentences."""
        lengths = [len(spans) for spans in sentences]
        features = self.model.features(texts, sentences)
        attribution, speculation = self._class(features, "attribution", len(ATTRIBUTIONS)), self._class(features, "speculation", len(SPECULATIONS))
        caution = self._class(features, "caution", 2)
        positive = {label: self._positive(features, label, lengths) for label in ("appeal", "subjective")}
        certainty = None if self.model.certainty is None else _split(self.model.certainty.predict(features), lengths)
        ratings = self._rate(texts, _shares(self.model, features, lengths))
        return [
            Reading(
                sentences=list(spans),
                attribution=attribution[end - len(spans) : end],
                speculation=speculation[end - len(spans) : end],
                caution=caution[end - len(spans) : end] == 1,
                ratings=ratings[row],
                spans=self.tagger.tag(texts[row]) if self.tagger else [],
                appeal=_pick(positive["appeal"], row),
                certainty=_pick(certainty, row),
                subjective=_pick(positive["subjective"], row),
            )
            for row, (spans, end) in enumerate(zip(sentences, np.cumsum(lengths), strict=True))
        ]

    def _class(self, features: sparse.csr_matrix, label: str, classes: int) -> IntArray:
        probabilities = self.model.probabilities(features, label, classes)
        return np.zeros(features.shape[0], dtype=np.int64) if probabilities is None else probabilities.argmax(1)

    def _positive(self, features: sparse.csr_matrix, label: str, lengths: Sequence[int]) -> list[FloatArray] | None:
        probabilities = self.model.probabilities(features, label, 2)
        return None if probabilities is None else _split(probabilities[:, 1], lengths)

    def _rate(self, texts: Sequence[str], shares: FloatArray) -> list[dict[str, float]]:
        if self.ratings is None:
            return [{} for _ in texts]
        predicted = np.clip(self.ratings.predict(sparse.hstack([self.words.transform(texts), shares]).tocsr()), 0, 1)
        return [dict(zip(RATINGS, map(float, row), strict=True)) for row in predicted]


def _pick(values: list[FloatArray] | None, row: int) -> FloatArray | None:
    return None if values is None else values[row]


def _shares(model: SentenceModel, features: sparse.csr_matrix, lengths: Sequence[int]) -> FloatArray:
    """[documents, SHARES]: mean probability of every class over the document's sentences."""
    blocks = []
    for label, classes in (("attribution", len(ATTRIBUTIONS)), ("speculation", len(SPECULATIONS)), ("caution", 2)):
        probabilities = model.probabilities(features, label, classes)
        block = np.zeros((features.shape[0], classes)) if probabilities is None else probabilities
        blocks.append(block[:, 1:] if label == "caution" else block)
    return np.array([part.mean(0) if len(part) else np.zeros(SHARES) for part in _split(np.hstack(blocks), lengths)])


def _held_out_shares(documents: Sequence[Document]) -> FloatArray:
    """Class shares by models that did not see the document: shares of fitted sentences would look far too sure."""
    shares = np.zeros((len(documents), SHARES))
    for fold in range(FOLDS):
        model = SentenceModel([d for i, d in enumerate(documents) if i % FOLDS != fold], ("attribution", "speculation", "caution"))
        held_out = documents[fold::FOLDS]
        texts, sentences = [d.text for d in held_out], [d.sentences for d in held_out]
        shares[fold::FOLDS] = _shares(model, model.features(texts, sentences), [len(spans) for spans in sentences])
    return shares

"""Metrics of the project's own labels: attribution, speculation, caution, ratings."""

from collections.abc import Sequence

import numpy as np

from onrecord.labels import ATTRIBUTIONS, SPECULATIONS
from training.evaluation.align import Aligned, align
from training.evaluation.documents import Document
from training.evaluation.metrics import (
    confusion,
    kappa,
    mean_absolute_error_draws,
    mean_defined,
    merge_above_first,
    precision_recall_f1,
    spearman_draws,
)
from training.evaluation.resampling import Resamples
from training.evaluation.systems import RATINGS, FloatArray, Reading
from training.evaluation.tables import Draws


def align_all(documents: Sequence[Document], readings: Sequence[Reading]) -> list[Aligned]:
    """Every reading on its document's gold sentences."""
    return [align(document.sentences, reading) for document, reading in zip(documents, readings, strict=True)]


def label_totals(documents: Sequence[Document], aligned: Sequence[Aligned], label: str, classes: int, resamples: Resamples) -> FloatArray:
    """Confusion totals of one sentence label, for every draw."""
    gold = [document.labels[label] for document in documents]
    return resamples.total(confusion(gold, [a.labels[label] for a in aligned], classes))


def sentence_scores(documents: Sequence[Document], aligned: Sequence[Aligned], resamples: Resamples) -> Draws:
    """Attribution, speculation and caution, per class and as means."""
    attribution = label_totals(documents, aligned, "attribution", len(ATTRIBUTIONS), resamples)
    speculation = label_totals(documents, aligned, "speculation", len(SPECULATIONS), resamples)
    caution = label_totals(documents, aligned, "caution", 2, resamples)
    return {
        **_class_scores("attribution", ATTRIBUTIONS, attribution),
        **_class_scores("speculation", SPECULATIONS, speculation),
        **_positive_scores("speculation.above_none", merge_above_first(speculation)),
        **_positive_scores("caution", caution),
    }


def rating_scores(documents: Sequence[Document], readings: Sequence[Reading], resamples: Resamples) -> Draws:
    """Spearman and mean absolute error of the article ratings, which must all be known; empty if the system rates none."""
    if not all(reading.ratings for reading in readings):
        return {}
    draws: Draws = {}
    for name in RATINGS:
        gold = unit_ratings(documents, name)
        predicted = np.array([reading.ratings[name] for reading in readings])
        draws[f"{name}.spearman"] = spearman_draws(gold, predicted, resamples)
        draws[f"{name}.mae"] = mean_absolute_error_draws(gold, predicted, resamples)
    return draws


def unit_ratings(documents: Sequence[Document], name: str) -> FloatArray:
    """Gold ratings 1-5 on the scale of the scores, [0, 1]."""
    return (np.array([document.ratings[name] for document in documents]) - 1) / 4


def reading_of(document: Document) -> Reading:
    """An annotator's labels in the form of a system's reading, to measure one annotator against another."""
    return Reading(
        sentences=document.sentences,
        attribution=document.labels["attribution"],
        speculation=document.labels["speculation"],
        caution=document.labels["caution"] == 1,
        ratings={name: (rating - 1) / 4 for name, rating in document.ratings.items()},
    )


def _class_scores(label: str, classes: Sequence[str], totals: FloatArray) -> Draws:
    precision, recall, f1 = precision_recall_f1(totals)
    draws = {f"{label}.macro_f1": mean_defined(f1), f"{label}.kappa": kappa(totals)}
    for column, name in enumerate(classes):
        draws |= {f"{label}.{name}.precision": precision[:, column], f"{label}.{name}.recall": recall[:, column], f"{label}.{name}.f1": f1[:, column]}
    return draws


def _positive_scores(label: str, totals: FloatArray) -> Draws:
    precision, recall, f1 = precision_recall_f1(totals)
    return {f"{label}.precision": precision[:, 1], f"{label}.recall": recall[:, 1], f"{label}.f1": f1[:, 1]}

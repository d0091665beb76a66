"""The human-labelled test sets: FactAppeal, certainty, NewsSD, PolNeAR."""

from collections.abc import Sequence

import numpy as np

from onrecord.labels import ATTRIBUTIONS, TOKEN_TAGS
from training.evaluation.documents import Document
from training.evaluation.metrics import (
    confusion,
    f1_from_counts,
    mean_defined,
    pearson_draws,
    precision_recall_f1,
    span_counts,
    span_f1,
    spearman_draws,
)
from training.evaluation.resampling import Resamples
from training.evaluation.scores import align_all
from training.evaluation.systems import FloatArray, IntArray, Offsets, Reading
from training.evaluation.tables import Draws, Entry, Row, Section, Table
from training.evaluation.tokens import GROUPS, grouped, hit_counts, tagged, words

PUBLISHED_TOKEN_MACRO_F1 = 0.73
ATTRIBUTED = [ATTRIBUTIONS.index(name) for name in ("named", "document", "anonymous", "vague")]
POLNEAR_TAGS = ("source", "cue", "content")


def factappeal_table(documents: Sequence[Document], entries: Sequence[Entry]) -> Table:
    """Token tags, source spans, and whether the sentence appeals to a source."""
    resamples = Resamples.draw(len(documents))
    rows = [Row(e.system, e.role, _factappeal_scores(documents, e, resamples), _unmatched(documents, e)) for e in entries]
    published = Row("Gemma-2-9B (published, their own scoring)", "published", {"groups.macro_f1": np.array([PUBLISHED_TOKEN_MACRO_F1])})
    sections = [
        Section(
            "Words, source spans, sentences",
            [
                ("groups.macro_f1", "words: fact/appeal/source macro-F1"),
                ("tags.macro_f1", "words: all tags macro-F1"),
                ("source.exact_f1", "source spans exact F1"),
                ("source.overlap_f1", "source spans overlap F1"),
                ("appeal.f1", "sentence has an appeal F1"),
            ],
        ),
        Section("Words, F1 per group", [(f"groups.{name}.f1", name) for name in GROUPS]),
        Section("Words, F1 per tag", [(f"tags.{name}.f1", name) for name in TOKEN_TAGS]),
        Section("Sentence has an appeal", [("appeal.precision", "precision"), ("appeal.recall", "recall")]),
    ]
    notes = [
        "Words are runs of letters and digits; a word may carry several tags; the groups are any fact without appeal, any quoted fact, any source.",
        "The published figure is the authors' own, by their own scoring; here the test sentences that also occur in train are left out: compare with care.",
    ]
    return Table("factappeal", "FactAppeal test", len(documents), _sentences(documents), sections, [published, *rows], notes)


def certainty_table(documents: Sequence[Document], entries: Sequence[Entry]) -> Table:
    """Correlation with the graded certainty of science findings."""
    known = [np.isfinite(d.certainty) for d in documents]
    gold = np.concatenate([d.certainty[k] for d, k in zip(documents, known, strict=True)])
    resamples = Resamples.draw(len(gold))
    rows = []
    for entry in entries:
        aligned = align_all(documents, entry.readings)
        scores = [a.certainty[k] for a, k in zip(aligned, known, strict=True) if a.certainty is not None]
        if len(scores) == len(documents):
            predicted = np.concatenate(scores)
            draws = {"certainty.pearson": pearson_draws(gold, predicted, resamples), "certainty.spearman": spearman_draws(gold, predicted, resamples)}
            rows.append(Row(entry.system, entry.role, draws, _unmatched(documents, entry)))
    sections = [Section("Correlation with graded certainty", [("certainty.pearson", "Pearson r"), ("certainty.spearman", "Spearman")])]
    return Table(
        "certainty",
        "Certainty in science communication, test",
        len(documents),
        len(gold),
        sections,
        rows,
        ["The lexicon counts hedges. Each sentence is a document of its own."],
    )


def newssd_table(documents: Sequence[Document], entries: Sequence[Entry]) -> Table:
    """Objective against subjective sentences."""
    resamples = Resamples.draw(len(documents))
    gold = [d.labels["subjective"] for d in documents]
    rows = []
    for entry in entries:
        predicted = [a.labels["subjective"] for a in align_all(documents, entry.readings) if "subjective" in a.labels]
        if len(predicted) == len(gold):
            f1 = precision_recall_f1(resamples.total(confusion(gold, predicted, 2)))[2]
            draws = {"subjective.macro_f1": mean_defined(f1), "subjective.f1": f1[:, 1], "objective.f1": f1[:, 0]}
            rows.append(Row(entry.system, entry.role, draws, _unmatched(documents, entry)))
    sections = [Section("Subjective sentences", [("subjective.macro_f1", "macro-F1"), ("subjective.f1", "subjective F1"), ("objective.f1", "objective F1")])]
    return Table("newssd", "NewsSD test", len(documents), _sentences(documents), sections, rows)


def polnear_table(documents: Sequence[Document], entries: Sequence[Entry]) -> Table:
    """Out of domain: does the sentence hold an attribution, and who is the source."""
    resamples = Resamples.draw(len(documents))
    gold = [has_attribution(d.sentences, [s[:2] for s in d.spans if s[2] in POLNEAR_TAGS]) for d in documents]
    rows = []
    for entry in entries:
        aligned = align_all(documents, entry.readings)
        predicted = [np.isin(a.labels["attribution"], ATTRIBUTED).astype(np.int64) for a in aligned]
        draws = _positive(gold, predicted, "attributed", resamples) | _source_spans(documents, entry.readings, resamples)
        rows.append(Row(entry.system, entry.role, draws, _unmatched(documents, entry)))
    columns = [("attributed.f1", "sentence has an attribution F1"), ("attributed.precision", "precision"), ("attributed.recall", "recall")]
    columns += [("source.exact_f1", "source spans exact F1"), ("source.overlap_f1", "source spans overlap F1")]
    notes = [
        "Evaluation only, never trained on. A sentence has an attribution when it shares characters with a source, cue or content span; "
        "it counts as predicted when its class is named, document, anonymous or vague. PolNeAR also annotates thoughts and intentions, which our codebook does not."
    ]
    return Table("polnear", "PolNeAR test", len(documents), _sentences(documents), [Section("Attributions", columns)], rows, notes)


def has_attribution(sentences: Sequence[Offsets], spans: Sequence[Offsets]) -> IntArray:
    """1 for each sentence that shares a character with a span."""
    return np.array([any(start < s[1] and s[0] < end for s in spans) for start, end in sentences], dtype=np.int64)


def _factappeal_scores(documents: Sequence[Document], entry: Entry, resamples: Resamples) -> Draws:
    aligned = align_all(documents, entry.readings)
    gold = [d.labels["appeal"] for d in documents]
    # A system without an appeal score says "has an appeal" by its attribution class.
    predicted = [a.labels.get("appeal", np.isin(a.labels["attribution"], ATTRIBUTED).astype(np.int64)) for a in aligned]
    draws = _positive(gold, predicted, "appeal", resamples) | _source_spans(documents, entry.readings, resamples)
    return draws | _token_scores(documents, entry.readings, resamples)


def _token_scores(documents: Sequence[Document], readings: Sequence[Reading], resamples: Resamples) -> Draws:
    """F1 per tag and group over words; empty for a system that finds sources at most, since a mean over the rest would only count its zeros."""
    if {tag for reading in readings for _, _, tag in reading.spans} <= {"source"}:
        return {}
    tags, groups = [], []
    for document, reading in zip(documents, readings, strict=True):
        tokens = words(document.text)
        gold, predicted = tagged(tokens, document.spans), tagged(tokens, reading.spans)
        tags.append(hit_counts(gold, predicted))
        groups.append(hit_counts(grouped(gold), grouped(predicted)))
    return _kinds("tags", TOKEN_TAGS, np.stack(tags), resamples) | _kinds("groups", list(GROUPS), np.stack(groups), resamples)


def _kinds(prefix: str, names: Sequence[str], counts: FloatArray, resamples: Resamples) -> Draws:
    f1 = f1_from_counts(*np.moveaxis(resamples.total(counts), -1, 0))
    return {f"{prefix}.macro_f1": mean_defined(f1)} | {f"{prefix}.{name}.f1": f1[:, column] for column, name in enumerate(names)}


def _source_spans(documents: Sequence[Document], readings: Sequence[Reading], resamples: Resamples) -> Draws:
    if not any(reading.spans for reading in readings):
        return {}
    pairs = zip(documents, readings, strict=True)
    counts = np.stack([span_counts(_trimmed(d.text, d.spans), _trimmed(d.text, r.spans)) for d, r in pairs])
    exact, overlap = span_f1(resamples.total(counts))
    return {"source.exact_f1": exact, "source.overlap_f1": overlap}


def _trimmed(text: str, spans: Sequence[tuple[int, int, str]]) -> list[Offsets]:
    """Source spans without white space or punctuation at their ends, which annotators include or not by chance."""
    found = []
    for start, end, tag in spans:
        inside = words(text[start:end]) if tag == "source" else []
        if inside:
            found.append((start + inside[0][0], start + inside[-1][1]))
    return found


def _positive(gold: Sequence[IntArray], predicted: Sequence[IntArray], key: str, resamples: Resamples) -> Draws:
    precision, recall, f1 = precision_recall_f1(resamples.total(confusion(gold, predicted, 2)))
    return {f"{key}.f1": f1[:, 1], f"{key}.precision": precision[:, 1], f"{key}.recall": recall[:, 1]}


def _unmatched(documents: Sequence[Document], entry: Entry) -> int:
    return sum(a.unmatched for a in align_all(documents, entry.readings))


def _sentences(documents: Sequence[Document]) -> int:
    return sum(len(d.sentences) for d in documents)

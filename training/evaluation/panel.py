"""The panel: real articles labelled twice, and the validation split, which carries the same labels once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from onrecord.labels import ATTRIBUTIONS, SPECULATIONS
from training.evaluation.documents import Document
from training.evaluation.resampling import Resamples, mean_draws
from training.evaluation.scores import align_all, rating_scores, reading_of, sentence_scores
from training.evaluation.systems import RATINGS, Reading
from training.evaluation.tables import Draws, Entry, Row, Section, Table

MAIN = Section(
    "Sentences and ratings",
    [
        ("attribution.macro_f1", "attribution macro-F1"),
        ("speculation.macro_f1", "speculation macro-F1"),
        ("speculation.above_none.f1", "speculation level > 0, F1"),
        ("caution.f1", "caution F1"),
        *((f"{name}.spearman", f"{name} Spearman") for name in RATINGS),
    ],
)
SECTIONS = [
    MAIN,
    Section("Mean absolute error of the ratings (scale 0 to 1)", [(f"{name}.mae", name) for name in RATINGS]),
    Section("Attribution, F1 per class", [*((f"attribution.{name}.f1", name) for name in ATTRIBUTIONS), ("attribution.kappa", "κ")]),
    Section("Attribution, precision per class", [(f"attribution.{name}.precision", name) for name in ATTRIBUTIONS]),
    Section("Attribution, recall per class", [(f"attribution.{name}.recall", name) for name in ATTRIBUTIONS]),
    Section("Speculation, F1 per level", [*((f"speculation.{name}.f1", name) for name in SPECULATIONS), ("speculation.kappa", "κ")]),
    Section(
        "Precision and recall of the rare labels",
        [
            (f"{label}.{measure}", f"{heading} {measure}")
            for label, heading in (("speculation.above_none", "level > 0"), ("caution", "caution"))
            for measure in ("precision", "recall")
        ],
    ),
]


@dataclass(frozen=True)
class Panel:
    """The same articles by two annotators, in the same order."""

    first: list[Document]
    second: list[Document]

    @classmethod
    def of(cls, first: Sequence[Document], second: Sequence[Document]) -> "Panel":
        """Pair the two annotators' tables by document id."""
        ours, theirs = {d.id: d for d in first}, {d.id: d for d in second}
        if set(ours) != set(theirs):
            raise ValueError(
                f"panel: {len(set(ours) ^ set(theirs))} documents have one annotator only; expected the same documents in both tables. Run data.prepare again"
            )
        order = sorted(ours)
        return cls([ours[key] for key in order], [theirs[key] for key in order])

    def select(self, rows: Sequence[int]) -> "Panel":
        """Only the documents at `rows`."""
        return Panel([self.first[i] for i in rows], [self.second[i] for i in rows])


def is_horne(document: Document) -> bool:
    """Whether a panel article comes from the collection that also has articles in the training data."""
    return document.corpus.rsplit("/", 1)[-1].startswith("horne")


def panel_tables(panel: Panel, entries: Sequence[Entry]) -> list[Table]:
    """Every view of the panel: all articles and without the Horne strata; mean over the annotators and each of them."""
    everything = list(range(len(panel.first)))
    elsewhere = [i for i in everything if not is_horne(panel.first[i])]
    tables = _views(panel, entries, "panel", "Panel")
    if elsewhere and len(elsewhere) < len(everything):
        kept = [Entry(e.system, e.role, [e.readings[i] for i in elsewhere]) for e in entries]
        tables += _views(panel.select(elsewhere), kept, "panel_without_horne", "Panel without the strata horne-*")
    return tables


def _views(panel: Panel, entries: Sequence[Entry], name: str, title: str) -> list[Table]:
    resamples = Resamples.draw(len(panel.first))
    golds = {"annotator_1": panel.first, "annotator_2": panel.second}
    others = {"annotator_1": panel.second, "annotator_2": panel.first}
    rows: dict[str, list[Row]] = {view: [_row(entry, gold, resamples) for entry in entries] for view, gold in golds.items()}
    for view, gold in golds.items():
        rows[view].append(_row(Entry("the other annotator", "annotators", [reading_of(d) for d in others[view]]), gold, resamples))
    means = [_mean(a, b) for a, b in zip(rows["annotator_1"], rows["annotator_2"], strict=True)]
    sentences = sum(len(d.sentences) for d in panel.first)
    views = [("", "mean over both annotators", means), *((f"_{v}", f"against {v.replace('_', ' ')}", rows[v]) for v in golds)]
    return [Table(name + key, f"{title}: {what}", len(panel.first), sentences, SECTIONS, found) for key, what, found in views]


def _row(entry: Entry, gold: Sequence[Document], resamples: Resamples) -> Row:
    draws, unmatched = _scores(gold, entry.readings, resamples)
    return Row(entry.system, entry.role, draws, unmatched)


def _scores(gold: Sequence[Document], readings: Sequence[Reading], resamples: Resamples) -> tuple[Draws, int]:
    aligned = align_all(gold, readings)
    draws = sentence_scores(gold, aligned, resamples) | rating_scores(gold, readings, resamples)
    return draws, sum(a.unmatched for a in aligned)


def _mean(first: Row, second: Row) -> Row:
    name = "annotators, each against the other" if first.role == "annotators" else first.system
    draws = {key: mean_draws([first.draws[key], second.draws[key]]) for key in first.draws if key in second.draws}
    return Row(name, first.role, draws, max(first.unmatched, second.unmatched))


def is_article(document: Document) -> bool:
    """Whether a document carries all of the panel's labels."""
    return document.has("attribution") and document.has("speculation") and all(np.isfinite(rating) for rating in document.ratings.values())


def validation_table(articles: Sequence[Document], entries: Sequence[Entry]) -> Table:
    """The same metrics on the articles of the validation split."""
    resamples = Resamples.draw(len(articles))
    note = "Used for early stopping: too kind to the transformer, and of the same make as the training articles."
    sentences = sum(len(d.sentences) for d in articles)
    return Table("validation", "Validation split", len(articles), sentences, SECTIONS, [_row(e, articles, resamples) for e in entries], [note])

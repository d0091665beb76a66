"""From readings to tables, JSON and Markdown."""

import json
from dataclasses import replace

import numpy as np
import pytest

from data.schema import MASKED
from onrecord.labels import TOKEN_TAGS
from training.evaluation.benchmarks import certainty_table, factappeal_table, has_attribution, newssd_table, polnear_table
from training.evaluation.documents import Document
from training.evaluation.panel import Panel, is_article, panel_tables
from training.evaluation.render import markdown, section_lines
from training.evaluation.systems import Reading, TaggedSpan
from training.evaluation.tables import Entry, Row, Section, Table
from training.evaluation.tokens import grouped, tagged, words

NAN = float("nan")


def document(
    key: str, attribution: list[int], *, corpus: str = "panel/x", ratings: tuple[float, float, float] = (1.0, 1.0, 1.0), **labels: list[int]
) -> Document:
    """A document of one-letter sentences, three characters apart."""
    n = len(attribution)
    masked = {name: np.full(n, MASKED, dtype=np.int64) for name in ("speculation", "caution", "appeal", "subjective")}
    given = {name: np.array(values, dtype=np.int64) for name, values in {"attribution": attribution, **labels}.items()}
    return Document(
        id=key,
        corpus=corpus,
        text="a. " * n,
        sentences=[(3 * i, 3 * i + 2) for i in range(n)],
        labels=masked | given,
        certainty=np.full(n, NAN),
        spans=[],
        spans_labelled=frozenset(),
        ratings=dict(zip(("sourcing", "speculation", "risk"), ratings, strict=True)),
    )


def panel() -> Panel:
    first, second = [], []
    for i in range(6):
        corpus = "panel/horne-random" if i >= 4 else "panel/healthstory"
        zero = {"speculation": [0, i % 3, 0], "caution": [0, i % 2, 0]}
        first.append(document(f"d{i}", [0, 4, i % 4], corpus=corpus, ratings=(1.0 + i % 5, 1.0 + i % 3, 5.0 - i % 5), **zero))
        second.append(document(f"d{i}", [0, 4, 2], corpus=corpus, ratings=(1.0 + i % 5, 1.0 + i % 2, 5.0 - i % 5), **zero))
    return Panel.of(first, second[::-1])


def reading(source: Document, ratings: dict[str, float] | None = None) -> Reading:
    return Reading(
        source.sentences,
        source.labels["attribution"],
        source.labels["speculation"],
        source.labels["caution"] == 1,
        {"sourcing": 0.5, "speculation": 0.5, "risk": 0.5} if ratings is None else ratings,
    )


def by_name(tables: list[Table]) -> dict[str, Table]:
    return {table.name: table for table in tables}


def value(table: Table, system: str, key: str) -> float:
    (row,) = (row for row in table.rows if row.system == system)
    return float(row.draws[key][0])


def test_panel_views_score_against_each_annotator_and_their_mean() -> None:
    data = panel()
    tables = by_name(panel_tables(data, [Entry("copy of annotator 1", "model", [reading(d) for d in data.first])]))
    assert value(tables["panel_annotator_1"], "copy of annotator 1", "attribution.macro_f1") == 1.0
    against_second = value(tables["panel_annotator_2"], "copy of annotator 1", "attribution.macro_f1")
    assert against_second < 1.0
    assert value(tables["panel"], "copy of annotator 1", "attribution.macro_f1") == pytest.approx((1 + against_second) / 2)


def test_annotators_against_each_other_are_the_ceiling_row() -> None:
    data = panel()
    tables = by_name(panel_tables(data, []))
    # Third sentences are 0,1,2,3,0,1 against 2 throughout: 1 of 6 agrees, so 13 of 18 labels agree in all.
    row = tables["panel_annotator_1"].rows[-1]
    assert row.role == "annotators"
    recall = value(tables["panel_annotator_1"], row.system, "attribution.named.recall")
    assert recall == pytest.approx(6 / 8)
    precision = value(tables["panel_annotator_2"], row.system, "attribution.named.precision")
    assert precision == pytest.approx(6 / 8)
    assert value(tables["panel"], "annotators, each against the other", "sourcing.spearman") == pytest.approx(1.0)
    assert value(tables["panel"], "annotators, each against the other", "sourcing.mae") == 0.0


def test_the_panel_is_also_shown_without_the_training_collection() -> None:
    tables = by_name(panel_tables(panel(), []))
    assert tables["panel"].documents == 6
    assert tables["panel_without_horne"].documents == 4


def test_documents_with_one_annotator_are_refused() -> None:
    data = panel()
    with pytest.raises(ValueError, match="1 documents have one annotator only"):
        Panel.of(data.first, data.second[:-1])


def test_a_system_without_ratings_gets_no_rating_scores() -> None:
    data = panel()
    (table, *_) = panel_tables(data, [Entry("silent", "model", [reading(d, ratings={}) for d in data.first])])
    assert "risk.spearman" not in table.rows[0].draws


def test_only_rated_articles_with_all_labels_count_for_validation() -> None:
    assert is_article(document("a", [0], speculation=[0]))
    assert not is_article(document("a", [0], speculation=[0], ratings=(NAN, NAN, NAN)))
    assert not is_article(document("a", [MASKED]))


def test_words_take_the_tags_of_spans_that_touch_them() -> None:
    text = "Tax rose, she said."
    tokens = words(text)
    assert [text[s:e] for s, e in tokens] == ["Tax", "rose", "she", "said"]
    marks = tagged(tokens, [(0, 9, "fact_indirect_quote"), (10, 13, "source"), (14, 18, "cue")])
    assert marks.sum() == 3
    assert grouped(marks).tolist() == [[False] * 4, [True, True, False, False], [False, False, True, False]]


def spans_document(text: str, spans: list[TaggedSpan], appeal: int) -> Document:
    made = document("f", [MASKED], appeal=[appeal])
    return replace(made, text=text, sentences=[(0, len(text))], spans=spans, spans_labelled=frozenset(TOKEN_TAGS))


def test_factappeal_by_hand() -> None:
    text = "Tax rose, she said."
    gold = spans_document(text, [(0, 8, "fact_indirect_quote"), (10, 13, "source")], 1)
    # Half of the fact as an unsourced fact, the source with its comma.
    found = Reading(
        gold.sentences, np.array([4]), np.array([0]), np.array([False]), spans=[(0, 3, "fact_without_appeal"), (8, 13, "source")], appeal=np.array([0.7])
    )
    table = factappeal_table([gold], [Entry("x", "model", [found])])
    assert value(table, "x", "groups.source.f1") == 1.0
    assert value(table, "x", "groups.macro_f1") == pytest.approx(1 / 3)
    assert value(table, "x", "tags.macro_f1") == pytest.approx(1 / 3)
    assert value(table, "x", "source.exact_f1") == 1.0
    assert value(table, "x", "appeal.f1") == 1.0
    assert "0.73 |" in "\n".join(section_lines(table.to_json(), table.to_json()["sections"][0]))


def test_a_system_that_tags_only_sources_has_no_macro_mean_over_tags() -> None:
    gold = spans_document("She said so.", [(0, 3, "source")], 1)
    found = Reading(gold.sentences, np.array([0]), np.array([0]), np.array([False]), spans=[(0, 3, "source")])
    row = factappeal_table([gold], [Entry("x", "baseline", [found])]).rows[-1]
    assert "groups.macro_f1" not in row.draws
    assert row.draws["source.exact_f1"][0] == 1.0
    assert row.draws["appeal.f1"][0] == 1.0  # by its attribution class


def test_polnear_sentences_are_attributed_by_any_overlap() -> None:
    assert has_attribution([(0, 5), (5, 9), (10, 12)], [(4, 5), (12, 20)]).tolist() == [1, 0, 0]


def test_polnear_counts_the_four_sourced_classes_as_attributions() -> None:
    made = document("p", [MASKED] * 6)
    gold = replace(made, spans=[(0, 10, "content")], spans_labelled=frozenset({"content"}))
    found = Reading(gold.sentences, np.arange(6), np.zeros(6, dtype=np.int64), np.zeros(6, dtype=np.bool_))
    table = polnear_table([gold], [Entry("x", "model", [found])])
    assert value(table, "x", "attributed.f1") == 1.0


def test_certainty_correlates_sentences_and_skips_systems_without_it() -> None:
    golds = [replace(document(f"c{i}", [MASKED]), certainty=np.array([float(i)])) for i in range(5)]
    sure = [Reading(d.sentences, np.array([0]), np.array([0]), np.array([False]), certainty=d.certainty**3) for d in golds]
    mute = [Reading(d.sentences, np.array([0]), np.array([0]), np.array([False])) for d in golds]
    table = certainty_table(golds, [Entry("sure", "model", sure), Entry("mute", "model", mute)])
    assert [row.system for row in table.rows] == ["sure"]
    assert value(table, "sure", "certainty.spearman") == pytest.approx(1.0)
    assert value(table, "sure", "certainty.pearson") < 1.0


def test_newssd_macro_f1_by_hand() -> None:
    golds = [document(f"n{i}", [MASKED], subjective=[i % 2]) for i in range(4)]
    yes = [Reading(d.sentences, np.array([0]), np.array([0]), np.array([False]), subjective=np.array([1.0])) for d in golds]
    assert value(newssd_table(golds, [Entry("yes", "floor", yes)]), "yes", "subjective.macro_f1") == pytest.approx((2 / 3 + 0) / 2)


def small_table(rows: list[Row]) -> Table:
    return Table("t", "A test", 3, 9, [Section("Main", [("f1", "F1"), ("mae", "error")])], rows, ["A note."])


def test_several_seeds_give_a_mean_row_with_their_spread_before_each_seed() -> None:
    seeds = [Row(f"s{i}", "model", {"f1": np.array([v, v - 0.1, v + 0.1])}) for i, v in enumerate((0.7, 0.72, 0.77))]
    rows = small_table([Row("floor", "baseline", {"f1": np.array([0.4])}), *seeds]).to_json()["rows"]
    assert [row["system"] for row in rows] == ["floor", "OnRecord, mean of 3 seeds", "s0", "s1", "s2"]
    assert rows[1]["values"]["f1"]["value"] == pytest.approx(0.73)
    assert rows[1]["spread"]["f1"] == pytest.approx({"min": 0.7, "max": 0.77, "sd": np.std([0.7, 0.72, 0.77], ddof=1)})


def test_one_model_gets_no_mean_row() -> None:
    rows = small_table([Row("only", "model", {"f1": np.array([0.7])})]).to_json()["rows"]
    assert [row["system"] for row in rows] == ["only"]


def test_undefined_numbers_are_null_in_json_and_a_dash_on_the_page() -> None:
    table = small_table([Row("x", "model", {"f1": np.array([np.nan, np.nan])})]).to_json()
    json.dumps(table, allow_nan=False)
    assert section_lines(table, table["sections"][0])[-1] == "| x | \N{EN DASH} | \N{EN DASH} |"


def test_markdown_of_known_results() -> None:
    cell = {"value": 0.724, "low": 0.691, "high": 0.75}
    rows = [
        {"system": "rival", "role": "published", "unmatched": 0, "values": {"f1": {"value": 0.73, "low": None, "high": None}}},
        {"system": "mean", "role": "mean", "unmatched": 0, "values": {"f1": cell}, "spread": {"f1": {"min": 0.7, "max": 0.74, "sd": 0.0163}}},
        {"system": "seed", "role": "model", "unmatched": 2, "values": {"f1": cell}},
        {"system": "other", "role": "model", "unmatched": 0, "values": {}},
    ]
    table = {
        "name": "t",
        "title": "A test",
        "notes": ["A note."],
        "documents": 1200,
        "sentences": 9,
        "rows": rows,
        "sections": [{"title": "Main", "columns": [["f1", "F1"]]}],
    }
    text = markdown({"provenance": {"git_commit": "abc", "data_sha256": "0" * 64, "bootstrap": {"resamples": 2000}}, "left_out": [], "tables": [table]})
    assert "| rival† | 0.73 |" in text
    assert "| **mean** | 0.72 [0.69, 0.75] |" in text
    assert "| range over the seeds | 0.70\N{EN DASH}0.74, SD 0.016 |" in text
    assert "| seed | 0.72 [0.69, 0.75] |" in text
    assert "| other" not in text
    assert "1,200 documents, 9 sentences." in text
    assert "seed: 2 gold sentences had no sentence" in text
    assert "2,000 bootstrap resamples" in text

"""Training: labels line up, masks hold, and what is fitted recovers what made the data."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from transformers import PreTrainedTokenizerBase

from data.schema import SPAN_TAGS, Document, Ratings, Sentence, TaggedSpan
from onrecord.labels import ATTRIBUTIONS, TOKEN_TAGS
from onrecord.modeling import OnRecordModel
from tests.training_samples import EVERY_TAG, POLICY, article, labelled, rows_of
from training.calibrate import best_threshold, fit_affine, fit_temperature, interval
from training.config import TrainingConfig
from training.examples import MASKED, Collator, label_document, make_items
from training.losses import ClassBalance, MultiTaskLoss
from training.passages import join_sentences
from training.risk import CAUTION_FLOOR, fit_policy

if TYPE_CHECKING:
    from tests.conftest import Tiny


# --- Examples -------------------------------------------------------------------------------------------------------


def test_sentence_labels_follow_their_sentences_and_are_masked_where_missing(tokenizer: PreTrainedTokenizerBase) -> None:
    text = "It rose. It fell. It sank."
    document = Document("d", "newssd", text, (Sentence(0, 8, attribution=4, certainty=2.5), Sentence(9, 17, speculation=2, subjective=1), Sentence(18, 26)))
    (found,) = labelled(tokenizer, document)
    assert found.labels == {
        "attribution": [4, MASKED, MASKED],
        "speculation": [MASKED, 2, MASKED],
        "caution": [MASKED] * 3,
        "appeal": [MASKED] * 3,
        "subjective": [MASKED, 1, MASKED],
    }
    assert found.certainty[0] == 2.5
    assert np.isnan(found.certainty[1:]).all()
    assert np.isnan(found.ratings).all()
    assert (found.drivers_up, found.drivers_down) == ([], [])
    assert all(set(t) == {MASKED} for w in found.windows for t in w.tags)


def test_tags_that_a_corpus_does_not_mark_are_masked(tokenizer: PreTrainedTokenizerBase) -> None:
    text = "Mayor Ana said no."
    source = SPAN_TAGS.index("source")
    spans = (TaggedSpan(6, 9, source), TaggedSpan(0, 17, SPAN_TAGS.index("fact_indirect_quote")))
    (found,) = labelled(tokenizer, Document("d", "authored", text, (Sentence(0, 18),), spans=spans, spans_labelled=(source,)))
    rows = [row for row, sentence in zip(found.windows[0].tags, found.windows[0].sentence, strict=True) if sentence == 0]
    assert {row[source] for row in rows} == {0, 1}
    assert {mark for row in rows for tag, mark in enumerate(row) if tag != source} == {MASKED}


def test_lost_quotation_marks_are_read_in_training_as_in_scoring(tokenizer: PreTrainedTokenizerBase) -> None:
    broken, whole = (labelled(tokenizer, Document("d", "horne", text, (Sentence(0, 16),)))[0] for text in ("\ufffdNo,\ufffd said Ana.", '"No," said Ana.'))
    assert broken.windows == whole.windows


def test_span_tags_mark_exactly_their_tokens(tokenizer: PreTrainedTokenizerBase) -> None:
    text = "Mayor Ana said no. The end."
    source, fact = SPAN_TAGS.index("source"), SPAN_TAGS.index("fact_indirect_quote")
    spans = (TaggedSpan(6, 9, source, 1, 3), TaggedSpan(0, 17, fact), TaggedSpan(19, 22, SPAN_TAGS.index("cue")))
    (found,) = labelled(tokenizer, Document("d", "factappeal", text, (Sentence(0, 18), Sentence(19, 27)), spans=spans, spans_labelled=EVERY_TAG))
    (window,) = found.windows
    offsets = [(0, 0), *tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"], (0, 0)]
    assert len(window.ids) == len(offsets)
    for (a, b), tags, kind, type_, sentence in zip(offsets, window.tags, window.kind, window.type, window.sentence, strict=True):
        if a == b:
            assert (set(tags), kind, type_, sentence) == ({MASKED}, MASKED, MASKED, -1)
            continue
        inside = 6 <= a < 9
        assert tags[source] == int(inside)
        assert tags[fact] == int(a < 17)
        assert (kind, type_) == ((1, 3) if inside else (MASKED, MASKED))
        assert sum(tags) == int(inside) + int(a < 17), "polnear's cue is no tag of ours"
        assert sentence == int(a >= 19)


def test_a_sentence_that_is_cut_keeps_its_labels_and_drivers_move_with_it(tokenizer: PreTrainedTokenizerBase) -> None:
    (found,) = labelled(tokenizer, article("d", [0, 5, 3]), window=12)
    attribution = found.labels["attribution"]
    assert len(attribution) > 3
    assert [a for a, b in zip(attribution, [*attribution[1:], None], strict=True) if a != b] == [0, 5, 3]
    assert (found.drivers_up, found.drivers_down) == ([attribution.index(5)], [0])
    assert sorted({s for w in found.windows for s in w.sentence} - {-1}) == list(range(len(attribution)))
    assert max(len(w.ids) for w in found.windows) <= 12


def test_stand_alone_sentences_are_also_learnt_amid_others(tokenizer: PreTrainedTokenizerBase) -> None:
    lone = [article(f"{corpus}-{i}", [i % 6], corpus, ratings=Ratings(), drivers_labelled=False) for corpus in ("factappeal", "newssd") for i in range(7)]
    rows = rows_of([article("long", [0, 1, 2]), *lone])
    joined = join_sentences(rows, 2)
    assert [len(row["sentences"]) for row in joined] == [3, 1, 1, 1, 1, 2, 1, 1, 1, 1, 1, 2, 1], "every third pair of a corpus; no pair of two corpora"
    before = {(row["corpus"], row["text"][s["start"] : s["end"]]): s | {"start": 0, "end": 0} for row in rows for s in row["sentences"]}
    after = {(row["corpus"], row["text"][s["start"] : s["end"]]): s | {"start": 0, "end": 0} for row in joined for s in row["sentences"]}
    assert before == after, "labels stay on their words"
    words = [sorted(row["text"][s["start"] : s["end"]] for row in table for s in row["spans"]) for table in (rows, joined)]
    assert words[0] == words[1]
    assert len(label_document(joined[5], tokenizer, 64).windows) == 1


def test_caution_sentences_are_no_drivers_to_the_loss(tokenizer: PreTrainedTokenizerBase) -> None:
    documents = labelled(tokenizer, article("d", [0, 5, 3], drivers_down=[1, 0], drivers_up=[2]))
    batch = Collator(0)([documents])
    assert batch["driver_down_labels"].tolist() == [1, 0, 0], "the policy credits caution by itself"
    assert batch["driver_up_labels"].tolist() == [0, 0, 1]


def test_items_are_single_articles_and_groups_of_lone_sentences_of_one_corpus(tokenizer: PreTrainedTokenizerBase) -> None:
    long = article("long", [0, 1, 2])
    lone = [Document(f"{c}-{i}", c, "It fell.", (Sentence(0, 8, appeal=0),)) for c in ("newssd", "factappeal") for i in range(5)]
    empty = Document("empty", "newssd", " ", ())
    items = make_items(labelled(tokenizer, long, *lone, empty), single_sentences=3)
    assert [d.id for d in items[0]] == ["long"]
    assert sorted(len(item) for item in items) == [1, 2, 2, 3, 3]
    assert all(len({d.corpus for d in item}) == 1 for item in items)
    assert {d.id for item in items for d in item} == {"long", *(d.id for d in lone)}


def test_a_batch_fits_the_model_and_lines_up_with_its_output(tokenizer: PreTrainedTokenizerBase, model: OnRecordModel) -> None:
    documents = labelled(tokenizer, article("a", [0, 1, 2, 3, 4, 5], drivers_up=[3]), article("b", [3, 5], drivers_up=[0]), window=48)
    batch = Collator(tokenizer.pad_token_id)([[documents[0]], [documents[1]]])
    out = model(**batch)
    tokens, sentences = int(batch["attention_mask"].sum()), len(batch["document"])
    assert out.tags.shape == batch["tag_labels"].shape == (tokens, len(TOKEN_TAGS))
    assert batch["source_kind_labels"].shape == batch["source_type_labels"].shape == (tokens,)
    assert out.attribution.shape == (sentences, len(ATTRIBUTIONS))
    assert batch["attribution_labels"].tolist() == documents[0].labels["attribution"] + documents[1].labels["attribution"]
    assert batch["document"].bincount().tolist() == [len(d.certainty) for d in documents]
    assert batch["rating_labels"].shape == (2, 3)
    first_of_b = int((batch["document"] == 0).sum())
    assert batch["driver_up_labels"].nonzero().flatten().tolist() == [documents[0].drivers_up[0], first_of_b + documents[1].drivers_up[0]]
    assert batch["sentence"].max() == sentences - 1
    assert ((batch["sentence"] >= 0) <= (batch["attention_mask"] == 1)).all()


# --- Losses ---------------------------------------------------------------------------------------------------------

HEADS = (
    "attribution",
    "speculation",
    "caution",
    "appeal",
    "subjective",
    "certainty",
    "tags",
    "source_kind",
    "source_type",
    "sourcing_logits",
    "speculating_logits",
)
ONE_TASK: list[tuple[dict[str, Any], dict[str, Any], set[str]]] = [
    ({"attribution": 2}, {}, {"attribution"}),
    ({"speculation": 1}, {}, {"speculation"}),
    ({"caution": 1}, {}, {"caution"}),
    ({"appeal": 0}, {}, {"appeal"}),
    ({"subjective": 1}, {}, {"subjective"}),
    ({"certainty": 3.0}, {}, {"certainty"}),
    # An article's rating reaches the sentence classes through their contributions, and no other head.
    ({}, {"ratings": Ratings(sourcing=2.0)}, {"sourcing_logits", "attribution", "speculation", "caution"}),
    ({}, {"ratings": Ratings(speculation=2.0)}, {"speculating_logits", "attribution", "speculation", "caution"}),
    ({}, {"spans": (TaggedSpan(0, 2, 0),), "spans_labelled": EVERY_TAG}, {"tags"}),
    ({}, {"spans": (TaggedSpan(0, 2, SPAN_TAGS.index("source"), 1),), "spans_labelled": EVERY_TAG}, {"tags", "source_kind"}),
    ({}, {}, set()),
]


@pytest.mark.parametrize(("labels", "document", "heads"), ONE_TASK)
def test_only_the_heads_that_a_corpus_labels_get_a_gradient(
    tokenizer: PreTrainedTokenizerBase, tiny: "Tiny", labels: dict[str, Any], document: dict[str, Any], heads: set[str]
) -> None:
    sentences = (Sentence(0, 8, **labels), Sentence(9, 17))
    documents = labelled(tokenizer, Document("d", "c", "It rose. It fell.", sentences, **document))
    batch = Collator(tokenizer.pad_token_id)([documents])
    out = tiny.model()(**batch)
    for head in HEADS:
        out[head].retain_grad()
    loss = MultiTaskLoss(TrainingConfig(), ClassBalance.count(documents, 0.5), POLICY)
    loss(out, batch).backward()  # type: ignore[no-untyped-call]
    touched = {head for head in HEADS if out[head].grad is not None and out[head].grad.any()}
    assert touched == heads
    for head in heads & set(labels):
        assert not out[head].grad[1].any(), "the second sentence has no label"


def test_drivers_pull_the_contributions_of_their_sentences(tokenizer: PreTrainedTokenizerBase, tiny: "Tiny") -> None:
    documents = labelled(tokenizer, article("d", [0, 3, 5], ratings=Ratings()))
    batch = Collator(tokenizer.pad_token_id)([documents])
    out = tiny.model()(**batch)
    out.sourcing.retain_grad()
    MultiTaskLoss(TrainingConfig(), ClassBalance.count(documents, 0.5), POLICY).tasks(out, batch)["drivers"].backward()  # type: ignore[no-untyped-call]
    gradient = out.sourcing.grad
    assert gradient is not None
    assert gradient[2] > 0, "less sourcing for what the annotator says raises the risk"
    assert gradient[0] < 0, "more sourcing for what lowers it"


def test_class_balance_counts_labels_and_weighs_rare_ones_up(tokenizer: PreTrainedTokenizerBase) -> None:
    documents = labelled(tokenizer, article("d", [0, 0, 0, 0, 1, 3, 5]))
    plain, full = ClassBalance.count(documents, 0.0), ClassBalance.count(documents, 1.0)
    assert torch.equal(plain.attribution, torch.ones(6))
    assert plain.caution == 1
    assert full.caution == pytest.approx(6.0)
    assert full.speculation.tolist() == pytest.approx([5 / 2, 1.0])
    assert full.attribution[1] == pytest.approx(4 * full.attribution[0].item())
    tokens = [t for w in documents[0].windows for t in w.tags if t[0] != MASKED]
    sources = sum(t[TOKEN_TAGS.index("source")] for t in tokens)
    assert full.tags[TOKEN_TAGS.index("source")] == pytest.approx((len(tokens) - sources) / sources)


# --- Policy, calibration parts, settings ----------------------------------------------------------------------------


@pytest.mark.parametrize("risk_of", [lambda s, p: (5 - s + p) / 2, lambda s, p: (s + 5 - p) / 2, lambda s, p: 3.0], ids=["sensible", "reversed", "constant"])
def test_the_fitted_policy_is_monotone_whatever_the_ratings_say(risk_of: Callable[[float, float], float]) -> None:
    documents = [article(f"{s}{p}", [0, 5], ratings=Ratings(s, p, risk_of(s, p))) for s in (1.0, 2.0, 4.0, 5.0) for p in (1.0, 3.0, 5.0)]
    policy = fit_policy(rows_of(documents), "test")
    assert min(policy.sourcing, policy.speculation) >= 0
    assert policy.caution >= CAUTION_FLOOR
    if risk_of(1, 5) == 4.5:
        assert min(policy.sourcing, policy.speculation) > 0.2


def test_unknown_settings_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    for values, name in (({"epoch": 3}, "epoch"), ({"loss_weights": {"tag": 1.0}}, "loss_weights.tag")):
        path.write_text(json.dumps(values))
        with pytest.raises(ValueError, match=name):
            TrainingConfig.load(path)
    path.write_text(json.dumps(TrainingConfig(seed=9).to_dict()))
    assert TrainingConfig.load(path) == TrainingConfig(seed=9)


def test_fits_recover_what_made_the_data() -> None:
    random = np.random.default_rng(5)
    logits = random.normal(size=4000)
    slope, intercept = fit_affine(logits, 1 / (1 + np.exp(-(2.0 * logits - 0.7))))
    assert slope == pytest.approx(2.0, abs=0.02)
    assert intercept == pytest.approx(-0.7, abs=0.02)
    assert fit_affine(logits, logits < 0)[0] == pytest.approx(0.05), "a slope below zero would turn the order round"
    raw = random.normal(size=(4000, 4)) * 2
    p = np.exp(raw) / np.exp(raw).sum(1, keepdims=True)
    labels = np.array([random.choice(4, p=row) for row in p])
    assert fit_temperature(raw * 3, labels) == pytest.approx(3.0, rel=0.1)


def test_the_threshold_lies_in_the_middle_of_what_separates() -> None:
    assert best_threshold(np.array([0.1, 0.2, 0.6, 0.9]), np.array([False, False, True, True])) == pytest.approx(0.4, abs=0.03)


def test_the_interval_covers_at_least_the_share_it_claims() -> None:
    random = np.random.default_rng(2)
    rating = random.integers(1, 6, 200).astype(float)
    value = np.clip((rating - 1) / 4 + random.normal(0, 0.1, 200), 0, 1)
    width = interval(value, rating)
    inside = np.abs(value - (rating - 1) / 4) <= width
    assert 0.9 <= inside.mean() <= 0.93

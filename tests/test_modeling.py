"""The model: exact sums, results that do not depend on the company a document keeps, and lossless saving."""

import json
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from transformers import AutoConfig, AutoModel

from onrecord.configuration import OnRecordConfig
from onrecord.errors import CheckpointError
from onrecord.modeling import OnRecordModel, OnRecordOutput, group_by_length, segment_softmax

# One document: for each window the number of tokens of each of its sentences.
DOCUMENTS = st.lists(st.lists(st.lists(st.integers(1, 6), min_size=1, max_size=4), min_size=1, max_size=3), min_size=1, max_size=3)
Shape = list[list[int]]


def batch_of(documents: list[Shape], seed: int = 0, padding: int = 0) -> dict[str, Tensor]:
    """Random tokens; a document's tokens depend on its number and on the seed only."""
    rows: list[list[int]] = []
    owners: list[list[int]] = []
    document: list[int] = []
    for d, windows in enumerate(documents):
        random = torch.Generator().manual_seed(1000 * seed + d)
        for window in windows:
            first = len(document)
            document += [d] * len(window)
            rows.append([2, *torch.randint(5, 60, (sum(window),), generator=random).tolist(), 3])
            owners.append([-1, *(first + i for i, size in enumerate(window) for _ in range(size)), -1])
    width = max(map(len, rows)) + padding
    return {
        "input_ids": torch.tensor([r + [0] * (width - len(r)) for r in rows]),
        "attention_mask": torch.tensor([[1] * len(r) + [0] * (width - len(r)) for r in rows]),
        "sentence": torch.tensor([o + [-1] * (width - len(o)) for o in owners]),
        "document": torch.tensor(document),
    }


@torch.no_grad()
def run(model: OnRecordModel, batch: dict[str, Tensor]) -> OnRecordOutput:
    out: OnRecordOutput = model(**batch)
    return out


def assert_same(found: OnRecordOutput, expected: OnRecordOutput) -> None:
    for name in expected:
        torch.testing.assert_close(found[name], expected[name], rtol=1e-5, atol=1e-5)


@settings(max_examples=40, deadline=None)
@given(DOCUMENTS, st.integers(0, 99))
def test_the_article_logits_are_the_sums_of_the_sentences_contributions(model: OnRecordModel, documents: list[Shape], seed: int) -> None:
    batch = batch_of(documents, seed)
    out = run(model, batch)
    for d in range(len(documents)):
        inside = batch["document"] == d
        torch.testing.assert_close(out.sourcing[inside].sum(), out.sourcing_logits[d], rtol=1e-6, atol=1e-6)
        torch.testing.assert_close(out.speculating[inside].sum(), out.speculating_logits[d], rtol=1e-6, atol=1e-6)


@settings(max_examples=30, deadline=None)
@given(DOCUMENTS, st.integers(0, 99), st.integers(0, 20))
def test_a_document_scores_the_same_alone_as_in_company_and_with_padding(model: OnRecordModel, documents: list[Shape], seed: int, padding: int) -> None:
    together = run(model, batch_of(documents, seed, padding))
    alone = run(model, batch_of(documents[:1], seed))
    sentences = sum(map(len, documents[0]))
    for name in ("attribution", "speculation", "caution", "certainty", "sourcing", "speculating"):
        torch.testing.assert_close(together[name][:sentences], alone[name], rtol=1e-5, atol=1e-5)
    for name in ("tags", "source_kind", "source_type"):
        torch.testing.assert_close(together[name][: len(alone[name])], alone[name], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(together.sourcing_logits[:1], alone.sourcing_logits, rtol=1e-5, atol=1e-5)


def test_grouping_windows_by_length_changes_nothing(model: OnRecordModel, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = batch_of([[[30], [2], [9, 9], [1], [28]], [[3], [40]]])
    grouped = run(model, batch)
    monkeypatch.setattr("onrecord.modeling.group_by_length", lambda sizes: [[w] for w in range(len(sizes))])
    assert_same(run(model, batch), grouped)


@given(st.lists(st.integers(1, 600), max_size=60))
def test_groups_hold_every_window_once_longest_first(sizes: list[int]) -> None:
    groups = group_by_length(sizes)
    assert sorted(w for g in groups for w in g) == list(range(len(sizes)))
    assert all(sizes[g[0]] == max(sizes[w] for w in g) for g in groups)


def test_short_and_long_windows_are_not_padded_to_one_length() -> None:
    assert len(group_by_length([512, 510, 40, 500, 30])) == 2


def test_reading_a_few_windows_at_a_time_and_judging_once_is_one_forward_pass(model: OnRecordModel) -> None:
    batch = batch_of([[[3, 4], [6], [2, 2, 2]]])
    whole = run(model, batch)
    vectors, tags = [], []
    with torch.no_grad():
        for window, (first, count) in enumerate([(0, 2), (2, 1), (3, 3)]):
            row = {k: batch[k][window : window + 1] for k in ("input_ids", "attention_mask", "sentence")}
            row["sentence"] = torch.where(row["sentence"] >= 0, row["sentence"] - first, -1)
            v, t = model.read(**row, sentences=count)
            vectors.append(v)
            tags.append(t)
        assert_same(model.judge(torch.cat(vectors), torch.cat(tags), batch["document"]), whole)


def test_a_sentence_without_tokens_gets_finite_scores_and_leaves_the_tokens_of_others_alone(model: OnRecordModel) -> None:
    batch = batch_of([[[3, 4]]])
    batch["sentence"] = torch.where(batch["sentence"] == 1, 2, batch["sentence"])
    batch["document"] = torch.zeros(3, dtype=torch.long)
    out = run(model, batch)
    assert out.attribution.shape == (3, 6)
    assert all(value.isfinite().all() for value in out.values())
    torch.testing.assert_close(out.attribution[[0, 2]], run(model, batch_of([[[3, 4]]])).attribution)


def test_segment_softmax_sums_to_one_in_every_segment_however_large_the_scores() -> None:
    segment = torch.tensor([0, 0, 2, 2, 2])
    weights = segment_softmax(torch.tensor([1e4, 1e4 - 1, -1e4, 0.0, 5.0]), segment, 3)
    torch.testing.assert_close(torch.zeros(3).index_add(0, segment, weights), torch.tensor([1.0, 0.0, 1.0]))


# --- Saving and loading ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loader", [OnRecordModel, AutoModel])
def test_what_is_saved_comes_back_bit_by_bit(model: OnRecordModel, tmp_path: Path, loader: type[OnRecordModel]) -> None:
    model.save_pretrained(tmp_path)
    back = loader.from_pretrained(tmp_path).train(mode=False)
    assert type(back) is OnRecordModel
    assert (back.config.window_tokens, back.config.pooled_size, back.config.release) == (model.config.window_tokens, 24, "0.0.test")
    mine, theirs = model.state_dict(), back.state_dict()
    assert mine.keys() == theirs.keys()
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)
    batch = batch_of([[[3, 4], [6]]])
    found, again = run(back, batch), run(loader.from_pretrained(tmp_path).train(mode=False), batch)
    assert all(torch.equal(found[name], again[name]) for name in found)
    # Tensors read from a file are aligned otherwise than new ones, so that torch adds up in another order: equal but for rounding.
    assert_same(found, run(model, batch))


def test_buffers_that_are_not_saved_are_right_after_loading(model: OnRecordModel, tmp_path: Path) -> None:
    model.save_pretrained(tmp_path)
    mine, theirs = dict(model.named_buffers()), dict(OnRecordModel.from_pretrained(tmp_path).named_buffers())
    assert mine.keys() == theirs.keys()
    assert mine, "a BERT encoder has position ids"
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)


def test_a_config_with_an_unknown_key_is_refused_by_name(model: OnRecordModel, tmp_path: Path) -> None:
    model.save_pretrained(tmp_path)
    path = tmp_path / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"windw_tokens": 128}))
    for loader in (OnRecordModel, AutoModel, AutoConfig, OnRecordConfig):
        with pytest.raises(CheckpointError, match="windw_tokens"):
            loader.from_pretrained(tmp_path)

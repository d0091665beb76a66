"""Turn labelled documents into model inputs: tokenise, pack into windows, line labels up with sentences and tokens."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from onrecord.labels import TOKEN_TAGS
from onrecord.mending import mend
from onrecord.preparation import tokenise_articles
from onrecord.sentences import Span
from onrecord.windows import TokenisedSentence

MASKED = -100
SENTENCE_LABELS = ("attribution", "speculation", "caution", "appeal", "subjective")


@dataclass(frozen=True)
class LabelledWindow:
    """One window: token ids, each token's sentence in the document (-1: special), tag labels per token."""

    ids: list[int]
    sentence: list[int]
    tags: list[list[int]]
    kind: list[int]
    type: list[int]


@dataclass(frozen=True)
class LabelledDocument:
    """One document as the collator wants it. `labels` are per sentence, MASKED where unlabelled."""

    id: str
    corpus: str
    windows: list[LabelledWindow]
    labels: dict[str, list[int]]
    certainty: list[float]
    ratings: list[float]
    drivers_up: list[int]
    drivers_down: list[int]


def label_document(row: dict[str, Any], tokenizer: PreTrainedTokenizerBase, window_tokens: int) -> LabelledDocument:
    """Build one document from a row of the training table (see `data.schema`).

    A sentence too long for a window is cut; every piece keeps the sentence's labels.
    """
    spans = [Span(s["start"], s["end"]) for s in row["sentences"]]
    (article,) = tokenise_articles([(mend(row["text"]), spans)], tokenizer, window_tokens)
    sentences = article.sentences
    origin = _origins(spans, sentences)
    labels = {name: [_or_masked(row["sentences"][o][name]) for o in origin] for name in SENTENCE_LABELS}
    certainty = [row["sentences"][o]["certainty"] for o in origin]
    ratings = [row["ratings"][k] for k in ("sourcing", "speculation", "risk")]
    places = {o: i for i, o in reversed(list(enumerate(origin)))}
    return LabelledDocument(
        id=row["id"],
        corpus=row["corpus"],
        windows=[_label_window(row, sentences[w.first : w.last], w.first, tokenizer) for w in article.windows],
        labels=labels,
        certainty=[float("nan") if c is None else c for c in certainty],
        ratings=[float("nan") if r is None else r for r in ratings],
        drivers_up=[places[i] for i in row["drivers_up"]] if row["drivers_labelled"] else [],
        drivers_down=[places[i] for i in row["drivers_down"]] if row["drivers_labelled"] else [],
    )


def _origins(spans: Sequence[Span], sentences: Sequence[TokenisedSentence]) -> list[int]:
    origin, i = [], 0
    for sentence in sentences:
        while spans[i].end < sentence.span.end:
            i += 1
        origin.append(i)
    return origin


def _or_masked(label: int | None) -> int:
    return MASKED if label is None or label < 0 else label


def _label_window(row: dict[str, Any], sentences: Sequence[TokenisedSentence], first: int, tokenizer: PreTrainedTokenizerBase) -> LabelledWindow:
    ids, sentence = [tokenizer.cls_token_id], [-1]
    offsets: list[tuple[int, int]] = [(-1, -1)]
    for i, s in enumerate(sentences, start=first):
        ids += s.ids
        sentence += [i] * len(s.ids)
        offsets += s.offsets
    ids.append(tokenizer.sep_token_id)
    sentence.append(-1)
    offsets.append((-1, -1))
    empty = [0 if tag in row["spans_labelled"] else MASKED for tag in range(len(TOKEN_TAGS))]
    tags = [list(empty) if s >= 0 else [MASKED] * len(TOKEN_TAGS) for s in sentence]
    kind, type_ = [MASKED] * len(ids), [MASKED] * len(ids)
    for span in row["spans"]:
        if span["tag"] >= len(TOKEN_TAGS) or span["tag"] not in row["spans_labelled"]:
            continue
        for t, (start, end) in enumerate(offsets):
            if start < span["end"] and end > span["start"]:
                tags[t][span["tag"]] = 1
                if TOKEN_TAGS[span["tag"]] == "source":
                    kind[t], type_[t] = _or_masked(span["kind"]), _or_masked(span["type"])
    return LabelledWindow(ids, sentence, tags, kind, type_)


def make_items(documents: Iterable[LabelledDocument], single_sentences: int) -> list[list[LabelledDocument]]:
    """Group documents into items of like size: an article alone, stand-alone sentences `single_sentences` at a time."""
    items: list[list[LabelledDocument]] = []
    singles: dict[str, list[LabelledDocument]] = {}
    for document in documents:
        if not document.windows:
            continue
        if len(document.labels["attribution"]) > 1:
            items.append([document])
        else:
            singles.setdefault(document.corpus, []).append(document)
    for corpus in singles.values():
        items += [corpus[i : i + single_sentences] for i in range(0, len(corpus), single_sentences)]
    return items


class Collator:
    """Concatenate the documents of several items into one batch of tensors (shapes: see `OnRecordModel.forward`)."""

    def __init__(self, pad_token_id: int) -> None:
        self.pad = pad_token_id

    def __call__(self, items: Sequence[Sequence[LabelledDocument]]) -> dict[str, Tensor]:
        """Batch the items; token labels [N, …] follow the tokens row by row, padding left out."""
        documents = [d for item in items for d in item]
        ids: list[list[int]] = []
        sentence: list[list[int]] = []
        counts = [len(d.labels["attribution"]) for d in documents]
        first = 0
        for d, count in zip(documents, counts, strict=True):
            for w in d.windows:
                ids.append(w.ids)
                sentence.append([s + first if s >= 0 else -1 for s in w.sentence])
            first += count
        windows = [w for d in documents for w in d.windows]
        up, down = self._drivers(documents, counts)
        return {
            "input_ids": _pad(ids, self.pad),
            "attention_mask": _pad([[1] * len(i) for i in ids], 0),
            "sentence": _pad(sentence, -1),
            "document": torch.repeat_interleave(torch.arange(len(documents)), torch.tensor(counts)),
            **{f"{name}_labels": torch.tensor([label for d in documents for label in d.labels[name]]) for name in SENTENCE_LABELS},
            "certainty_labels": torch.tensor([c for d in documents for c in d.certainty]),
            "rating_labels": torch.tensor([d.ratings for d in documents]),
            "driver_up_labels": up,
            "driver_down_labels": down,
            "tag_labels": torch.tensor([t for w in windows for t in w.tags]),
            "source_kind_labels": torch.tensor([k for w in windows for k in w.kind]),
            "source_type_labels": torch.tensor([t for w in windows for t in w.type]),
        }

    @staticmethod
    def _drivers(documents: Sequence[LabelledDocument], counts: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Mark the annotators' drivers, [S] each, but for caution sentences.

        The policy credits caution by itself; the sourcing head must not learn that an open doubt is a source.
        """
        up, down = torch.zeros(sum(counts)), torch.zeros(sum(counts))
        first = 0
        for d, count in zip(documents, counts, strict=True):
            for labels, drivers in ((up, d.drivers_up), (down, d.drivers_down)):
                labels[[first + i for i in drivers if d.labels["caution"][i] != 1]] = 1.0
            first += count
        return up, down


def _pad(rows: Sequence[Sequence[int]], value: int) -> Tensor:
    width = max(len(r) for r in rows)
    return torch.tensor([[*r, *[value] * (width - len(r))] for r in rows])

"""Labelled documents made by hand, for the tests of training."""

from typing import Any

import numpy as np
from transformers import PreTrainedTokenizerBase

from data.schema import SPAN_TAGS, Document, Ratings, Sentence, TaggedSpan, to_dataset
from onrecord.labels import SOURCE_KINDS, SOURCE_TYPES, TOKEN_TAGS
from onrecord.policy import RiskPolicy
from training.examples import LabelledDocument, label_document

EVERY_TAG = tuple(range(len(TOKEN_TAGS)))
POLICY = RiskPolicy("test", 0.0, 1.0, 1.0, 1.0)
Row = dict[str, Any]

# (text, attribution, speculation, caution, length of the source at its beginning)
KINDS = (
    ("Mayor Ana Ruiz said that the bridge was closed.", 0, 0, 0, 14),
    ("According to the report the water may have been high.", 1, 1, 0, 0),
    ("An official said it was not for sale.", 2, 0, 0, 11),
    ("Some say that the mayor will surely fall.", 3, 2, 0, 8),
    ("The bridge fell in the night.", 4, 0, 0, 0),
    ("None of that has been confirmed.", 5, 0, 1, 0),
)


def article(key: str, kinds: list[int], corpus: str = "authored", **changes: object) -> Document:
    text, sentences, spans = "", [], []
    for k in kinds:
        words, attribution, speculation, caution, source = KINDS[k]
        sentences.append(
            Sentence(len(text), len(text) + len(words), attribution, speculation, caution, appeal=int(k < 4), subjective=int(k == 3), certainty=6.0 - k)
        )
        if source:
            spans.append(
                TaggedSpan(
                    len(text), len(text) + source, SPAN_TAGS.index("source"), SOURCE_KINDS.index("named" if k == 0 else "unnamed"), k % len(SOURCE_TYPES)
                )
            )
        else:
            spans.append(TaggedSpan(len(text), len(text) + len(words) - 1, SPAN_TAGS.index(TOKEN_TAGS[k % len(TOKEN_TAGS)])))
        text += words + " "
    mean = float(np.mean(kinds))
    ratings = Ratings(5 - mean * 4 / 5, 1 + mean * 4 / 5, 1 + mean * 4 / 5)
    values: dict[str, Any] = {
        "spans": spans,
        "spans_labelled": EVERY_TAG,
        "ratings": ratings,
        "drivers_up": [int(np.argmax(kinds))],
        "drivers_down": [int(np.argmin(kinds))],
        "drivers_labelled": True,
    }
    return Document(key, corpus, text, sentences, **(values | changes))


def rows_of(documents: list[Document]) -> list[Row]:
    rows: list[Row] = to_dataset(documents).to_list()
    return rows


def labelled(tokenizer: PreTrainedTokenizerBase, *documents: Document, window: int = 64) -> list[LabelledDocument]:
    return [label_document(row, tokenizer, window) for row in rows_of(list(documents))]

"""News sentences with human spans for facts, appeals, sources and roles (FactAppeal; Mor-Lan, Sheafer & Shenhav, EACL 2026 Findings).

An annotation is the sentence with XML-like tags in it, such as <Source:Named:Expert>…</Source:Named:Expert>, which may be nested.
Attribution, speculation and caution of the training and validation sentences are ours.
"""

import re
from dataclasses import replace
from pathlib import Path

import datasets

from data.corpora._base import DATA, Corpus, read_csv
from data.corpora.labelled import SentenceLabels
from data.schema import MASKED, NO_YES, SPAN_TAGS, CorpusError, Document, TaggedSpan, label_id, to_dataset, whole_text
from onrecord.labels import SOURCE_KINDS, SOURCE_TYPES, TOKEN_TAGS

LABELS = DATA / "labels" / "factappeal.jsonl"
_SPLITS = {"train": "factappeal/train.csv", "validation": "factappeal/val.csv", "test": "factappeal/test.csv"}
_TAG = re.compile(r"<(/?)([A-Z][A-Za-z_]*(?::[A-Za-z_]+)*)>")
_TAGS = {
    "Fact_No_Appeal": "fact_without_appeal",
    "Fact_Appeal:Direct_Quote": "fact_direct_quote",
    "Fact_Appeal:Indirect_Quote": "fact_indirect_quote",
    "Source_Attribute": "source_attribute",
    "Recipient": "recipient",
    "Appeal_Time": "appeal_time",
    "Appeal_Location": "appeal_location",
}
_TYPES = {"Expert_Document": "document", "null": None}
_ALL_TAGS = tuple(SPAN_TAGS.index(tag) for tag in TOKEN_TAGS)
_APPEALS = frozenset(SPAN_TAGS.index(tag) for tag in ("fact_direct_quote", "fact_indirect_quote", "source"))


def parse(annotation: str, where: str) -> tuple[str, tuple[TaggedSpan, ...]]:
    """Return the sentence without tags, with single spaces, and its tagged spans in order.

    Raises:
        CorpusError: A tag is unknown, is never closed, or closes another one than the last that was opened.
    """
    text = ""
    opened: list[tuple[str, int]] = []
    spans: list[TaggedSpan] = []
    position = 0
    for match in _TAG.finditer(annotation):
        text = _append(text, annotation[position : match.start()])
        position = match.end()
        name = match[2]
        if not match[1]:
            opened.append((name, len(text)))
        elif opened and opened[-1][0] == name:
            spans.append(replace(_label(name, where), start=opened.pop()[1], end=len(text)))
        else:
            expected = f"</{opened[-1][0]}>" if opened else "no closing tag"
            raise CorpusError(f"{where}: found </{name}>; expected {expected}")
    text = _append(text, annotation[position:]).rstrip(" ")
    if opened:
        raise CorpusError(f"{where}: <{opened[-1][0]}> is never closed")
    trimmed = (_trim(span, text) for span in spans)
    return text, tuple(sorted((span for span in trimmed if span.start < span.end), key=lambda span: (span.start, -span.end, span.tag)))


def _append(text: str, piece: str) -> str:
    """Add a piece with its runs of white space as single spaces, none at the start of the text and none doubled at the seam."""
    piece = re.sub(r"\s+", " ", piece)
    return text + (piece.removeprefix(" ") if not text or text.endswith(" ") else piece)


def _trim(span: TaggedSpan, text: str) -> TaggedSpan:
    words = text[span.start : span.end]
    start = span.start + len(words) - len(words.lstrip())
    return replace(span, start=start, end=start + len(words.strip()))


def _label(name: str, where: str) -> TaggedSpan:
    """Return an empty span with the tag, kind and type that a tag name stands for."""
    if name in _TAGS:
        return TaggedSpan(0, 0, SPAN_TAGS.index(_TAGS[name]))
    head, _, modifiers = name.partition(":")
    kind, _, source_type = modifiers.partition(":")
    if head != "Source" or not source_type:
        raise CorpusError(f"{where}: found the tag <{name}>; expected <Source:KIND:TYPE> or one of {', '.join(_TAGS)}")
    type_name = _TYPES.get(source_type, source_type.lower())
    return TaggedSpan(
        0,
        0,
        tag=SPAN_TAGS.index("source"),
        kind=label_id(SOURCE_KINDS, kind.lower(), where),
        type=MASKED if type_name is None else label_id(SOURCE_TYPES, type_name, where),
    )


def _documents(path: Path, split: str, labels: SentenceLabels) -> list[Document]:
    documents = []
    for number, (where, row) in enumerate(read_csv(path, ("sentence", "annotation"))):
        text, spans = parse(row["annotation"], where)
        expected = " ".join(row["sentence"].split())
        if text != expected or not text:
            raise CorpusError(f"{where}: the annotation without its tags is not the sentence: expected {expected!r}, found {text!r}")
        appeal = label_id(NO_YES, "yes" if any(span.tag in _APPEALS for span in spans) else "no", where)
        key = f"factappeal/{split}/{number}"
        sentence = whole_text(text, appeal=appeal, **labels.of(key, text))
        documents.append(Document(key, "factappeal", text, sentence, spans=spans, spans_labelled=_ALL_TAGS))
    return documents


def read(folder: Path) -> datasets.DatasetDict:
    """Return the corpus's own splits "train", "validation" and "test"."""
    labels = SentenceLabels.read(LABELS)
    return datasets.DatasetDict({split: to_dataset(_documents(folder / name, split, labels)) for split, name in _SPLITS.items()})


CORPUS = Corpus(name="factappeal", use="ship", read=read)

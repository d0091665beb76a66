"""Join texts with our label files (`data/labels/*.jsonl`), which are keyed by id, offsets and the sha256 of the text."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.corpora._base import field, read_jsonl, sha256
from data.schema import MASKED, NO_YES, SPAN_TAGS, CorpusError, Document, Ratings, Sentence, TaggedSpan, label_id
from onrecord.labels import ATTRIBUTIONS, SOURCE_KINDS, SOURCE_TYPES, SPECULATIONS

_SOURCE = SPAN_TAGS.index("source")


def read_articles(path: Path) -> dict[str, str]:
    """Return {id: text} of a file with one JSON object per article."""
    articles: dict[str, str] = {}
    for where, row in read_jsonl(path):
        key = str(field(row, "id", where))
        if key in articles:
            raise CorpusError(f"{where}: the id {key!r} occurs a second time")
        articles[key] = str(field(row, "text", where))
    return articles


def join_labels(articles: Mapping[str, str], labels: Path, corpus: str, annotator: str = "") -> list[Document]:
    """Return one document per label row, in the order of the label file.

    Refuses a text that is not, character for character, the one that was labelled.
    """
    documents = []
    for where, row in read_jsonl(labels):
        key = str(field(row, "id", where))
        if key not in articles:
            raise CorpusError(f"{where}: no text has the id {key!r} of {corpus}. Run: python -m data.fetch --only {corpus}")
        _check_text(articles[key], key, row, where)
        document = _document(row, articles[key], where, corpus=corpus, annotator=annotator)
        document.check(where)
        documents.append(document)
    return documents


@dataclass(frozen=True, slots=True)
class SentenceLabels:
    """Our attribution, speculation and caution labels for a corpus of single sentences that has none of its own."""

    rows: Mapping[str, tuple[str, dict[str, Any]]]

    @classmethod
    def read(cls, path: Path) -> "SentenceLabels":
        """Read a label file whose rows have an id, the sha256 of the text and one sentence."""
        return cls({str(field(row, "id", where)): (where, row) for where, row in read_jsonl(path)})

    def of(self, key: str, text: str) -> dict[str, int]:
        """Return the labels as keywords of `Sentence`; none for a sentence that was not labelled.

        Raises:
            CorpusError: The text is not the one that was labelled.
        """
        if key not in self.rows:
            return {}
        where, row = self.rows[key]
        _check_text(text, key, row, where)
        (found,) = field(row, "sentences", where)
        sentence = _sentence(found, where)
        return {"attribution": sentence.attribution, "speculation": sentence.speculation, "caution": sentence.caution}


def _check_text(text: str, key: str, row: dict[str, Any], where: str) -> None:
    found, expected = sha256(text), field(row, "text_sha256", where)
    if found != expected:
        raise CorpusError(f"{where}: the text of {key!r} is not the one that was labelled: expected sha256 {expected}, found {found}")


def _document(row: dict[str, Any], text: str, where: str, *, corpus: str, annotator: str) -> Document:
    sources = row.get("sources")  # absent where nobody marked them
    ratings = {name: _rating(field(row, "ratings", where), name, where) for name in ("sourcing", "speculation", "risk")}
    return Document(
        id=row["id"],
        corpus=corpus,
        text=text,
        annotator=annotator,
        sentences=tuple(_sentence(sentence, where) for sentence in field(row, "sentences", where)),
        spans=tuple(_source(source, where) for source in sources or ()),
        spans_labelled=() if sources is None else (_SOURCE,),
        ratings=Ratings(**ratings),
        drivers_up=tuple(field(row, "drivers_up", where)),
        drivers_down=tuple(field(row, "drivers_down", where)),
        drivers_labelled=True,
    )


def _source(row: dict[str, Any], where: str) -> TaggedSpan:
    kind, type_ = label_id(SOURCE_KINDS, field(row, "kind", where), where), field(row, "type", where)
    return TaggedSpan(field(row, "start", where), field(row, "end", where), _SOURCE, kind, MASKED if type_ is None else label_id(SOURCE_TYPES, type_, where))


def _rating(ratings: dict[str, Any], name: str, where: str) -> float:
    value = field(ratings, name, where)
    if not isinstance(value, int | float) or not 1 <= value <= 5:
        raise CorpusError(f"{where}: found the {name} rating {value!r}; expected a number from 1 to 5")
    return float(value)


def _sentence(row: dict[str, Any], where: str) -> Sentence:
    return Sentence(
        start=field(row, "start", where),
        end=field(row, "end", where),
        attribution=label_id(ATTRIBUTIONS, field(row, "attribution", where), where),
        speculation=label_id(SPECULATIONS, field(row, "speculation", where), where),
        caution=label_id(NO_YES, "yes" if field(row, "caution", where) else "no", where),
    )

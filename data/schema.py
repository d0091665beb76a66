"""The one table shape that every corpus is read into: documents with sentences by character offset.

A label that a corpus does not have is masked: -1 for a class, null for a number. Offsets are half-open, in characters of `text`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import datasets

from onrecord.labels import ATTRIBUTIONS, SOURCE_KINDS, SOURCE_TYPES, SPECULATIONS, TOKEN_TAGS

MASKED: Final = -1
NO_YES: Final = ("no", "yes")
# "cue" and "content" occur in PolNeAR only, which is never trained on.
SPAN_TAGS: Final[tuple[str, ...]] = (*TOKEN_TAGS, "cue", "content")

FEATURES: Final = datasets.Features(
    {
        "id": datasets.Value("string"),
        "corpus": datasets.Value("string"),
        "text": datasets.Value("string"),
        "annotator": datasets.Value("string"),
        "sentences": datasets.List(
            {
                "start": datasets.Value("int32"),
                "end": datasets.Value("int32"),
                "attribution": datasets.ClassLabel(names=list(ATTRIBUTIONS)),
                "speculation": datasets.ClassLabel(names=list(SPECULATIONS)),
                "caution": datasets.ClassLabel(names=list(NO_YES)),
                "appeal": datasets.ClassLabel(names=list(NO_YES)),
                "subjective": datasets.ClassLabel(names=list(NO_YES)),
                "certainty": datasets.Value("float32"),
            }
        ),
        "spans": datasets.List(
            {
                "start": datasets.Value("int32"),
                "end": datasets.Value("int32"),
                "tag": datasets.ClassLabel(names=list(SPAN_TAGS)),
                "kind": datasets.ClassLabel(names=list(SOURCE_KINDS)),
                "type": datasets.ClassLabel(names=list(SOURCE_TYPES)),
            }
        ),
        "spans_labelled": datasets.List(datasets.ClassLabel(names=list(SPAN_TAGS))),
        "ratings": {
            "sourcing": datasets.Value("float32"),
            "speculation": datasets.Value("float32"),
            "risk": datasets.Value("float32"),
        },
        "drivers_up": datasets.List(datasets.Value("int32")),
        "drivers_down": datasets.List(datasets.Value("int32")),
        "drivers_labelled": datasets.Value("bool"),
    }
)


class CorpusError(Exception):
    """A corpus file or row is not what it should be; the message names the place."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence and the labels that its corpus gives it."""

    start: int
    end: int
    attribution: int = MASKED
    speculation: int = MASKED
    caution: int = MASKED
    appeal: int = MASKED
    subjective: int = MASKED
    certainty: float | None = None


@dataclass(frozen=True, slots=True)
class TaggedSpan:
    """A labelled stretch of text; spans of different tags may overlap."""

    start: int
    end: int
    tag: int
    kind: int = MASKED
    type: int = MASKED


@dataclass(frozen=True, slots=True)
class Ratings:
    """Article ratings on the codebook's 1 to 5 scale."""

    sourcing: float | None = None
    speculation: float | None = None
    risk: float | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """One article, or one sentence of a corpus that has no articles; `spans_labelled` are the tags whose spans are all marked."""

    id: str
    corpus: str
    text: str
    sentences: Sequence[Sentence]
    annotator: str = ""
    spans: Sequence[TaggedSpan] = ()
    spans_labelled: Sequence[int] = ()
    ratings: Ratings = field(default_factory=Ratings)
    drivers_up: Sequence[int] = ()
    drivers_down: Sequence[int] = ()
    drivers_labelled: bool = False

    def check(self, where: str) -> None:
        """Raise CorpusError, naming `where`, when an offset or a driver points outside the document."""
        end_before = 0
        for number, sentence in enumerate(self.sentences):
            if not end_before <= sentence.start < sentence.end <= len(self.text):
                raise CorpusError(
                    f"{where}: document {self.id!r}, sentence {number} has offsets [{sentence.start}, {sentence.end}); "
                    f"expected sorted, disjoint, non-empty offsets from {end_before} to {len(self.text)}"
                )
            end_before = sentence.end
        for number, span in enumerate(self.spans):
            if not 0 <= span.start < span.end <= len(self.text):
                raise CorpusError(
                    f"{where}: document {self.id!r}, span {number} has offsets [{span.start}, {span.end}); expected them within 0 and {len(self.text)}"
                )
        for driver in (*self.drivers_up, *self.drivers_down):
            if not 0 <= driver < len(self.sentences):
                raise CorpusError(f"{where}: document {self.id!r} has driver {driver}; expected a sentence index below {len(self.sentences)}")


def label_id(names: Sequence[str], value: object, where: str) -> int:
    """Return the index of `value` in `names`, or raise CorpusError naming `where`."""
    if value not in names:
        raise CorpusError(f"{where}: found the label {value!r}; expected one of {', '.join(names)}")
    return list(names).index(str(value))


def whole_text(text: str, **labels: Any) -> tuple[Sentence, ...]:  # noqa: ANN401 (passed on as they are)
    """Return the only sentence of a document that is one sentence."""
    return (Sentence(0, len(text), **labels),)


def to_dataset(documents: Iterable[Document]) -> datasets.Dataset:
    """Return the typed table of these documents, in their order."""
    rows = [asdict(document) for document in documents]
    return datasets.Dataset.from_list(rows, features=FEATURES)

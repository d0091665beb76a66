"""Find documents whose text occurs, nearly or wholly, in another set: exact overlap of five-word sequences, no sampling.

Texts are compared as case-folded words, without punctuation. Two are near-duplicates when their words are equal, or when the
shorter one's sequences lie in the longer one: three tenths of them between two articles (another edition of one report), four fifths
when one is a single sentence (a sentence of an article counts as its duplicate). Shorter than twelve words only equality counts: stock
phrases such as "did not reply to a request for comment" are no duplicates. The cost is linear in the words, times how often a
sequence recurs.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

SEQUENCE: Final = 5
SHORT: Final = 12
ARTICLE: Final = 100
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Text:
    """A text under the name by which it is reported."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A candidate, the reference text that it resembles most, and the share of the shorter one's sequences found there."""

    id: str
    of: str
    overlap: float


@dataclass(frozen=True, slots=True)
class _Words:
    id: str
    whole: str
    count: int
    sequences: frozenset[str]

    @classmethod
    def of(cls, text: Text) -> "_Words":
        words = _WORD.findall(text.text.casefold())
        starts = range(len(words) - SEQUENCE + 1)
        return cls(text.id, " ".join(words), len(words), frozenset(" ".join(words[start : start + SEQUENCE]) for start in starts))


def near_duplicates(candidates: Iterable[Text], references: Iterable[Text]) -> list[Duplicate]:
    """Return each candidate that is a near-duplicate of a reference, in the order of the candidates."""
    index = _Index([_Words.of(text) for text in references])
    found = (index.best(_Words.of(text)) for text in candidates)
    return [duplicate for duplicate in found if duplicate is not None]


class _Index:
    """The references by whole text and by every sequence in them."""

    def __init__(self, references: Sequence[_Words]) -> None:
        self._references = references
        self._equal: dict[str, str] = {}
        self._holders: defaultdict[str, list[int]] = defaultdict(list)
        for number, reference in enumerate(references):
            self._equal.setdefault(reference.whole, reference.id)
            for sequence in reference.sequences:
                self._holders[sequence].append(number)

    def best(self, candidate: _Words) -> Duplicate | None:
        if candidate.whole in self._equal:
            return Duplicate(candidate.id, self._equal[candidate.whole], 1.0)
        shared = Counter(number for sequence in candidate.sequences for number in self._holders.get(sequence, ()))
        overlaps = ((_overlap(candidate, self._references[number], count), -number) for number, count in shared.items())
        overlap, number = max(overlaps, default=(0.0, 0))
        return Duplicate(candidate.id, self._references[-number].id, round(overlap, 4)) if overlap > 0 else None


def _overlap(first: _Words, second: _Words, shared: int) -> float:
    """Return the share of the shorter text's sequences that is shared, or 0 when that is too little to call it a near-duplicate."""
    shortest = min(first.count, second.count)
    share = shared / min(len(first.sequences), len(second.sequences))
    threshold = 0.3 if shortest >= ARTICLE else 0.8
    return share if shortest >= SHORT and share >= threshold else 0.0

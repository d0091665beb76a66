"""The source inventory: who speaks in an article, with all mentions of one source together."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from onrecord.text import normalise

if TYPE_CHECKING:
    from onrecord.prediction import PredictedSpan

_DETERMINERS: Final = frozenset("a an the this that these those some".split())
_PRONOUNS: Final = frozenset("he she it they we i you him her them us me this that these those who whom himself herself itself themselves".split())
_TITLES: Final = frozenset("mr mrs ms dr prof professor sir dame gov governor sen senator rep mayor president judge justice sgt sheriff".split())
_WORD: Final = re.compile(r"\w+(?:[.'\u2019\-&]\w+)*")
_POSSESSIVE: Final = re.compile(r"['\u2019][sS]$")
_LONGEST_NAME: Final = 6  # words; longer mentions are descriptions, and registering every ending of them would be quadratic

Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """One distinct source: its fullest mention, kind, type, and where it is mentioned (half-open offsets)."""

    text: str
    kind: str
    type: str | None
    mentions: tuple[tuple[int, int], ...]


def take_inventory(text: str, spans: Iterable["PredictedSpan"]) -> tuple[Source, ...]:
    """Group source mentions into distinct sources, most mentioned first.

    Mentions are one source when their words are the same, whatever their letter case, leading determiners and titles, or when
    a capitalised name is the end of a full name ("Doe" of "Jane Doe"): the nearest one before it, else a later one, since a
    headline often has the short form. A pronoun is not a source of its own, so it is left out.

    Args:
        text: the original input.
        spans: source mentions with offsets into `text`, in any order.
    """
    mentions = [(span, words) for span in sorted(spans, key=lambda s: (s.start, s.end)) if (words := _words(text[span.start : span.end]))]
    full_names: dict[Words, Words] = {}
    keys = []
    for span, words in mentions:
        keys.append(_full(words, full_names))
        if span.kind == "named" and _is_full_name(words):
            full_names.update((_folded(ending), keys[-1]) for ending in _short_forms(words))
    groups: dict[Words, list[PredictedSpan]] = defaultdict(list)
    for (span, _), words in zip(mentions, keys, strict=True):
        groups[_folded(_full(words, full_names))].append(span)
    return tuple(sorted((_source(text, group) for group in groups.values()), key=lambda source: (-len(source.mentions), source.mentions[0])))


def _words(mention: str) -> Words:
    """The words that identify a source; none for a pronoun."""
    words = _WORD.findall(normalise(mention).text)
    while len(words) > 1 and (words[0].casefold() in _DETERMINERS or (words[0].casefold() in _TITLES and words[1][0].isupper())):
        words = words[1:]
    if words:
        words[-1] = _POSSESSIVE.sub("", words[-1])
    return () if len(words) == 1 and _is_pronoun(words[0]) else tuple(words)


def _is_pronoun(word: str) -> bool:
    is_acronym = len(word) > 1 and word.isupper()  # the US and the WHO are sources, us and who are not
    return word.casefold() in _PRONOUNS and not is_acronym


def _is_full_name(words: Sequence[str]) -> bool:
    return 1 < len(words) <= _LONGEST_NAME and words[0][0].isupper() and words[-1][0].isupper()


def _full(words: Words, full_names: dict[Words, Words]) -> Words:
    return full_names.get(_folded(words), words) if words[-1][0].isupper() else words


def _short_forms(name: Words) -> list[Words]:
    """The endings that may stand for a full name: "Doe" for "Jane Doe", but not the town for "University of Oslin"."""
    return [name[i:] for i in range(1, len(name)) if name[i - 1][0].isupper()]


def _folded(words: Words) -> Words:
    return tuple(word.casefold() for word in words)


def _source(text: str, mentions: Sequence["PredictedSpan"]) -> Source:
    is_named = any(mention.kind == "named" for mention in mentions)
    fullest = max((m for m in mentions if m.kind == "named" or not is_named), key=lambda m: m.end - m.start)
    votes: dict[str, float] = defaultdict(float)
    for mention in mentions:
        if mention.type is not None:
            votes[mention.type] += mention.probability
    return Source(
        text=" ".join(text[fullest.start : fullest.end].split()),
        kind="named" if is_named else "unnamed",
        type=max(votes, key=lambda name: votes[name], default=None),
        mentions=tuple((mention.start, mention.end) for mention in mentions),
    )

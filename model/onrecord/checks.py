"""When not to score a text at all, and what to tell a reader before they trust a score."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from onrecord.report import Refusal
from onrecord.report import Warning as ReportWarning
from onrecord.sentences import Span
from onrecord.text import CleanText

MIN_WORDS: Final = 40
LONG_WORDS: Final = 5_000


def refusal(text: str) -> Refusal | None:
    """The reason not to score the clean `text`, or None if it can be scored."""
    tokens = text.split()
    if not tokens:
        return Refusal("empty", "The text is empty.")
    letters, latin = _letters(text)
    if not letters:
        return Refusal("no_prose", "The text has no letters, only digits, signs or emoji; expected an article in sentences.")
    if letters >= 20 and latin < letters / 2:
        return Refusal("not_english", f"Only {latin / letters:.0%} of the letters are Latin, so this is not English; only English can be scored.")
    words = sum(_is_word(token) for token in tokens)
    if words < MIN_WORDS and len(tokens) < MIN_WORDS:
        return Refusal("too_short", f"The text has {_count(len(tokens), 'word')}; at least {MIN_WORDS} are needed to judge an article.")
    if words < max(MIN_WORDS, len(tokens) / 4):
        return Refusal(
            "no_prose", f"Only {words} of {len(tokens)} items are words, the rest are numbers, links, tags or emoji; expected an article in sentences."
        )
    return _not_english(text)


def warnings_for(clean: CleanText, sentences: Sequence[Span]) -> list[ReportWarning]:
    """What a reader should know about the text; `sentences` are spans of the clean text."""
    texts = [span.of(clean.text) for span in sentences]
    found = (
        _obfuscated(clean.obfuscations),
        _damaged(clean.original),
        _mostly_lists(clean.text),
        _boilerplate(texts),
        _very_long(clean.text),
        _mixed_language(texts),
    )
    return [warning for warning in found if warning is not None]


# --- Language -------------------------------------------------------------------------------------------------------
# A language shows in its small words. In 6,000 English articles at least 10% of the words were in the first list, but
# for a menu and a piece of JavaScript. Words that mean something in several languages ("an", "me", "so") are in neither.

_ENGLISH: Final = frozenset(
    """the and of to that with for by from this which have been were they their would will said but not who has had are it its as his her she he you your
    what when after about into than there our could says if out how why only because while before since over against was is be at on in or we us up more
    all one can did also two like new then them it's don't""".split()
)
_OTHERS: Final = frozenset(
    """de la el los las del que y por una para es se su le les des et un une dans il qui est au ne pas du der das und ist nicht ein eine dem zu mit von auf
    che di della gli sono um os em não uma het een van ik dat zijn voor niet te och att det som är på av en ett og af til er ikke jeg w z że na je nie się
    v ve že da za az és hogy egy ja ei että bir için bu yang dan ini itu untuk dengan ng sa ang mga ay wa kwa ni ka ki ke hai ko aur mein agus ar tá yn yr
    mae si și în cu pe nu quod kaj li nan yo pou tae wi frae nae wad hae ower aboot auld twa ither gey wis wark fowk""".split()
)
_MIN_ENGLISH: Final = 0.06
_LATIN: Final = re.compile("[A-Za-z\u00aa-\u024f\u1e00-\u1eff]")
_LETTER: Final = re.compile(r"[^\W\d_]")
_LETTERS: Final = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
_LINK_OR_TAG: Final = re.compile(r"(?:https?://|www\.|[@#]\w)", re.IGNORECASE)


def _letters(text: str) -> tuple[int, int]:
    """How many letters, and how many of them Latin."""
    counts = Counter(text)
    letters = {character: count for character, count in counts.items() if _LETTER.match(character)}
    return sum(letters.values()), sum(count for character, count in letters.items() if _LATIN.match(character))


def _is_word(token: str) -> bool:
    return _LETTER.search(token) is not None and not _LINK_OR_TAG.match(token)


def _shares(text: str) -> tuple[float, float]:
    """Share of the words that are small English words, and small words of other languages."""
    counts = Counter(_LETTERS.findall(text.lower().replace("\u2019", "'")))
    total = max(1, sum(counts.values()))
    return sum(counts[word] for word in _ENGLISH) / total, sum(counts[word] for word in _OTHERS) / total


def _not_english(text: str) -> Refusal | None:
    english, others = _shares(text)
    if english < _MIN_ENGLISH:
        found = f"Only {english:.1%} of the words are common English ones such as 'the', 'of' or 'said'; in English articles at least {_MIN_ENGLISH:.0%} are."
        return Refusal("not_english", f"{found} It is in another language, or a list or code; only English prose can be scored.")
    if english < 2 * others:
        found = f"{others:.0%} of the words are common words of other languages, against {english:.0%} of English"
        return Refusal("not_english", f"{found}, so the text is not, or not mainly, in English; only English can be scored.")
    return None


def _is_foreign(sentence: str) -> bool:
    letters, latin = _letters(sentence)
    if letters >= 10 and latin < letters / 2:
        return True
    english, others = _shares(sentence)
    return others >= 0.15 and others > 3 * english and len(sentence.split()) >= 5


def _mixed_language(sentences: Iterable[str]) -> ReportWarning | None:
    sizes = [(len(sentence), _is_foreign(sentence)) for sentence in sentences]
    foreign = sum(size for size, is_foreign in sizes if is_foreign)
    if foreign < 0.1 * sum(size for size, _ in sizes) or not foreign:
        return None
    count = _count(sum(is_foreign for _, is_foreign in sizes), "sentence")
    return ReportWarning(
        "mixed_language", f"{count} of {len(sizes)} seem not to be in English. The model knows English only; do not rely on its reading of these."
    )


# --- Form -----------------------------------------------------------------------------------------------------------

_DISGUISES: Final = {
    "zero_width": ("invisible character", "invisible characters"),
    "bidi": ("text-direction control", "text-direction controls"),
    "soft_hyphen": ("hidden hyphen", "hidden hyphens"),
    "control": ("control character", "control characters"),
    "surrogate": ("broken character", "broken characters"),
    "homoglyph": ("look-alike letter of another alphabet", "look-alike letters of another alphabet"),
    "full_width": ("letter in an unusual style", "letters in an unusual style"),
    "combining": ("stacked accent", "stacked accents"),
}
_FEW_SOFT_HYPHENS: Final = 10  # publishers use some themselves, to break long words
_LIST_MARK: Final = re.compile(r"\s*(?:[-*+\u2022\u2023\u25aa\u25cf\u2013\u2014]\s|\(?\d{1,3}[.)]\s)")
_SENTENCE_END: Final = re.compile(r"""[.!?…]["'\u201d\u2019)\]]*\s*$""")
_BOILERPLATE: Final = re.compile(
    r"\b(?:we use cookies|accept (?:all )?cookies|cookie (?:policy|settings)|privacy policy|terms of (?:use|service)|all rights reserved|sign up (?:for|to)|"
    r"subscribe|newsletter|share (?:this|on|via)|follow us|like us on|click here|read more|read next|related (?:articles|stories)|advertisement|"
    r"download (?:the|our) app|enable javascript|view comments|leave a (?:comment|reply))\b",
    re.IGNORECASE,
)


def _count(number: int, noun: str, plural: str = "") -> str:
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def _obfuscated(obfuscations: dict[str, int]) -> ReportWarning | None:
    found = [_count(obfuscations[kind], *names) for kind, names in _DISGUISES.items() if kind in obfuscations]
    alone = set(obfuscations) & set(_DISGUISES) == {"soft_hyphen"}
    if not found or (alone and obfuscations["soft_hyphen"] < _FEW_SOFT_HYPHENS):
        return None
    message = f"The text contains {', '.join(found)}. Such characters can hide words from software; they were removed or respelled before scoring."
    return ReportWarning("obfuscated_characters", message)


def _damaged(text: str) -> ReportWarning | None:
    lost = text.count("\ufffd")
    if not lost:
        return None
    message = f"A wrong decoding lost {_count(lost, 'character')} of the text. The likeliest punctuation, mostly quotation marks, was read in that place."
    return ReportWarning("damaged_characters", message)


def _mostly_lists(text: str) -> ReportWarning | None:
    lines = [line for line in text.splitlines() if line.strip()]
    listed = sum(1 for line in lines if _LIST_MARK.match(line) or (len(line.split()) <= 6 and not _SENTENCE_END.search(line)))
    if len(lines) < 6 or listed < 0.6 * len(lines):
        return None
    return ReportWarning("mostly_lists", f"{listed} of {len(lines)} lines are list items or fragments. The scores are made for articles in full sentences.")


def _boilerplate(sentences: Sequence[str]) -> ReportWarning | None:
    found = sum(1 for sentence in sentences if len(sentence) <= 300 and _BOILERPLATE.search(sentence))
    if found < 3 or found < 0.15 * len(sentences):
        return None
    message = (
        f"{found} of {len(sentences)} sentences look like parts of a web page (cookies, sharing, subscribing). Paste only the article for a clearer result."
    )
    return ReportWarning("boilerplate", message)


def _very_long(text: str) -> ReportWarning | None:
    words = len(text.split())
    if words <= LONG_WORDS:
        return None
    return ReportWarning("very_long", f"The text has {words:,} words. It is scored in full, but one score for a text this long may hide differences.")

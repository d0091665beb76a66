"""Baseline: cue words alone. The lists are our own, written from the codebook and never fitted."""

import re
from collections.abc import Sequence

import numpy as np

from onrecord.labels import ATTRIBUTIONS, SPECULATIONS
from training.evaluation.systems import FloatArray, Offsets, Reading, TaggedSpan

_SAY = (
    r"(?:said|sa(?:y|ys|ying)|told|tells?|add(?:ed|s)?|announce[ds]?|state[ds]|claim(?:ed|s)?|explain(?:ed|s)?|argue[ds]?|warn(?:ed|s)?|"
    r"wr(?:ote|ites?)|note[ds]|confirm(?:ed|s)?|den(?:y|ied|ies)|insist(?:ed|s)?|acknowledged?|tweeted|testified|replied|report(?:ed|s)?|"
    r"recall(?:ed|s)?|suggest(?:ed|s)?|admit(?:ted|s)?|declared|urge[ds]?|asked|called for|pledged|promised|critici[sz]ed|concluded)"
)
_NAME = r"(?:[A-Z][\w\u2019'.-]*)(?:\s+(?:of|for|and|the|de|van|bin|al)?\s*[A-Z][\w\u2019'.-]*){0,5}"
_GROUP = (
    r"(?:(?:an?|the|some|several|many|two|three|senior|top|former|current|unnamed|anonymous|government|military|intelligence|police|health|law|enforcement|"
    r"industry|company|administration|US|U\.S\.|American|local|independent|medical|legal)\s+){0,4}"
    r"(?:officials?|sources?|insiders?|experts?|analysts?|witness(?:es)?|scientists|researchers|doctors|aides?|spokes(?:man|woman|person|people)|neighbou?rs|"
    r"residents|friends?|relatives|observers|investigators|authorities|economists|diplomats?|lawyers|employees?|executives?|tipsters?|pals?)"
)
_PAPER = (
    r"(?:(?:the|a|an|one|two|this|that|new|recent|[A-Z][\w\u2019'-]*)\s+){0,4}"
    r"(?:study|report|survey|poll|indictment|filing|complaint|lawsuit|ruling|memo|documents?|transcript|figures|data|statistics|census|records|footage|video|paper|analysis|audit|review|bill|affidavit)"
)
_PAPER_VERB = r"(?:says?|said|found|finds|shows?|showed|shown|suggests?|suggested|revealed|reveals|states?|stated|concludes?|concluded|estimates?|indicates?|indicated|published)"
_NOT_A_NAME = (
    r"(?!(?:Officials?|Sources?|Experts?|Insiders?|Analysts?|Witnesses|Scientists|Researchers|Doctors|Many|Some|Critics|People|Rumou?rs?|Reports?|It|The|This|That|There|And|But|"
    r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|January|February|March|April|May|June|July|August|September|October|November|December)\b)"
)

# In the order of the codebook: where two apply, the stronger support wins.
_RULES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("named", re.compile(rf"\b[Aa]ccording to (?P<source>{_NOT_A_NAME}{_NAME})")),
    ("named", re.compile(rf"\b(?P<source>{_NOT_A_NAME}{_NAME}),?(?:\s+\w+,)? (?:has |had |also )?{_SAY}\b")),
    ("named", re.compile(rf"\b(?:said|says|added|adds|wrote|writes|explained|explains|argued|argues) (?P<source>{_NOT_A_NAME}{_NAME})")),
    ("named", re.compile(rf"\b(?P<source>[Hh]e|[Ss]he|[Tt]hey|I|[Ww]e) (?:has |had |have |also |later )?{_SAY}\b")),
    ("document", re.compile(rf"\b(?:[Aa]ccording to|[Ii]n) (?P<source>{_PAPER})\b")),
    ("document", re.compile(rf"\b(?P<source>{_PAPER})\b[^.;]{{0,60}}?\b{_PAPER_VERB}\b")),
    ("anonymous", re.compile(rf"\baccording to (?P<source>{_GROUP})\b", re.IGNORECASE)),
    ("anonymous", re.compile(rf"\b(?P<source>{_GROUP})\b[^.;]{{0,50}}?\b(?:{_SAY}|believes?|think|thinks|fears?)\b", re.IGNORECASE)),
    ("anonymous", re.compile(rf"\b{_SAY} (?P<source>{_GROUP})\b", re.IGNORECASE)),
    (
        "vague",
        re.compile(
            r"\b(?:reportedly|allegedly|supposedly|purportedly|rumou?r(?:s|ed)?|word is|it is (?:believed|said|thought|claimed)|is (?:said|believed|thought|rumou?red) to|"
            r"reports? (?:claim|suggest|say|indicate)|(?:many|some|critics|people) (?:say|believe|argue|claim|think)|hearsay)\b",
            re.IGNORECASE,
        ),
    ),
)
_NO_CLAIM = re.compile(r"\?[\"'\u201d\u2019)]*$|^(?:share|click|subscribe|follow|read more|sign up|watch|photo|image|advertisement|related)\b", re.IGNORECASE)
_CONJECTURE = re.compile(
    r"\b(?:rumou?r(?:s|ed)?|speculat\w+|what if|makes you wonder|could it be|one can only|no doubt|who knows|imagine|gossip|conspiracy|secretly|"
    r"fuel(?:l?ing|l?ed) talk|probably (?:wants?|hopes?)|mark my words|sooner or later)\b",
    re.IGNORECASE,
)
_HEDGE = re.compile(
    r"\b(?:may|might|could|likely|unlikely|appears?|appeared|seems?|seemed|suggests?|suggested|possibly|perhaps|potentially|probably|expected to|"
    r"planned|plans to|set to|reportedly|allegedly|believed|estimated?|if confirmed|apparently)\b",
    re.IGNORECASE,
)
_CAUTION = re.compile(
    r"\b(?:un(?:confirmed|verified|clear|substantiated)|not (?:been |yet |immediately )*(?:independently )?(?:verified|confirmed|clear|known)|"
    r"could not (?:be |independently )*(?:verif|confirm)\w*|denie[sd]|denying|disput(?:e|es|ed)|no evidence|not (?:clear|known) (?:if|whether|who|what|why|how)|debunked|no word yet)\b",
    re.IGNORECASE,
)
_OPINION = re.compile(
    r"\b(?:shameful|disgrace(?:ful)?|brilliant|absurd|ridiculous|terrible|awful|wonderful|stupid|sadly|unfortunately|clearly|obviously|of course|surely|should|must|"
    r"great|worst|best|never|nothing|everyone|nobody|cynical|hypocri\w+|failure|wrong|we|our|us|you)\b|[!?]",
    re.IGNORECASE,
)
_REPORTING = re.compile(rf"\b(?:{_SAY}|according to)\b|[“”\"]", re.IGNORECASE)
SUPPORT = {"named": 1.0, "document": 1.0, "anonymous": 0.3, "vague": 0.1, "unattributed": 0.2}


def classify(sentence: str) -> tuple[str, Offsets | None]:
    """Attribution class of a sentence, and where its source stands if a rule names one."""
    for name, pattern in _RULES:
        match = pattern.search(sentence)
        if match:
            return name, match.span("source") if "source" in pattern.groupindex else None
    return ("no_claim" if _NO_CLAIM.search(sentence) or len(sentence.split()) < 3 else "unattributed"), None


def speculation_level(sentence: str) -> str:
    """Speculation level by the strongest cue."""
    if _CONJECTURE.search(sentence):
        return "conjecture"
    return "hedged" if _HEDGE.search(sentence) else "none"


class LexiconSystem:
    """Cue words per sentence; ratings by a fixed formula over the sentence classes."""

    name = "cue-word lexicon"

    def read(self, texts: Sequence[str], sentences: Sequence[Sequence[Offsets]]) -> list[Reading]:
        """Read documents on their gold sentences."""
        return [_read(text, list(spans)) for text, spans in zip(texts, sentences, strict=True)]


def _read(text: str, spans: list[Offsets]) -> Reading:
    parts = [text[start:end] for start, end in spans]
    classes, sources = [], list[TaggedSpan]()
    for part, (start, _) in zip(parts, spans, strict=True):
        name, source = classify(part)
        classes.append(name)
        if source:
            sources.append((start + source[0], start + source[1], "source"))
    levels = [speculation_level(part) for part in parts]
    caution = np.array([bool(_CAUTION.search(part)) for part in parts], dtype=np.bool_)
    return Reading(
        sentences=spans,
        attribution=np.array([ATTRIBUTIONS.index(name) for name in classes], dtype=np.int64),
        speculation=np.array([SPECULATIONS.index(level) for level in levels], dtype=np.int64),
        caution=caution,
        ratings=_ratings(classes, levels, caution.astype(np.float64)),
        spans=sources,
        appeal=np.array([float(name not in ("unattributed", "no_claim")) for name in classes]),
        certainty=np.array([-float(len(_HEDGE.findall(part))) for part in parts]),
        subjective=np.array([float(bool(_OPINION.search(part))) for part in parts]),
    )


def _ratings(classes: Sequence[str], levels: Sequence[str], caution: FloatArray) -> dict[str, float]:
    """Mean support of the claims, weighted share of speculation, and their difference; none of the numbers is fitted."""
    support = [SUPPORT[name] for name in classes if name in SUPPORT]
    sourcing = sum(support) / len(support) if support else 0.0
    speculation = sum({"none": 0.0, "hedged": 0.5, "conjecture": 1.0}[level] for level in levels) / max(len(levels), 1)
    open_doubt = float(caution.mean()) if len(caution) else 0.0
    risk = min(max(0.5 * (1 - sourcing) + 0.5 * speculation - 0.25 * open_doubt, 0.0), 1.0)
    return {"sourcing": sourcing, "speculation": speculation, "risk": risk}


class ReportingVerbFloor:
    """Floor for attribution yes/no: a reporting verb, "according to" or a quotation mark."""

    name = "floor: reporting verb or quotation mark"

    def read(self, texts: Sequence[str], sentences: Sequence[Sequence[Offsets]]) -> list[Reading]:
        """Read documents on their gold sentences."""
        return [_yes_no(list(spans), [bool(_REPORTING.search(text[s:e])) for s, e in spans]) for text, spans in zip(texts, sentences, strict=True)]


class AllPositiveFloor:
    """Floor for attribution yes/no: always yes."""

    name = "floor: always yes"

    def read(self, texts: Sequence[str], sentences: Sequence[Sequence[Offsets]]) -> list[Reading]:
        """Read documents on their gold sentences."""
        return [_yes_no(list(spans), [True] * len(spans)) for spans in sentences]


def _yes_no(spans: list[Offsets], answers: list[bool]) -> Reading:
    n, yes = len(spans), np.array(answers, dtype=np.bool_)
    classes = np.where(yes, ATTRIBUTIONS.index("named"), ATTRIBUTIONS.index("unattributed")).astype(np.int64)
    return Reading(spans, classes, np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.bool_), appeal=yes.astype(np.float64))

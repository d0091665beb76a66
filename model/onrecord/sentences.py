"""Sentence boundaries of English news prose, with exact offsets.

A line break always ends a sentence: a headline, list item or paragraph on a line of its own is never glued to the next.
Text that was hard-wrapped in mid-sentence, as in old e-mail, is out of scope; join its lines first.
Inside a line, every run of stops (`.`, `!`, `?`, ellipsis) is judged from a bounded window around it, so the work grows linearly
with the text whatever it holds. A sentence keeps the quotes, brackets, footnote marks and emoji that close it. A quotation of
several sentences is split inside; `"Is it safe?" she asked.` is one sentence. Semicolons and colons do not split.
"""
# ruff: noqa: RUF001 - the curly quotes and dashes that ruff finds ambiguous are what the rules are about

import re
from collections.abc import Iterator
from dataclasses import dataclass

_WINDOW = 80  # characters looked at on either side of a stop; longer tokens and brackets are treated as ordinary text

_LINE = re.compile(r"[^\n\r\v\f\x85\u2028\u2029]+")
# Addresses are consumed whole, so that their dots are never judged; a stop that ends one is left to the second branch.
_ADDRESS = r"""(?:https?://|www\.)[^\s<>"“”]*[^\s<>"“”.!?…,;:)\]'’*]"""
_MARK = re.compile(rf"{_ADDRESS}|(?P<mark>[.!?…]+(?:[ \u00a0]\.(?!\w))*)", re.IGNORECASE)
_SPACES = re.compile(r"\s*")
_EMOJI = "\U0001f300-\U0001faff\u2764\ufe0f\u200d"
# What belongs to the sentence before it: closing quotes and brackets (U+FFFD stands where a scraper lost one), footnote marks, emoji.
_TAIL = re.compile(
    rf"""(?:["'”’»›)\]}}*_\ufffd]+|\s?\[(?:\d{{1,3}}|[a-z]|note\ \d{{1,2}}|citation\ needed)\]|[¹²³⁰⁴-⁹]+|\s{{0,3}}[{_EMOJI}]+|\s?[:;]-?[)(DP](?!\w))*"""
)
_QUOTES = frozenset("\"'”’»\ufffd")
_OPENING = "\"'“‘«‹([{*_¿¡\ufffd"
_DASHES = "-–—―"
_TOKEN_BREAK = re.compile(r"[\s:\-–—―/(\[{“‘\"«\ufffd]")
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_MIXED_CASE_NAME = re.compile(r"[a-z]{1,2}[A-Z]")  # iPhone, eBay: may begin a sentence
_LAST_PART = re.compile(r"\W")
_GLUED_START = re.compile(r"[\"“‘(\[]?\s?(?:[A-Z][a-z]|[A-Z]{3}|[AI][\s'’])")
_GLUED_END = re.compile(r"[^\W\d_]*[a-z]{2}|(?:19|20)\d\d|I")
_DOTTED = re.compile(r"[^\W\d_]{1,2}(?:\.[^\W\d_]{1,2})+")  # U.S, a.m, Ph.D
_LINE_NUMBER = re.compile(r"[(\[]?(?:\d{1,3}(?:\.\d){0,3}|[A-Za-z]|[ivxIVX]{1,5})")
_ITEM_NUMBER = re.compile(r"[(\[]?1?\d")
_ITEM_NUMBER_AFTER_COLON = re.compile(r"[:;]\s+[(\[]?1?\d\Z")
_SPEAKER = re.compile(
    r"(?:[A-Z][\w.'’-]*\s+){1,4}(?:said|says|asked|asks|wrote|writes|added|adds|replied|tweeted|told|wondered|shouted|cried|yelled|exclaimed|demanded|answered)\b"
)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Abbreviations are listed without their final stop. A capital is required where the lower-case form is an ordinary word (rep, ill, sat).
_BEFORE_NAME = _words("mr mrs ms mx dr messrs mme mlle prof vs v cf viz e.g i.e eg ie approx ca ret www")
_CAPITALISED_BEFORE_NAME = _words(
    "Rep Reps Sen Sens Gov Govs Gen Col Lt Maj Capt Cpt Cmdr Cdr Sgt Cpl Pvt Adm Rev Fr Hon Pres Supt Det Insp Asst Atty Amb Sec Msgr Mt Ft "
    "Lieut Brig Comdr Dist Fig Figs Eq Spc Ofc Dep"
)
_BEFORE_NUMBER = _words("no nos p pp vol vols ch chap sec art arts fig figs eq para paras pt ver est c tel ext par rm")
_ENDS_BEFORE_STARTER = _words("inc corp co ltd llc llp plc bros jr sr esq al dept univ assn assoc intl int'l gov't dep't mfg feat ft")
_CAPITALISED_ENDS_BEFORE_STARTER = _words(
    "St Ste Ave Blvd Rd Hwy Pkwy Sq Ed Mon Tue Tues Wed Thu Thurs Fri Sat Sun "
    "Ala Ariz Ark Calif Colo Conn Del Fla Ga Ill Ind Kan Kans Ky La Mass Md Mich Minn Miss Mo Mont Neb Nev Okla Ore Pa Penn Tenn Tex Va Vt Wash Wis Wyo "
    "Ont Que Alta Man Sask"
)
_CAPITALISED_ABBREVIATIONS = _CAPITALISED_BEFORE_NAME | _CAPITALISED_ENDS_BEFORE_STARTER
_MONTHS = _words("Jan Feb Mar Apr Jun Jul Aug Sep Sept Oct Nov Dec")
_CLOCK = _words("a.m p.m am pm")
_AFTER_CLOCK = _words(
    "monday tuesday wednesday thursday friday saturday sunday mon tue tues wed thu thurs fri sat sun january february march april may june july august "
    "september october november december jan feb mar apr jun jul aug sep sept oct nov dec et est edt eastern ct cst cdt central mt mst mdt mountain "
    "pt pst pdt pacific gmt utc bst ist cet cest eet jst aest local"
)
# Capitalised after an abbreviation, these words begin a sentence and not a name.
_STARTERS = _words(
    "a about above according after again all almost already also although always among an and another any anyone are as asked at back because before behind below "
    "besides between both but by can critics despite did do does during each earlier either even every everyone few finally first following for from further "
    "had has have he hence her here hers his how however i if in indeed instead into is it it's its i'm i've i'll just last later let let's like many maybe "
    "meanwhile more moreover most much my near nearly neither never nevertheless no nobody none nor not nothing now of officials often on once one only or other "
    "others our out over perhaps police prosecutors rather reporters researchers residents scientists several shall she she's should since so some someone "
    "sometimes soon still such than that that's the their then there there's therefore these they they're this those though through throughout thus to today together "
    "tomorrow tonight two under unless unlike until up upon very was we we're we've were what when where whether which while who whose why will with within "
    "without witnesses would yes yesterday yet you you're your"
)
_EXCLAIMED_NAMES = _words("yahoo jeopardy yum panic e")
_DOMAIN_ENDINGS = _words(
    "com org net edu gov mil info biz io co uk us eu ca au de fr tv me js py html htm php asp aspx exe txt jpg jpeg gif png pdf doc xml csv zip"
)


@dataclass(frozen=True, slots=True)
class Span:
    """Half-open character offsets into a text."""

    start: int
    end: int

    def of(self, text: str) -> str:
        """The characters of `text` that the span covers."""
        return text[self.start : self.end]


@dataclass(frozen=True, slots=True)
class _Stop:
    """A run of stops with all that may be looked at to judge it; every window is at most `_WINDOW` long."""

    before: str  # the sentence so far, its last characters
    mark: str
    tail: str  # closing quotes and the like, glued to the mark
    after: str  # from the next character that is not whitespace
    spaced: bool  # whitespace lies between tail and after
    opens_line: bool  # `before` is the whole line so far
    opens_sentence: bool  # `before` is the whole sentence so far
    in_brackets: bool  # a bracket that opened inside this sentence is still open
    lower_case_line: bool

    @property
    def token(self) -> str:
        """The word before the stop, inner dots kept: `U.S`, `Rowling`, `5`."""
        return _TOKEN_BREAK.split(self.before.rstrip())[-1].lstrip("'’*_")

    @property
    def next_word(self) -> str:
        """The first word after the stop, past opening quotes and brackets; empty if there is none."""
        match = _WORD.match(self.after.lstrip(_OPENING))
        return match.group() if match else ""


def split_sentences(text: str) -> list[Span]:
    """Splits a text into sentences.

    Args:
        text: any string; a line break in it always ends a sentence.

    Returns:
        Sorted, disjoint spans without leading or trailing whitespace that together cover every non-whitespace character of `text`.
    """
    spans = []
    for line in _LINE.finditer(text):
        start = line.start()
        for end in (*_boundaries(text, start, line.end()), line.end()):
            sentence = text[start:end]
            stripped = sentence.strip()
            if stripped:
                first = start + len(sentence) - len(sentence.lstrip())
                spans.append(Span(first, first + len(stripped)))
            start = end
    return spans


def _boundaries(text: str, start: int, end: int) -> Iterator[int]:
    """Offsets inside the line `text[start:end]` at which a sentence ends; each character is scanned a bounded number of times."""
    lower_case_line = text[start:end].islower()
    first = _next_start(text, start, end)
    sentence, scanned, quote_open, bracket = first, start, False, -1
    for match in _MARK.finditer(text, start, end):
        mark = match.group("mark")
        following = text[match.end() : match.end() + 1]
        if mark is None or following.islower() or following.isdecimal():  # an address, domain name or number
            continue
        quote_open ^= text.count('"', scanned, match.start()) % 2 == 1
        bracket = _open_bracket(text, bracket, scanned, match.start())
        tail_end = _tail_end(text, match.end(), end, quote_open)
        after = _next_start(text, tail_end, end)
        stop = _Stop(
            before=text[max(sentence, match.start() - _WINDOW) : match.start()],
            mark=mark,
            tail=text[match.end() : min(tail_end, match.end() + _WINDOW)],
            after=text[after : min(end, after + _WINDOW)],
            spaced=after > tail_end,
            opens_line=match.start() - first <= _WINDOW and sentence == first,
            opens_sentence=match.start() - sentence <= _WINDOW,
            in_brackets=bracket > sentence,
            lower_case_line=lower_case_line,
        )
        scanned = match.end()
        if _ends_sentence(stop):
            yield tail_end
            quote_open ^= text.count('"', scanned, tail_end) % 2 == 1
            sentence, scanned, bracket = after, tail_end, -1


def _next_start(text: str, position: int, end: int) -> int:
    match = _SPACES.match(text, position, end)
    return match.end() if match else position


def _open_bracket(text: str, bracket: int, start: int, end: int) -> int:
    """Offset of the round bracket that is open at `end`, or -1, given the one that was open at `start`."""
    opening, closing = text.rfind("(", start, end), text.rfind(")", start, end)
    if opening > closing:
        return opening
    return -1 if closing >= 0 else bracket


def _tail_end(text: str, position: int, end: int, quote_open: bool) -> int:
    """End of the closing quotes, brackets, footnote marks and emoji after a stop that ends at `position`."""
    match = _TAIL.match(text, position, end)
    tail = match.end() if match else position
    # happened."The next: with no quotation open, the last straight quote opens one and belongs to what follows.
    opens = tail > position and text[tail - 1] == '"' and tail < end and text[tail].isalnum()
    if opens and quote_open == (text.count('"', position, tail) % 2 == 0):
        return tail - 1
    return tail


def _ends_sentence(stop: _Stop) -> bool:
    """Whether a sentence ends after the stop and its tail."""
    if not stop.after or not stop.before or stop.after[0] in ",;:)]}%&=?!":
        return False
    if stop.before[-1] in "([" and stop.tail[:1] in (")", "]"):  # (!) and [...]
        return False
    if stop.in_brackets and ")" not in stop.tail and _closes_soon(stop.after):
        return False
    if not stop.spaced:
        return _ends_glued(stop)
    if _continues(stop):
        return False
    return _ends_after_full_stop(stop) if stop.mark == "." else _ends_after_other_mark(stop)


def _closes_soon(after: str) -> bool:
    closing, opening = after.find(")"), after.find("(")
    return closing >= 0 and not 0 <= opening < closing


def _ends_glued(stop: _Stop) -> bool:
    """Scraped text without a space after the stop: split only between a plain lower-case word, quote, bracket or year and a capitalised word."""
    if not _GLUED_START.match(stop.after):
        return False
    token = stop.token.rstrip("\"'”’)]\ufffd")
    if stop.tail or token != stop.token:
        return token[-1:].isalnum()
    around = token + stop.after.split(maxsplit=1)[0]
    if any(c in around for c in "@/=_\\"):
        return False
    last = _LAST_PART.split(token)[-1]
    return bool(_GLUED_END.fullmatch(last)) and stop.next_word.lower() not in _DOMAIN_ENDINGS and not _is_abbreviation(token)


def _continues(stop: _Stop) -> bool:
    """Whether what follows is lower case or a dash with an attribution, so that the sentence goes on."""
    first = stop.after[0]
    if first in _DASHES or stop.after.startswith("\ufffd "):
        following = stop.after.lstrip(_DASHES + "\ufffd ")
        return bool(stop.tail) or not following[:1].isupper() or _is_abbreviation(stop.token)
    if not first.islower() or _MIXED_CASE_NAME.match(stop.after):
        return False
    return not stop.lower_case_line


def _ends_after_other_mark(stop: _Stop) -> bool:
    """After `!`, `?` or an ellipsis."""
    if stop.mark == "!" and not stop.tail and stop.token.lower() in _EXCLAIMED_NAMES:
        return False
    closes_quote = any(c in _QUOTES for c in stop.tail)
    named_speaker = closes_quote and _SPEAKER.match(stop.after)
    return not named_speaker or (stop.next_word.lower() in _STARTERS and stop.next_word != "I")


def _ends_after_full_stop(stop: _Stop) -> bool:
    token, following = stop.token, stop.next_word
    if _is_list_number(stop):
        return False
    if following[:1].isdigit() and _takes_number(token):
        return False
    if token.lower() in _CLOCK:
        return not _continues_clock_time(stop.after, following)
    if _never_ends(token):
        return False
    return not _is_abbreviation(token) or _starts_sentence(stop, following)


def _is_list_number(stop: _Stop) -> bool:
    """`1. First item`, at the start of a sentence or after a colon."""
    if stop.tail:
        return False
    if stop.opens_line and _LINE_NUMBER.fullmatch(stop.before):
        return True
    if stop.opens_sentence and _ITEM_NUMBER.fullmatch(stop.before):
        return not stop.after[0].isdigit()
    return bool(_ITEM_NUMBER_AFTER_COLON.search(stop.before[-8:]))


def _takes_number(token: str) -> bool:
    return token.lower() in _BEFORE_NUMBER or (token.capitalize() in _MONTHS and token[0].isupper())


def _continues_clock_time(after: str, following: str) -> bool:
    """Whether a day, month, time zone or bracket comes after `5 p.m.`, which then does not end the sentence."""
    zone = 2 <= len(following) <= 4 and following.isupper() and following.endswith("T")
    return after[0] in "([" or zone or following.lower() in _AFTER_CLOCK


def _never_ends(token: str) -> bool:
    return token.lower() in _BEFORE_NAME or (token.capitalize() in _CAPITALISED_BEFORE_NAME and token[0].isupper())


def _is_abbreviation(token: str) -> bool:
    if len(token) == 1 and token.isalpha():
        return True
    if _never_ends(token) or token.lower() in _ENDS_BEFORE_STARTER or _DOTTED.fullmatch(token):
        return True
    last = token.rpartition(".")[2]  # Lt.Col
    return bool(last) and last[0].isupper() and last.capitalize() in _CAPITALISED_ABBREVIATIONS


def _starts_sentence(stop: _Stop, following: str) -> bool:
    """Whether what follows an abbreviation that may end a sentence does begin one."""
    if stop.after[0] in '"“‘«\ufffd' and len(stop.token) > 1:
        return True
    if not following:
        return False
    initial = len(following) == 1 and stop.after.lstrip(_OPENING)[1:2] == "."  # the A of "J. A. Smith"
    cased = following[0].isupper() or stop.lower_case_line
    return cased and following.lower() in _STARTERS and not initial

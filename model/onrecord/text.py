"""Bytes to text, and text to clean text that maps back to the original, character by character.

What a reader cannot see, or sees as an ordinary letter, must not change a score: hidden characters are removed and
disguised letters are respelled, and each is counted. Everything a reader does see (curly quotes, dashes, accents,
emoji, other scripts) stays. Every step takes linear time on any input.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape
from html.entities import html5
from typing import Final

import numpy as np
import numpy.typing as npt

from onrecord.errors import InputError
from onrecord.mending import mend

Offsets = npt.NDArray[np.int32]

MAX_CHARACTERS: Final = 20_000_000
MAX_MARKS: Final = 2  # combining marks that one letter may carry: Vietnamese needs two, "zalgo" text piles up dozens

_MAGIC: Final[tuple[tuple[bytes, str, str], ...]] = (
    (b"%PDF-", "a PDF", "extract its text first"),
    (b"\x89PNG\r\n\x1a\n", "a PNG image", "only text can be scored"),
    (b"\xff\xd8\xff", "a JPEG image", "only text can be scored"),
    (b"GIF8", "a GIF image", "only text can be scored"),
    (b"PK\x03\x04", "a ZIP archive or an Office document", "unpack it, or save the document as plain text"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office document", "save it as plain text"),
    (b"{\\rtf", "an RTF document", "save it as plain text"),
    (b"\x1f\x8b", "a gzip file", "unpack it first"),
)
_BYTE_ORDER_MARKS: Final[tuple[tuple[bytes, str], ...]] = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)


def decode(data: bytes, name: str) -> str:
    """Text of a file: UTF-8 with or without byte order mark, or UTF-16 with one.

    Args:
        data: the whole file.
        name: what to call it in messages.

    Raises:
        InputError: the bytes are no text, are in another encoding, or are too many.
    """
    for magic, what, advice in _MAGIC:
        if data.startswith(magic):
            raise InputError(f"{name}: this is {what}; expected text. What to do: {advice}.")
    mark, encoding = next(((m, e) for m, e in _BYTE_ORDER_MARKS if data.startswith(m)), (b"", "utf-8"))
    if encoding == "utf-8" and (nul := data.find(b"\0")) >= 0:
        raise InputError(f"{name}: byte {nul} is NUL, so this is binary data or UTF-16 without a byte order mark; expected text. Save it as UTF-8.")
    try:
        text = data[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        raise InputError(_not_decodable(data, name, encoding, error.start + len(mark))) from error
    check_size(text, name)
    return text


def _not_decodable(data: bytes, name: str, encoding: str, position: int) -> str:
    if encoding != "utf-8":
        return f"{name}: begins as {encoding.upper()}, but byte {position} does not fit it; the file is cut off or damaged. Save it as UTF-8."
    found = f"{name}: byte {position} (0x{data[position]:02x}) is not valid UTF-8; expected UTF-8 text."
    try:
        data.decode("cp1252")
    except UnicodeDecodeError:
        return f"{found} It fits Windows-1252 neither, so it may be damaged or binary. Save it as UTF-8."
    return f"{found} The encoding is probably Windows-1252 (cp1252). Convert it: iconv -f CP1252 -t UTF-8 {name} > utf8.txt"


def check_size(text: str, name: str = "text") -> None:
    """Raise `InputError` if `text` has more than `MAX_CHARACTERS` characters."""
    if len(text) > MAX_CHARACTERS:
        raise InputError(f"{name}: {len(text):,} characters; expected at most {MAX_CHARACTERS:,}. Is it one article? Split it into articles.")


@dataclass(frozen=True, eq=False)
class CleanText:
    """Clean text and its way back to the original.

    Attributes:
        original: the text as given.
        text: the clean text.
        offsets: for each clean character the index where its original begins; one more entry, `len(original)`, closes it.
        ends: for each clean character the index after its original.
        obfuscations: what was removed or respelled, with counts above zero. Keys: zero_width, bidi, soft_hyphen, control,
            surrogate, homoglyph, full_width, combining, entity, odd_space.
    """

    original: str
    text: str
    offsets: Offsets
    ends: Offsets
    obfuscations: dict[str, int]

    def to_original(self, start: int, end: int) -> tuple[int, int]:
        """The half-open span of the original that produced the clean span `start:end`, with nothing removed at its edges."""
        if not 0 <= start <= end <= len(self.text):
            raise ValueError(f"span {start}:{end} is not inside the clean text of {len(self.text)} characters")
        first = int(self.offsets[start])
        return (first, int(self.ends[end - 1])) if end > start else (first, first)


@dataclass(slots=True)
class _Rewritten:
    """A text under work: pieces that are done, and where each of their characters came from."""

    pieces: list[str] = field(default_factory=list)
    starts: list[Offsets] = field(default_factory=list)
    ends: list[Offsets] = field(default_factory=list)

    def add(self, text: str, starts: "Offsets | list[int]", ends: "Offsets | list[int]") -> None:
        self.pieces.append(text)
        self.starts.append(np.asarray(starts, dtype=np.int32))
        self.ends.append(np.asarray(ends, dtype=np.int32))

    def joined(self) -> tuple[str, Offsets, Offsets]:
        empty = [np.zeros(0, dtype=np.int32)]
        return "".join(self.pieces), np.concatenate(empty + self.starts), np.concatenate(empty + self.ends)


def normalise(original: str) -> CleanText:
    """Remove hidden characters, respell disguised ones, mend lost punctuation, compose accents; say what was found and where all came from.

    Raises:
        InputError: the text has more than `MAX_CHARACTERS` characters.
    """
    check_size(original)
    found: Counter[str] = Counter()
    starts: Offsets = np.arange(len(original), dtype=np.int32)
    text, starts, ends = _reveal(original, starts, starts + np.int32(1), found)
    text = mend(_respell(text, found))
    text, starts, ends = _compose(text, starts, ends, found)
    closed = np.append(starts, np.int32(len(original)))
    return CleanText(original, text, closed, ends, {key: count for key, count in sorted(found.items()) if count})


# --- Step 1: hidden characters, entities, letter styles -------------------------------------------------------------


def _characters(*ranges: tuple[int, int]) -> str:
    return "".join(chr(code) for first, last in ranges for code in range(first, last + 1))


_JOINERS: Final = "\u200c\u200d"
_CURSIVE: Final = _JOINERS + "\u200e\u200f"  # at home in emoji and in the scripts from Hebrew on
_BIDI: Final = "\u061c\u200e\u200f" + _characters((0x202A, 0x202E), (0x2066, 0x2069))
_VARIANTS: Final = _characters((0xFE00, 0xFE0F), (0xE0000, 0xE007F), (0xE0100, 0xE01EF))  # variation selectors, emoji tags
_INVISIBLE: Final = "\u034f\u115f\u1160\u180e\u200b\u3164\ufeff\uffa0" + _characters((0x2060, 0x2064), (0x206A, 0x206F), (0xFFF9, 0xFFFB))
_C0: Final = _characters((0x00, 0x08), (0x0E, 0x1F), (0x7F, 0x7F))
_SPACES: Final = "\xa0\u1680\u202f\u205f\u2800\u3000" + _characters((0x2000, 0x200A))
_STYLED: Final = _characters((0xFF01, 0xFF5E), (0x1D400, 0x1D7FF), (0x24B6, 0x24E9))  # full width, "mathematical", circled


def _removals() -> dict[str, str]:
    kinds = {"zero_width": _JOINERS + _VARIANTS + _INVISIBLE, "bidi": _BIDI, "soft_hyphen": "\xad", "control": _C0, "surrogate": _characters((0xD800, 0xDFFF))}
    return {character: kind for kind, characters in kinds.items() for character in characters}


def _replacements() -> dict[str, tuple[str, str]]:
    """What stands for a character, and the kind that it counts as ("" for repairs that are nobody's disguise)."""
    table = {character: (" ", "odd_space") for character in _SPACES} | {character: ("\n", "") for character in "\x0b\x0c\u2028\u2029"}
    for character in _STYLED:
        plain = unicodedata.normalize("NFKC", character)
        table[character] = (plain, "full_width" if plain.isalnum() else "")
    for character in _characters((0xFB00, 0xFB06)):  # typesetters' ligatures
        table[character] = (unicodedata.normalize("NFKC", character), "")
    for code in range(0x80, 0xA0):  # Windows-1252 read as Latin-1: "don\x92t"
        decoded = bytes([code]).decode("cp1252", errors="ignore")
        table[chr(code)] = (decoded, "" if decoded else "control")
    table |= {"\u037e": (";", "homoglyph"), "\u212a": ("K", "homoglyph"), "\u212b": ("Å", "")}
    return {character: replacement for character, replacement in table.items() if replacement[0] != character}


def _ranges(characters: set[str]) -> str:
    """The characters as ranges of a regular expression: three thousand single ones would make it fifty times slower."""
    codes = set(map(ord, characters))
    firsts = sorted(code for code in codes if code - 1 not in codes)
    lasts = sorted(code for code in codes if code + 1 not in codes)
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in zip(firsts, lasts, strict=True))


_REMOVALS: Final = _removals()
_REPLACEMENTS: Final = _replacements()
_HIDDEN: Final = re.compile(f"[&{_ranges({*_REMOVALS, *_REPLACEMENTS})}]")
_ENTITY: Final = re.compile(r"&(?:#[0-9]{1,8}|#[xX][0-9a-fA-F]{1,7}|[A-Za-z][A-Za-z0-9]{1,31});")
_LONGEST_ENTITY: Final = 34


class _Revealer:
    """Writes characters one by one; hidden ones are dropped, and a `;` that completes an entity turns it into its character.

    As decoded characters are written in the same way, entities that spell entities (`&amp;lt;`) and entities with
    hidden characters inside are resolved in the same pass: running it again finds nothing, and no input costs more than
    a bounded look back for each `;`.
    """

    def __init__(self, original: str, found: Counter[str]) -> None:
        self.original = original
        self.found = found
        self.characters: list[str] = []
        self.starts: list[int] = []
        self.ends: list[int] = []

    def write(self, character: str, start: int, end: int) -> None:
        kind = _REMOVALS.get(character)
        if kind is not None:
            self.found[kind] += self._is_disguise(character, start, end)
            return
        plain, kind = _REPLACEMENTS.get(character, (character, ""))
        if kind:
            self.found[kind] += 1
        for letter in plain:
            self.characters.append(letter)
            self.starts.append(start)
            self.ends.append(end)
            if letter == ";":
                self._resolve()

    def _resolve(self) -> None:
        tail = "".join(self.characters[-_LONGEST_ENTITY:])
        at = tail.rfind("&")
        if at < 0 or not _ENTITY.fullmatch(tail, at):
            return
        entity = tail[at:]
        if entity[1] != "#" and entity[1:] not in html5:
            return
        first = len(self.characters) - len(entity)
        start, end = self.starts[first], self.ends[-1]
        del self.characters[first:], self.starts[first:], self.ends[first:]
        self.found["entity"] += 1
        for character in unescape(entity):
            self.write(character, start, end)

    def _is_disguise(self, character: str, start: int, end: int) -> bool:
        """False where hidden characters have work to do (emoji, scripts with joined letters) or are debris between words."""
        previous = self.characters[-1] if self.characters else ""
        if character in _VARIANTS and not previous.isalpha():
            return False
        if character in _CURSIVE and "\u0590" <= previous and not "\u1e00" <= previous < "\u2000":
            return False
        if _REMOVALS[character] != "zero_width":
            return True
        before, after = self.original[max(start - 1, 0) : start], self.original[end : end + 1]
        return (before.isalnum() and after.isalnum()) or before in _REMOVALS or after in _REMOVALS


def _reveal(text: str, starts: Offsets, ends: Offsets, found: Counter[str]) -> tuple[str, Offsets, Offsets]:
    if not _HIDDEN.search(text):
        return text, starts, ends
    result = _Rewritten()
    done = 0
    for first, last in _words_with(_HIDDEN, text):
        result.add(text[done:first], starts[done:first], ends[done:first])
        revealer = _Revealer(text, found)
        for index in range(first, last):
            revealer.write(text[index], index, index + 1)
        result.add("".join(revealer.characters), revealer.starts, revealer.ends)
        done = last
    result.add(text[done:], starts[done:], ends[done:])
    return result.joined()


_SEPARATOR: Final = re.compile("[ \n]")


def _words_with(trigger: re.Pattern[str], text: str) -> Iterator[tuple[int, int]]:
    """Spans between spaces or newlines that hold a match of `trigger`; all other text need not be looked at."""
    done = 0
    while match := trigger.search(text, done):
        at = match.start()
        first = max(text.rfind(" ", done, at), text.rfind("\n", done, at), done - 1) + 1
        separator = _SEPARATOR.search(text, at)
        done = separator.start() if separator else len(text)
        yield first, done


# --- Step 2: look-alike letters -------------------------------------------------------------------------------------

_CYRILLIC: Final = dict(zip("аеорсухкіѕјһӏԁԛԝАВЕКМНОРСТХУІЈЅ", "aeopcyxkisjhldqwABEKMHOPCTXYIJS", strict=True))
_GREEK: Final = dict(zip("οΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "oABEZHIKMNOPTYX", strict=True))  # noqa: RUF001 (no small alpha: it is real in "TNF alpha")
_TWINS: Final = _CYRILLIC | _GREEK
_TWIN: Final = re.compile(f"[{''.join(_TWINS)}]")
_MARKS: Final = "\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"  # marks of no script of their own
_WORD: Final = re.compile(rf"&[^\s&;]{{1,32}};|(?:[^\W\d_][{_MARKS}]*)+")  # what looks like an entity is no word
_LATIN: Final = re.compile("[A-Za-z\u00c0-\u024f\u1e00-\u1eff]")
_FOREIGN: Final = re.compile(f"(?![{''.join(_TWINS)}])[\u0370-\u03ff\u0400-\u052f\u1f00-\u1fff]")


def _respell(text: str, found: Counter[str]) -> str:
    """Give words with Cyrillic or Greek look-alikes their Latin letters.

    The rule: a word is respelled if each of its Cyrillic and Greek letters has a Latin twin, and it either has a Latin
    letter too or stands in a text without a single Cyrillic or Greek letter that has no twin. So real Russian or Greek,
    in an article or on its own, stays as it is.
    """
    if not _TWIN.search(text):
        return text
    alone = not _FOREIGN.search(text)

    def latin(match: re.Match[str]) -> str:
        word = match.group()
        count = len(_TWIN.findall(word))
        if not count or word[0] == "&" or _FOREIGN.search(word) or not (alone or _LATIN.search(word)):
            return word
        found["homoglyph"] += count
        return "".join(_TWINS.get(letter, letter) for letter in word)

    pieces: list[str] = []
    done = 0
    for first, last in _words_with(_TWIN, text):
        pieces += (text[done:first], _WORD.sub(latin, text[first:last]))
        done = last
    return "".join((*pieces, text[done:]))


# --- Step 3: accents ------------------------------------------------------------------------------------------------

_MARKED: Final = re.compile(f"[^{_MARKS}]?([{_MARKS}]+)", re.DOTALL)


def _compose(text: str, starts: Offsets, ends: Offsets, found: Counter[str]) -> tuple[str, Offsets, Offsets]:
    """Join letters with their combining marks (NFC) and drop the marks beyond `MAX_MARKS`."""
    result = _Rewritten()
    done = 0
    for match in _MARKED.finditer(text):
        first, marks_at = match.start(), match.start(1)
        result.add(text[done:first], starts[done:first], ends[done:first])
        kept = min(match.end(), marks_at + MAX_MARKS)
        marks = unicodedata.normalize("NFD", text[marks_at:kept])[:MAX_MARKS]
        letter = text[first:marks_at]
        composed = letter + marks
        if unicodedata.is_normalized("NFC", letter):  # NFC would take apart the few letters that it never composes
            composed = unicodedata.normalize("NFC", composed)
        found["combining"] += match.end() - kept
        if composed == text[first:kept]:
            result.add(composed, starts[first:kept], ends[first:kept])
        else:
            result.add(composed, [int(starts[first])] * len(composed), [int(ends[kept - 1])] * len(composed))
        done = match.end()
    if not done:
        return text, starts, ends
    result.add(text[done:], starts[done:], ends[done:])
    return result.joined()

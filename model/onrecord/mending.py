"""Put back the punctuation that a wrong decoding turned into U+FFFD, the replacement character.

Pages saved as Windows-1252 and read as UTF-8 have U+FFFD for each quotation mark, apostrophe and dash. Tokenizers drop it, and with it
what tells speech from narration. The neighbours of the character say which mark it most likely was (a lost accented letter cannot be
told from an apostrophe, and is rare in English); the text keeps its length, so no offset moves.
"""

import re
from typing import Final

_LOST: Final = re.compile("\ufffd+")
_LOST_OR_BREAK: Final = re.compile("\ufffd+|\n")
_APOSTROPHE, _OPENING, _CLOSING, _DASH = "\u2019", "\u201c", "\u201d", "\u2013"


def mend(text: str) -> str:
    """Return `text` with a likely mark for each U+FFFD; of several in a row the first is mended, the others become spaces.

    Between letters it is an apostrophe, between spaces a dash, at the start of a word an opening quotation mark and at its end a
    closing one; at the end of a word with no quotation open in its line, an apostrophe ("the neighbours' fence"). Linear time.
    """
    if not _LOST.search(text):
        return text
    pieces: list[str] = []
    done = 0
    is_open = False
    for match in _LOST_OR_BREAK.finditer(text):
        if match.group() == "\n":
            is_open = False
            continue
        mark = _mark(text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1], is_open=is_open)
        is_open = mark == _OPENING or (is_open and mark != _CLOSING)
        pieces += (text[done : match.start()], mark, " " * (len(match.group()) - 1))
        done = match.end()
    return "".join((*pieces, text[done:]))


def _mark(before: str, after: str, *, is_open: bool) -> str:
    starts_word = not before or before.isspace() or before in "([\u2013\u2014-"
    ends_word = not after or after.isspace()
    if starts_word:
        return _DASH if ends_word and before else _OPENING
    if after.isalnum():
        # "(Reuters)?Just days after": a dash that touched both its neighbours.
        return _APOSTROPHE if before.isalnum() else _DASH
    return _CLOSING if is_open or not before.isalpha() else _APOSTROPHE

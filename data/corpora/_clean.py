"""How public article texts were cleaned before labelling. The label offsets count characters of the cleaned text, so nothing here may change."""

import hashlib
import re


def clean(text: str) -> str:
    """Return the text with plain spaces, no trailing spaces and at most one empty line in a row."""
    text = text.replace("\r\n", "\n").replace("\xa0", " ").replace("\u200b", "")
    text = re.sub(r"[ \t]+", " ", text)
    text = re.sub(r" *\n *", "\n", text)
    return re.sub(r"\n{2,}", "\n\n", text).strip()


def first_paragraphs(text: str, words: int) -> str:
    """Return the first whole paragraphs, about `words` words of them; a long article is labelled so far only."""
    if len(text.split()) <= words:
        return text
    kept: list[str] = []
    total = 0
    for paragraph in text.split("\n"):
        size = len(paragraph.split())
        if total + size > words and total > 120:
            break
        kept.append(paragraph)
        total += size
    return "\n".join(kept).strip()


def universal_newlines(text: str) -> str:
    """Return the text with every line end as a line feed, as Python's text mode reads it."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def article_id(name: str) -> str:
    """Return the id under which an article of this name is labelled."""
    return "a" + hashlib.sha1(f"onrecord{name}".encode(), usedforsecurity=False).hexdigest()[:7]

"""The main text of a web page, without menus, comments and advertisements."""

import re
from typing import Final, Protocol, cast

from onrecord.errors import InputError, MissingExtraError

_HTML_TAG: Final = re.compile(r"<html[\s>]", re.IGNORECASE)


class _Extract(Protocol):
    def __call__(self, page: str, *, include_comments: bool) -> str | None: ...


def extract(page: str, name: str) -> str:
    """Main text of the HTML `page`, one paragraph a line; nothing is fetched.

    Args:
        page: the HTML source.
        name: what to call it in messages.

    Raises:
        MissingExtraError: trafilatura is not installed.
        InputError: the page holds no text.
    """
    text = _extractor()(_document(page), include_comments=False)
    if text is None or not text.strip():
        raise InputError(
            f"{name}: found no article text in this HTML; expected a page that holds its text (not one that a script fills). Save the text itself."
        )
    return text


def _document(page: str) -> str:
    """A whole document: the parser refuses fragments."""
    return page if _HTML_TAG.search(page) else f"<html><body>{page}</body></html>"


def _extractor() -> _Extract:
    try:
        from trafilatura import extract as found  # noqa: PLC0415 - an optional dependency, and slow to import
    except ModuleNotFoundError as error:
        if error.name != "trafilatura":  # installed, but broken: installing the extra again would not help
            raise
        raise MissingExtraError("Reading HTML", "trafilatura", "html") from error
    return cast("_Extract", found)

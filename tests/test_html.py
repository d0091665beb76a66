"""The main text of web pages."""

import builtins
import sys
from types import ModuleType
from typing import Any

import pytest

from onrecord.errors import InputError, MissingExtraError
from onrecord.html import extract

FIRST = "The council of Denby voted on Monday to close the old bridge, said Mayor Ana Pryce. Work will take two years, her office said in a statement."
SECOND = "Residents \u201cwere never asked\u201d, according to Luis Ortega of the shopkeepers\u2019 union, who plans to go to court before the summer is over."
PAGE = f"""<!doctype html><html><head><title>Bridge - Denby News</title><script>var advert = "Buy now";</script></head><body>
<nav><a href="/">Home</a> <a href="/sport">Sport</a></nav><article><h1>Bridge to close</h1><p>{FIRST}</p><p>{SECOND}</p></article>
<div class="comments"><p>Anonymous reader: what a disgrace this town has become.</p></div><footer>Cookie policy</footer></body></html>"""


def test_the_article_is_kept_and_the_page_around_it_is_not() -> None:
    text = extract(PAGE, "page.html")
    assert text.splitlines()[-2:] == [FIRST, SECOND]
    for outside in ("Sport", "advert", "disgrace", "Cookie"):
        assert outside not in text


@pytest.mark.parametrize(
    "page",
    [f"<p>{FIRST}</p>", f"<p>\0{FIRST}\ud800</p>", f'<?xml version="1.0" encoding="ISO-8859-1"?><html><body><p>{FIRST}</p></body></html>'],
    ids=["fragment", "NUL and surrogate", "declared encoding"],
)
def test_odd_pages_are_read(page: str) -> None:
    assert extract(page, "page.html") == FIRST


@pytest.mark.parametrize(
    "page",
    ["", " \n", "<html><body></body></html>", "<html><body><img src='a.png'></body></html>", "<html><body><script>let text = 'Hello';</script></body></html>"],
    ids=["empty", "blank", "no content", "only an image", "filled by a script"],
)
def test_a_page_without_text_is_refused(page: str) -> None:
    with pytest.raises(InputError, match=r"page\.html: found no article text in this HTML; expected .* Save the text itself"):
        extract(page, "page.html")


def test_hostile_nesting_is_refused_and_does_not_crash() -> None:
    with pytest.raises(InputError, match="found no article text"):
        extract("<div>" * 50_000 + FIRST + "</div>" * 50_000, "page.html")


def test_without_trafilatura_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real_import = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> ModuleType:  # noqa: ANN401 (the signature of __import__)
        if name == "trafilatura":
            raise ModuleNotFoundError("No module named 'trafilatura'", name="trafilatura")
        return real_import(name, *args, **kwargs)

    monkeypatch.delitem(sys.modules, "trafilatura", raising=False)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r"pip install 'onrecord\[html\]'"):
        extract(PAGE, "page.html")

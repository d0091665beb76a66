import io
from dataclasses import replace

import pytest
from report_samples import LINES, Line, sample_report, text_of

from onrecord.report import Advice, Driver, Score, Source, Warning
from onrecord.terminal import printable, render, wants_colour

TEXT = text_of(LINES)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(**changes: object) -> str:
    return " ".join(render(replace(sample_report(), **changes), TEXT, "dam.txt").split())


def test_shows_each_score_with_band_meaning_and_interval() -> None:
    page = shown(sourcing=Score(0.21, "low", (0.1, 0.32)), risk=Score(0.9, "high", (0.8, 1.0)), speculation=Score(0.5, "some", (0.4, 0.6)))
    assert "Sourcing strength 0.21 (low): most claims cannot be traced to anyone [90% interval 0.10 to 0.32]" in page
    assert "Review priority 0.90 (high): check it before it spreads" in page
    assert "Speculation 0.50 (some): a good part is hedged or conjecture" in page


def test_shows_drivers_strongest_first_with_class_and_sentence() -> None:
    page = shown()
    first, second = page.index("+0.82 sentence 1: no source given, conjecture"), page.index("+0.76 sentence 2: anonymous source")
    assert first < second < page.index("-0.21 sentence 4: no claim, openly unverified The claim has not been confirmed.")
    assert LINES[1].text in page


def test_shows_who_speaks_what_would_help_warnings_and_the_model() -> None:
    page = shown(warnings=(Warning("zero_width", "3 invisible characters"),), sources=(Source("Ada Prewitt", "named", "active_participant", ((1, 2), (5, 6))),))
    assert "- Ada Prewitt (named, active participant): 2 mentions" in page
    assert "- Name the source of sentence 2: " in page
    assert "- 3 invisible characters [zero_width]" in page
    assert "Model small 0.1.0 (abababababab), calibration test-calibration, policy test-policy" in page
    assert "dam.txt: 36 words, 4 sentences" in page


def test_an_empty_section_has_no_heading() -> None:
    page = shown(sources=(), advice=(), warnings=(), drivers=())
    assert not any(heading in page for heading in ("Who speaks", "What would help", "Warnings", "Why"))


def test_says_why_an_article_was_not_judged() -> None:
    page = render(sample_report(reason="Found 12 words; at least 40 are needed."), TEXT, "dam.txt")
    assert "Not judged: Found 12 words; at least 40 are needed." in page
    assert "Review priority 0" not in page


@pytest.mark.parametrize("width", [40, 57, 100])
def test_no_line_is_longer_than_the_width(width: int) -> None:
    report = replace(sample_report(), advice=(Advice(0, "name_source", "word " * 60, 0.5, 0.4),))
    lines = render(report, TEXT, "a-rather-long-folder-name/and-a-long-file-name-without-any-break.txt", width=width).splitlines()
    assert max(len(line) for line in lines) == width


def test_a_long_sentence_is_shortened() -> None:
    line = Line("Wall " * 300 + "end.", "unattributed", sourcing=-1.0)
    page = render(sample_report([line]), line.text, "dam.txt")
    assert page.count("Wall") < 40
    assert "Wall …" in page


def test_hostile_characters_never_reach_the_terminal() -> None:
    evil = "\x1b]0;owned\x07\x1b[2J\u202egnp\u200b\x9b31m\ud800\r\x00"
    line = Line(f"The {evil} wall.", "unattributed", sourcing=-1.0)
    report = replace(sample_report([line]), sources=(Source(evil, "named", None, ((0, 1),)),), warnings=(Warning("odd", evil),), drivers=(Driver(0, 1.0),))
    page = render(report, line.text, f"{evil}.txt", colour=False)
    assert not set(evil) - set("]0;owned[2Jgnp31m") & set(page)
    page.encode("utf-8")


def test_printable_is_one_line_and_keeps_words_of_any_script() -> None:
    assert printable(" “Naïve” —\n\tचुनाव 中 ") == "“Naïve” — चुनाव 中"


def test_colour_adds_emphasis_and_changes_no_word() -> None:
    plain, coloured = (render(sample_report(), TEXT, "dam.txt", colour=colour) for colour in (False, True))
    assert "\x1b[" not in plain
    for code in ("0", "1", "31", "32", "33"):
        coloured = coloured.replace(f"\x1b[{code}m", "")
    assert coloured == plain


def test_colour_is_only_for_terminals_that_want_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert wants_colour(Terminal())
    assert not wants_colour(io.StringIO())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not wants_colour(Terminal())
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert not wants_colour(Terminal())

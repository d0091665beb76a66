# ruff: noqa: RUF001 - the curly quotes and dashes that ruff finds ambiguous are what is tested
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onrecord import sentences
from onrecord.sentences import Span, split_sentences

PASSAGES = json.loads((Path(__file__).parent / "sentence_passages.json").read_text(encoding="utf-8"))
HOSTILE = [
    "a",
    ". ",
    ".",
    "a.",
    "a. ",
    "A. ",
    '"',
    '."',
    '." ',
    "(",
    "a. (",
    "a?) ",
    "\n",
    ".\n",
    " ",
    ". [1] ",
    "!\u2764",
    "http://",
    "www..",
    "a:. ",
    "-. ",
    ". - ",
    "a.A'",
    "Mr. ",
    "x.Aa",
    "\ufffd. ",
    "Aa said.” ",
    "?” Aa ",
]
# Characters that the rules look at, so that arbitrary text also meets the rules and not only their absence.
RULE_TEXT = st.lists(
    st.sampled_from([*".!?…\"'“”()[]:;-–\ufffd\n\r\u2028\x85\xa0 \t", "Mr", "U.S", "No", "5", "a.m", "the", "The", "[1]", "🎉", "www.", "I", "x@y", ". . ."])
).map("".join)


def _split(text: str) -> list[str]:
    return [span.of(text) for span in split_sentences(text)]


@pytest.mark.parametrize("passage", PASSAGES, ids=lambda passage: f"{passage['category']}: {passage['text'][:40]!r}")
def test_hard_passage_is_split_as_a_reader_would(passage: dict[str, object]) -> None:
    assert _split(str(passage["text"])) == passage["sentences"]


def test_passages_are_many_and_differ() -> None:
    assert len({passage["text"] for passage in PASSAGES}) == len(PASSAGES) >= 70


@given(st.one_of(st.text(), RULE_TEXT))
def test_spans_are_trimmed_disjoint_sorted_and_cover_all_but_whitespace(text: str) -> None:
    spans = split_sentences(text)
    position = 0
    for span in spans:
        assert position <= span.start < span.end
        assert text[position : span.start].strip() == ""
        assert span.of(text) == span.of(text).strip()
        position = span.end
    assert text[position:].strip() == ""


@given(st.one_of(st.text(), RULE_TEXT), st.one_of(st.text(), RULE_TEXT))
def test_a_line_break_separates_whatever_stands_around_it(first: str, second: str) -> None:
    shift = len(first) + 1
    moved = [Span(span.start + shift, span.end + shift) for span in split_sentences(second)]
    assert split_sentences(f"{first}\n{second}") == split_sentences(first) + moved


@pytest.mark.parametrize("text", ["", " ", "\n\n", "\u00a0\t\r\n\u2028"])
def test_text_without_characters_has_no_sentences(text: str) -> None:
    assert split_sentences(text) == []


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r", "\f", "\x85", "\u2028", "\u2029"])
def test_every_kind_of_line_break_ends_a_sentence(line_break: str) -> None:
    assert _split(f"Ferry sinks{line_break}all are safe") == ["Ferry sinks", "all are safe"]


def test_lower_cased_article_still_has_sentences() -> None:
    text = "The ferry sank off Tarn. All 40 on board are safe. Was it overloaded? Nobody will say."
    assert len(split_sentences(text.lower())) == len(split_sentences(text)) == 4


def test_sentence_longer_than_the_window_keeps_its_number_and_bracket_rules() -> None:
    filler = "word " * 60
    text = f"1. {filler}ended. 2. {filler}(why? Nobody knew) ended. Then it stopped."
    assert _split(text) == [f"1. {filler}ended.", f"2. {filler}(why? Nobody knew) ended.", "Then it stopped."]


def test_an_unclosed_bracket_does_not_swallow_the_rest() -> None:
    assert _split("The envoy (who was late. He sat down. Nobody spoke.") == ["The envoy (who was late.", "He sat down.", "Nobody spoke."]


def _work(monkeypatch: pytest.MonkeyPatch, text: str) -> int:
    """Characters that the splitter looks at: those in the windows that it judges and those that it skips."""
    work = 0
    ends_sentence, next_start, tail_end = sentences._ends_sentence, sentences._next_start, sentences._tail_end

    def judged(stop: sentences._Stop) -> bool:
        nonlocal work
        work += len(stop.before) + len(stop.mark) + len(stop.tail) + len(stop.after)
        return ends_sentence(stop)

    def skipped(line: str, position: int, end: int) -> int:
        nonlocal work
        found = next_start(line, position, end)
        work += 1 + found - position
        return found

    def closed(line: str, position: int, end: int, quote_open: bool) -> int:
        nonlocal work
        found = tail_end(line, position, end, quote_open)
        work += 1 + found - position
        return found

    with monkeypatch.context() as patch:
        patch.setattr(sentences, "_ends_sentence", judged)
        patch.setattr(sentences, "_next_start", skipped)
        patch.setattr(sentences, "_tail_end", closed)
        split_sentences(text)
    return work


@pytest.mark.parametrize("unit", HOSTILE, ids=repr)
def test_work_grows_linearly_on_hostile_text(unit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    small, large = (_work(monkeypatch, unit * (size // len(unit))) for size in (2_000, 16_000))
    assert large <= 8.5 * small + 500
    assert large <= 300 * 16_000


@pytest.mark.parametrize("unit", HOSTILE, ids=repr)
def test_long_hostile_text_is_covered_to_its_last_character(unit: str) -> None:
    text = unit * (100_000 // len(unit))
    spans = split_sentences(text)
    assert (spans[-1].end if spans else 0) == len(text.rstrip())
    assert "".join("".join(span.of(text) for span in spans).split()) == "".join(text.split())

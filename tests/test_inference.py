"""Scoring: whatever comes in, a report comes out; spans, sums and repeatability hold on any text."""

import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from onrecord.backends import TorchBackend
from onrecord.errors import InputError
from onrecord.inference import Scorer
from onrecord.policy import sigmoid
from onrecord.report import Report
from onrecord.text import MAX_CHARACTERS

COMMON = "the and of to that with for by from this said was not but who has it in on a".split()
OTHER = "mayor bridge report officials may allegedly Varga 41 per cent, however. Rumour! “Closed?” (again) naïve über".split()
# At least 40 words, and enough of the small ones for English: texts that are always judged.
PROSE = st.lists(st.sampled_from(COMMON + OTHER), min_size=30, max_size=120).map(
    lambda words: " ".join(words) + " and that was said of the bridge by the mayor to the report."
)
HIDDEN = ("\u200b", "\u200d", "\xad", "\u202e", "\ufeff", "\ud800", "\x00", "&amp;", "&nbsp;", "&#8203;", "\U0001f600", "e\u0301")

BAD = {
    "empty": "",
    "whitespace": " \n\t\u00a0\u2003 " * 20,
    "one word": "Breaking",
    "German": "Die Brücke wurde am Dienstag gesperrt, weil der Bürgermeister es so wollte, und niemand weiß, wann sie wieder geöffnet wird. " * 5,
    "Chinese": "市长周二表示,大桥将关闭维修。没有人知道什么时候会重新开放。" * 30,
    "Arabic": "قال رئيس البلدية يوم الثلاثاء إن الجسر مغلق للإصلاح ولا أحد يعرف متى يفتح مرة أخرى " * 10,
    "binary": "".join(chr(b) for b in np.random.default_rng(3).integers(0, 256, 20_000)),
    "lone surrogates": "\ud800\udfff\udc00" * 500,
    "NUL": "\x00" * 5_000,
    "only emoji": "\U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467 " * 200,
    "only numbers": "12 3.5 7,000 " * 200,
    "10 MB of one letter": "a" * 10_000_000,
    "10 MB of spaces": " " * 10_000_000,
    "10 MB of digits in lines": "0123456789\n" * 1_000_000,
}


def sums(report: Report) -> None:
    assert report.biases is not None
    for name in ("risk", "sourcing", "speculation"):
        value = getattr(report, name).value
        logit = getattr(report.biases, name) + math.fsum(getattr(s.contributions, name) for s in report.sentences)
        assert value == pytest.approx(sigmoid(logit), abs=1e-9)


# --- Shapes and types -----------------------------------------------------------------------------------------------


def test_a_string_gives_a_report_and_a_list_gives_a_list(scorer: Scorer, article: str) -> None:
    one = scorer.score(article)
    assert isinstance(one, Report)
    assert scorer.score([]) == []
    assert scorer.score([article]) == [one]
    assert scorer.score((article, "too short")) == [one, scorer.score("too short")]


@pytest.mark.parametrize(
    "wrong", [None, 3, b"bytes of text", bytearray(b""), {"text": "x"}, {"a", "b"}, iter(["a"]), ["fine", None], ["fine", b"x"], [["nested"]]]
)
def test_what_is_no_text_is_refused_with_its_type(scorer: Scorer, wrong: object) -> None:
    with pytest.raises(InputError, match="expected"):
        scorer.score(wrong)  # type: ignore[call-overload]


def test_an_article_is_judged_in_full(scorer: Scorer, article: str) -> None:
    report = scorer.score(article)
    assert report.reason is None
    for score in (report.risk, report.sourcing, report.speculation):
        assert score.value is not None
        assert score.interval is not None
        assert score.interval[0] <= score.value <= score.interval[1]
    for s in report.sentences:
        assert sum(s.probabilities["attribution"].values()) == pytest.approx(1)
        assert sum(s.probabilities["speculation"].values()) == pytest.approx(1)
    sourced = [(s.start, s.end) for s in report.sentences if s.attribution not in {"unattributed", "no_claim"}]
    for source in report.sources:
        assert all(any(a <= start and end <= b for a, b in sourced) for start, end in source.mentions)
    json.dumps(report.to_dict(), allow_nan=False)


# --- Bad input ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", BAD.values(), ids=BAD.keys())
def test_what_cannot_be_judged_gets_a_reason_and_no_scores(scorer: Scorer, text: str) -> None:
    report = scorer.score(text)
    assert report.reason
    assert (report.risk.value, report.sourcing.value, report.speculation.value) == (None, None, None)
    assert report.sentences == ()
    json.dumps(report.to_dict(), allow_nan=False)


def test_more_than_the_limit_is_refused_quickly(scorer: Scorer) -> None:
    begun = time.monotonic()
    report = scorer.score("x" * (MAX_CHARACTERS + 1))
    assert time.monotonic() - begun < 5
    assert report.reason is not None
    assert "Split it" in report.reason


@pytest.mark.parametrize("junk", ["\x00", "\ud800", "\u200b", "\U0001f600"])
def test_an_article_with_strange_characters_in_it_is_still_judged(scorer: Scorer, article: str, junk: str) -> None:
    report = scorer.score(article.replace(" ", f" {junk}"))
    assert report.reason is None
    sums(report)


def test_one_sentence_of_100_000_characters_is_judged_whole(scorer: Scorer) -> None:
    text = ("and the mayor said that it was closed for " * 2500)[:100_000].strip()
    report = scorer.score(text)
    assert report.risk.value is not None
    assert (report.sentences[0].start, report.sentences[-1].end) == (0, len(text))
    assert all(a.end == b.start for a, b in zip(report.sentences, report.sentences[1:], strict=False))
    sums(report)


def test_one_word_of_100_000_characters_does_not_stop_an_article(scorer: Scorer, article: str) -> None:
    text = f"{article} {'x' * 100_000} {article}"
    report = scorer.score(text)
    assert report.risk.value is not None
    assert report.sentences[-1].end == len(text)


# --- Spans ----------------------------------------------------------------------------------------------------------


def covered(text: str, report: Report) -> np.ndarray:
    count = np.zeros(len(text), dtype=int)
    for s in report.sentences:
        count[s.start : s.end] += 1
    return count


def test_a_long_article_is_scored_in_full_every_character_in_one_sentence(scorer: Scorer) -> None:
    text = "\n\n".join(f"The mayor said on day {i} that it may open. It was not so, and cost ${i}.5m." for i in range(1500))
    report = scorer.score(text)
    assert len(report.sentences) == 3000
    assert report.risk.value is not None
    count = covered(text, report)
    assert count.max() == 1
    assert not "".join(c for c, n in zip(text, count, strict=True) if not n).strip()
    sums(report)


@settings(max_examples=25, deadline=None)
@given(PROSE, st.lists(st.tuples(st.integers(0, 400), st.sampled_from(HIDDEN)), max_size=8))
def test_spans_point_into_the_text_as_given(scorer: Scorer, prose: str, hidden: list[tuple[int, str]]) -> None:
    text = prose
    for place, what in hidden:
        text = text[:place] + what + text[place:]
    report = scorer.score(text)
    ends = 0
    for s in report.sentences:
        assert ends <= s.start < s.end <= len(text)
        ends = s.end
    for source in report.sources:
        for start, end in source.mentions:
            assert 0 <= start < end <= len(text)
            assert any(s.start <= start and end <= s.end for s in report.sentences)
    assert report.reason is None
    missed = "".join(c for c, n in zip(text, covered(text, report), strict=True) if not n)
    for what in HIDDEN:
        missed = missed.replace(what, "")
    assert not missed.strip()


def test_hidden_characters_change_the_offsets_and_nothing_else(scorer: Scorer, article: str) -> None:
    plain = scorer.score(article)
    hidden = article.replace("mayor", "ma\u200byor").replace("named", "na\xadmed")
    report = scorer.score(hidden)
    assert (report.risk, report.sourcing, report.speculation) == (plain.risk, plain.sourcing, plain.speculation)
    assert [hidden[s.start : s.end].replace("\u200b", "").replace("\xad", "") for s in report.sentences] == [article[s.start : s.end] for s in plain.sentences]
    assert "obfuscated_characters" in {w.code for w in report.warnings}


# --- Sums and repeatability -----------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(PROSE)
def test_each_score_is_its_bias_and_the_sum_of_its_sentences(scorer: Scorer, text: str) -> None:
    report = scorer.score(text)
    assert report.reason is None
    assert report.biases is not None
    sums(report)
    caution = float(np.mean([s.caution for s in report.sentences]))
    sourcing = report.biases.sourcing + sum(s.contributions.sourcing for s in report.sentences)
    speculation = report.biases.speculation + sum(s.contributions.speculation for s in report.sentences)
    assert report.risk.value == pytest.approx(sigmoid(scorer.policy.logit(sourcing, speculation, caution)), abs=1e-9)


def test_the_same_text_gives_the_same_bits_alone_or_among_others(scorer: Scorer, article: str) -> None:
    alone = json.dumps(scorer.score(article).to_dict())
    others = [article * 9, "short", article[:300] + " " + article]
    again = scorer.score([*others, article, article])
    assert [json.dumps(r.to_dict()) for r in again[-2:]] == [alone, alone]


def test_scoring_works_when_the_model_was_left_in_training_mode(checkpoint: Path, scorer: Scorer, article: str) -> None:
    model = type(scorer.model).from_pretrained(checkpoint).train()
    fresh = Scorer(model, scorer.tokenizer, scorer.calibration, scorer.policy, scorer.info, backend=TorchBackend(model.encoder))
    assert fresh.score(article) == scorer.score(article)


# --- Batches --------------------------------------------------------------------------------------------------------


@dataclass
class Batching:
    """A backend that takes many windows at once, and can run out of memory like a GPU."""

    encoder: TorchBackend
    token_budget: int
    memory: int = 10**9
    largest: int = 0
    failures: int = 0
    name: str = "batching"

    def encode(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        if input_ids.numel() > self.memory:
            self.failures += 1
            raise torch.OutOfMemoryError("CUDA out of memory")
        self.largest = max(self.largest, len(input_ids))
        return self.encoder.encode(input_ids, attention_mask)


def batching(scorer: Scorer, **options: int) -> tuple[Scorer, Batching]:
    backend = Batching(TorchBackend(scorer.model.encoder), **options)
    return Scorer(scorer.model, scorer.tokenizer, scorer.calibration, scorer.policy, scorer.info, backend=backend), backend


def same(found: list[Report], expected: list[Report]) -> None:
    for a, b in zip(found, expected, strict=True):
        assert (a.reason, [(s.start, s.end, s.attribution) for s in a.sentences]) == (b.reason, [(s.start, s.end, s.attribution) for s in b.sentences])
        np.testing.assert_allclose([s.contributions.risk for s in a.sentences], [s.contributions.risk for s in b.sentences], atol=1e-5)
        assert [source.mentions for source in a.sources] == [source.mentions for source in b.sources]


@pytest.fixture
def mixed(article: str) -> list[str]:
    """Long, short, refused and strange articles, in no order of length."""
    return [article * 7, article, "too short", article[:300] + " " + article, "\U0001f600" * 90, article * 3, article + " " + "x" * 5000, article]


@pytest.mark.parametrize("budget", [0, 1, 200, 10**6])
def test_batches_of_any_size_give_the_scores_of_each_article_alone(scorer: Scorer, mixed: list[str], budget: int) -> None:
    many, backend = batching(scorer, token_budget=budget)
    same(many.score(mixed), [scorer.score(text) for text in mixed])
    assert (backend.largest > 1) == (budget > 1)


def test_after_running_out_of_memory_scoring_goes_on_with_less_at_once(scorer: Scorer, mixed: list[str]) -> None:
    many, backend = batching(scorer, token_budget=10**6, memory=300)
    same(many.score(mixed), [scorer.score(text) for text in mixed])
    failures = backend.failures
    assert failures
    many.score(mixed)
    assert backend.failures - failures < failures, "what did not fit is not tried again"


def test_a_window_that_does_not_fit_into_memory_is_an_error_and_not_an_endless_loop(scorer: Scorer, article: str) -> None:
    with pytest.raises(torch.OutOfMemoryError):
        batching(scorer, token_budget=10**6, memory=10)[0].score(article)


def test_a_stream_is_scored_in_order_and_not_read_far_ahead(scorer: Scorer, article: str) -> None:
    taken = 0

    def texts() -> Iterator[str]:
        nonlocal taken
        for i in range(1000):
            taken += 1
            yield f"Day {i}. {article}"

    stream = scorer.stream(texts())
    first = [next(stream) for _ in range(3)]
    assert taken < 200
    assert first == scorer.score([f"Day {i}. {article}" for i in range(3)])
    stream.close()


def test_an_error_in_the_stream_of_texts_reaches_the_caller(scorer: Scorer, article: str) -> None:
    def texts() -> Iterator[str]:
        yield article
        raise OSError("the disk has gone")

    with pytest.raises(OSError, match="the disk has gone"):
        list(scorer.stream(texts()))

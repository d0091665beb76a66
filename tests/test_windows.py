"""Windows: no part of an article is lost, none is read twice, and no window is larger than the encoder allows."""

from hypothesis import given
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerBase

from onrecord.sentences import Span, split_sentences
from onrecord.windows import TokenisedSentence, pack, tokenise


def of_sizes(sizes: list[int]) -> list[TokenisedSentence]:
    return [TokenisedSentence(Span(10 * i, 10 * i + 9), (5,) * size, ((10 * i, 10 * i + 9),) * size) for i, size in enumerate(sizes)]


@given(st.lists(st.integers(0, 20), max_size=60), st.integers(20, 50))
def test_every_sentence_is_in_exactly_one_window_within_the_limit(sizes: list[int], limit: int) -> None:
    windows = pack(of_sizes(sizes), limit)
    if not sum(sizes):
        assert windows == []
        return
    assert [i for w in windows for i in range(w.first, w.last)] == list(range(len(sizes)))
    assert [w.tokens for w in windows] == [sum(sizes[w.first : w.last]) for w in windows]
    assert all(0 < w.tokens <= limit for w in windows)


@given(st.integers(1, 400), st.sampled_from([1, 2, 4, 5, 10, 20]))
def test_windows_are_filled_evenly_not_one_full_and_a_short_rest(count: int, size: int) -> None:
    windows = pack(of_sizes([size] * count), 100)
    tokens = [w.tokens for w in windows]
    assert max(tokens) - min(tokens) <= 2 * size
    assert len(windows) == -(-count * size // 100)


@given(st.lists(st.integers(1, 20), min_size=1, max_size=80), st.integers(20, 60))
def test_few_windows_are_used(sizes: list[int], limit: int) -> None:
    assert len(pack(of_sizes(sizes), limit)) <= 2 * -(-sum(sizes) // limit)


def test_a_sentence_that_fits_keeps_its_span_and_its_tokens_point_into_the_text(tokenizer: PreTrainedTokenizerBase) -> None:
    text = "  The mayor said no. Water came in."
    spans = split_sentences(text)
    (sentences,) = tokenise(tokenizer, [(text, spans)], 46)
    assert [s.span for s in sentences] == spans
    assert "".join(text[a:b] for s in sentences for a, b in s.offsets) == text.replace(" ", "")


@given(st.lists(st.text(st.sampled_from("abc é中 \u0e01.,'-3"), min_size=1, max_size=90).filter(str.strip), min_size=1, max_size=4), st.integers(2, 12))
def test_a_long_sentence_is_cut_without_losing_or_repeating_anything(tokenizer: PreTrainedTokenizerBase, parts: list[str], limit: int) -> None:
    parts = [p.strip() for p in parts]
    text = "\n".join(parts)
    spans, start = [], 0
    for p in parts:
        spans.append(Span(start, start + len(p)))
        start += len(p) + 1
    (pieces,) = tokenise(tokenizer, [(text, spans)], limit)
    for span in spans:
        mine = [p.span for p in pieces if span.start <= p.span.start and p.span.end <= span.end]
        assert "".join(text[s.start : s.end] for s in mine) == text[span.start : span.end]
    (whole,) = tokenise(tokenizer, [(text, spans)], 10_000)
    assert [i for p in pieces for i in p.ids] == [i for s in whole for i in s.ids]
    assert [o for p in pieces for o in p.offsets] == [o for s in whole for o in s.offsets]
    assert all(len(p.ids) <= limit for p in pieces)


def test_a_sentence_without_tokens_is_kept_in_the_window_of_its_neighbours(tokenizer: PreTrainedTokenizerBase) -> None:
    text = "It fell.\n\u200b\u200b\nIt rose."
    (sentences,) = tokenise(tokenizer, [(text, [Span(0, 8), Span(9, 11), Span(12, 20)])], 46)
    assert [s.span for s in sentences] == [Span(0, 8), Span(9, 11), Span(12, 20)]
    assert sentences[1].ids == ()
    assert [(w.first, w.last) for w in pack(sentences, 46)] == [(0, 3)]


def test_curly_and_straight_quotation_marks_are_one_to_the_model(tokenizer: PreTrainedTokenizerBase) -> None:
    curly, straight = "\u201cIt\u2019s no,\u201d said \u2018Ana\u2019.", "\"It's no,\" said 'Ana'."
    (one,), (other,) = tokenise(tokenizer, [(curly, [Span(0, len(curly))]), (straight, [Span(0, len(straight))])], 46)
    assert one == other


def test_nothing_gives_nothing(tokenizer: PreTrainedTokenizerBase) -> None:
    assert tokenise(tokenizer, [("", [])], 46) == [[]]
    assert pack([], 46) == []

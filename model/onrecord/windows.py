"""Tokenise sentences and pack them, whole, into windows that the encoder can read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from transformers import PreTrainedTokenizerBase

from onrecord.sentences import Span

# Curly or straight is the typesetter's choice: the model sees one form, so it cannot learn one from it. Every mark keeps its place.
_STRAIGHT: Final = str.maketrans("\u201c\u201d\u201e\u201f\u2018\u2019\u201a\u201b", '""""' + "''''")


@dataclass(frozen=True, slots=True)
class TokenisedSentence:
    """One sentence: its place in the text and its tokens, with each token's place in the text."""

    span: Span
    ids: tuple[int, ...]
    offsets: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Window:
    """Consecutive sentences `first` … `last - 1` of one article, read together by the encoder."""

    first: int
    last: int
    tokens: int


def tokenise(tokenizer: PreTrainedTokenizerBase, texts: Sequence[tuple[str, Sequence[Span]]], limit: int) -> list[list[TokenisedSentence]]:
    """Tokenise the sentences of several texts in one call; a sentence of more than `limit` tokens is cut into several.

    Args:
        tokenizer: the model's.
        texts: each text with the spans of its sentences.
        limit: most tokens of a sentence, special tokens not included.

    Returns:
        Each text's sentences in order; those without any token (the tokenizer knows none of their characters) are kept,
        empty, so that no part of a text is lost.
    """
    words = [text[s.start : s.end].translate(_STRAIGHT) for text, spans in texts for s in spans]
    if not words:
        return [[] for _ in texts]
    encoded = tokenizer(words, add_special_tokens=False, return_offsets_mapping=True, return_attention_mask=False, verbose=False)
    pieces = zip(encoded["input_ids"], encoded["offset_mapping"], strict=True)
    return [[piece for span in spans for piece in _cut(span, *next(pieces), limit)] for _, spans in texts]


def _cut(span: Span, ids: Sequence[int], offsets: Sequence[tuple[int, int]], limit: int) -> list[TokenisedSentence]:
    places = tuple((span.start + a, span.start + b) for a, b in offsets)
    if len(ids) <= limit:
        return [TokenisedSentence(span, tuple(ids), places)]
    sentences = []
    for begin in range(0, len(ids), limit):
        piece = places[begin : begin + limit]
        end = places[begin + limit][0] if begin + limit < len(ids) else span.end
        sentences.append(TokenisedSentence(Span(piece[0][0] if begin else span.start, end), tuple(ids[begin : begin + limit]), piece))
    return sentences


def pack(sentences: Sequence[TokenisedSentence], limit: int) -> list[Window]:
    """Pack consecutive sentences into few windows of at most `limit` tokens, evenly filled.

    Even filling gives every sentence a similar amount of context and wastes less padding than one full window
    and a short rest. Every sentence lies in exactly one window.
    """
    total = sum(len(s.ids) for s in sentences)
    if not total:
        return []
    goal = total / -(-total // limit)
    windows: list[Window] = []
    first, tokens, before = 0, 0, 0
    for i, sentence in enumerate(sentences):
        size = len(sentence.ids)
        # Close the window where the running total comes nearest to an even share.
        full = tokens + size > limit or before + size / 2 > goal * (len(windows) + 1)
        if tokens and full:
            windows.append(Window(first, i, tokens))
            first, tokens = i, 0
        tokens += size
        before += size
    windows.append(Window(first, len(sentences), tokens))
    return windows

"""Let the model read articles: the windows of all of them, by length, in batches of a token budget."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from onrecord.backends import Backend
from onrecord.modeling import OnRecordModel, OnRecordOutput
from onrecord.windows import TokenisedSentence, Window


@dataclass(frozen=True, slots=True)
class TokenisedArticle:
    """An article as the model reads it; every sentence lies in exactly one window, in order."""

    sentences: list[TokenisedSentence]
    windows: list[Window]

    def ids(self, window: Window, tokenizer: PreTrainedTokenizerBase) -> list[int]:
        """Token ids of a window, special tokens included."""
        inside = [t for s in self.sentences[window.first : window.last] for t in s.ids]
        return [tokenizer.cls_token_id, *inside, tokenizer.sep_token_id]


@dataclass(frozen=True)
class Reading:
    """Raw model output for one article, with the sentences and tokens that it is about (offsets into the clean text)."""

    sentences: list[TokenisedSentence]
    output: OnRecordOutput


@dataclass(frozen=True, slots=True)
class _Place:
    """One window among those of all articles; `sentence` is the number of its first sentence among theirs."""

    article: TokenisedArticle
    window: Window
    sentence: int

    @property
    def owners(self) -> list[int]:
        """Each token's sentence, counted from the window's first."""
        return [i for i, s in enumerate(self.article.sentences[self.window.first : self.window.last]) for _ in s.ids]

    @property
    def count(self) -> int:
        return self.window.last - self.window.first


def group_windows(sizes: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Indices of windows of like length in groups of at most `budget` tokens, padding included; at least one a group."""
    group: list[int] = []
    for w in sorted(range(len(sizes)), key=lambda w: -sizes[w]):
        if group and sizes[group[0]] * (len(group) + 1) > budget:
            yield group
            group = []
        group.append(w)
    if group:
        yield group


class Reader:
    """A model, its tokenizer, and the backend that runs its encoder."""

    def __init__(self, model: OnRecordModel, tokenizer: PreTrainedTokenizerBase, backend: Backend) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.backend = backend
        self._budget = backend.token_budget

    @torch.inference_mode()
    def read(self, articles: Sequence[TokenisedArticle]) -> list[Reading]:
        """Read articles, each of at least one sentence; their order is kept."""
        starts = [0, *accumulate(len(a.sentences) for a in articles)]
        places = [_Place(a, w, start + w.first) for a, start in zip(articles, starts, strict=False) for w in a.windows]
        vectors = torch.zeros(starts[-1], self.model.config.pooled_size, device=self.model.device)
        tags: list[Tensor] = [vectors.new_zeros(0)] * len(places)
        pending = list(group_windows([p.window.tokens for p in places], self._budget))
        while pending:
            group = pending.pop()
            try:
                self._read_group([places[w] for w in group], group, vectors, tags)
            except torch.OutOfMemoryError:
                if len(group) == 1:
                    raise
                # Less at once from now on, in the articles to come too.
                self._budget = max(1, max(places[w].window.tokens for w in group) * len(group) // 2)
                torch.cuda.empty_cache()
                pending += [group[: len(group) // 2], group[len(group) // 2 :]]
        return list(self._judge(articles, vectors, tags))

    def _read_group(self, places: Sequence[_Place], group: Sequence[int], vectors: Tensor, tags: list[Tensor]) -> None:
        ids = [p.article.ids(p.window, self.tokenizer) for p in places]
        width = max(map(len, ids))
        tokens = torch.full((len(ids), width), self.tokenizer.pad_token_id)
        mask = torch.zeros_like(tokens)
        for row, window in enumerate(ids):
            tokens[row, : len(window)] = torch.tensor(window)
            mask[row, : len(window)] = 1
        states = self.backend.encode(tokens, mask)
        for row, (place, w) in enumerate(zip(places, group, strict=True)):
            inside = states[row, 1 : len(ids[row]) - 1]
            owners = torch.tensor(place.owners, device=inside.device)
            vectors[place.sentence : place.sentence + place.count] = self.model.pooling(inside, owners, place.count)
            tags[w] = self.model.tags(inside)

    def _judge(self, articles: Sequence[TokenisedArticle], vectors: Tensor, tags: Sequence[Tensor]) -> Iterator[Reading]:
        """Article by article, so that no sum depends on what else was read."""
        sentence = window = 0
        for article in articles:
            count, windows = len(article.sentences), len(article.windows)
            document = torch.zeros(count, dtype=torch.long, device=vectors.device)
            found = torch.cat(list(tags[window : window + windows]))
            yield Reading(article.sentences, self.model.judge(vectors[sentence : sentence + count], found, document))
            sentence += count
            window += windows

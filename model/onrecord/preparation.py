"""From raw text to what the model reads: clean, refuse or accept, split, tokenise, pack."""

from collections.abc import Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from onrecord.checks import refusal, warnings_for
from onrecord.reading import TokenisedArticle
from onrecord.report import Refusal
from onrecord.report import Warning as ReportWarning
from onrecord.sentences import Span, split_sentences
from onrecord.text import MAX_CHARACTERS, CleanText, normalise
from onrecord.windows import pack, tokenise


@dataclass(frozen=True, slots=True)
class Article:
    """One text, ready to be read.

    Attributes:
        text: as given.
        clean: normalised, with the way back to `text`; None for a text too large to look at.
        warnings: what a reader should know about the text.
        refused: why it is not read; None if it is.
        tokenised: its sentences and windows; None if it is refused.
    """

    text: str
    clean: CleanText | None
    warnings: tuple[ReportWarning, ...]
    refused: Refusal | None
    tokenised: TokenisedArticle | None


def prepare(texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, window_tokens: int) -> list[Article]:
    """Prepare texts, in their order; all sentences go through the tokenizer together, in its own threads."""
    looked_at = [_look(text) for text in texts]
    spans = [[] if clean is None or refused else split_sentences(clean.text) for clean, refused in looked_at]
    accepted = [(clean.text, found) for (clean, _), found in zip(looked_at, spans, strict=True) if clean is not None and found]
    tokenised = iter(tokenise_articles(accepted, tokenizer, window_tokens))
    articles = []
    for text, (clean, refused), found in zip(texts, looked_at, spans, strict=True):
        warnings = () if clean is None else tuple(warnings_for(clean, found))
        articles.append(Article(text, clean, warnings, refused, next(tokenised) if found else None))
    return articles


def _look(text: str) -> tuple[CleanText | None, Refusal | None]:
    if len(text) > MAX_CHARACTERS:
        return None, Refusal("too_large", f"The text has {len(text):,} characters; at most {MAX_CHARACTERS:,} are scored as one article. Split it.")
    clean = normalise(text)
    return clean, refusal(clean.text)


def tokenise_articles(articles: Sequence[tuple[str, Sequence[Span]]], tokenizer: PreTrainedTokenizerBase, window_tokens: int) -> list[TokenisedArticle]:
    """Tokenise and pack clean texts whose sentences are known."""
    limit = window_tokens - tokenizer.num_special_tokens_to_add()
    return [TokenisedArticle(sentences, pack(sentences, limit)) for sentences in tokenise(tokenizer, articles, limit)]

"""How many articles a second: OnRecord beside what people run today, with the same encoder weights and the same threads.

    pip install sentence-transformers && python -m tests.benchmarks.throughput ../shared/corpora/archive.jsonl.gz --json training/results/throughput.json

In each of five rounds every contender scores the same real articles of mixed length, in turn; the figures are medians.

- onrecord, torch and openvino: whole reports, nothing truncated;
- (a) transformers' `pipeline("text-classification", batch_size=16, truncation=True)` on whole articles: reads at most 512 tokens of each;
- (b) the same on the sentences of the articles, split beforehand;
- (c) sentence-transformers' `encode` on the same sentences: vectors only, no scores;
- (d) TF-IDF and logistic regression: the ceiling of speed and the floor of quality.

The ceiling of the encoder is what this machine's matrix multiplication in single precision gives; the share that we reach counts the
encoder's multiplications for useful tokens only, so padding, splitting and reports all count against us.
"""
# ruff: noqa: T201 - a command that prints its findings

import argparse
import json
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from transformers import BertForSequenceClassification, pipeline

import onrecord
from onrecord.preparation import prepare
from tests.benchmarks.backends import read

ROUNDS = 5
_ROWS, _WIDTH = 384, 1536  # of the largest products in the encoder, for one full window


def classifier(scorer: onrecord.Scorer) -> Any:  # noqa: ANN401 - a pipeline
    """Transformers' pipeline over the same encoder, with a head of random weights: a head's speed does not hang on them."""
    model = BertForSequenceClassification(scorer.model.config.encoder)
    model.bert.load_state_dict(scorer.model.encoder.state_dict(), strict=False)
    return pipeline("text-classification", model=model.train(mode=False), tokenizer=scorer.tokenizer, device="cpu", batch_size=16)


def embedder(scorer: onrecord.Scorer) -> Any:  # noqa: ANN401 - a SentenceTransformer
    """sentence-transformers over the same encoder, with mean pooling."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

    with tempfile.TemporaryDirectory() as folder:
        scorer.model.encoder.save_pretrained(folder)
        scorer.tokenizer.save_pretrained(folder)
        transformer = Transformer(folder)
        return SentenceTransformer(modules=[transformer, Pooling(scorer.model.config.encoder.hidden_size)], device="cpu")


def multiplications_per_second(threads: int) -> float:
    """Multiply-adds a second of the matrix product in single precision, at the encoder's own shapes: the best of many."""
    torch.set_num_threads(threads)
    a, b = torch.randn(_ROWS, _WIDTH), torch.randn(_WIDTH, _ROWS)
    best = float("inf")
    for _ in range(300):
        begun = time.perf_counter()
        a @ b
        best = min(best, time.perf_counter() - begun)
    return _ROWS * _WIDTH * _ROWS / best


def useful_multiplications(scorer: onrecord.Scorer, texts: list[str]) -> float:
    """Multiply-adds that the encoder cannot do without for these texts: weights times tokens, and attention between the tokens of a window."""
    config = scorer.model.config.encoder
    weights = sum(p.numel() for name, p in scorer.model.encoder.named_parameters() if p.ndim == 2 and "embeddings" not in name)
    total = 0.0
    for article in prepare(texts, scorer.tokenizer, scorer.model.config.window_tokens):
        for window in article.tokenised.windows if article.tokenised else ():
            size = window.tokens + 2
            total += weights * size + config.num_hidden_layers * 2 * size * size * config.hidden_size
    return total


def contenders(texts: list[str]) -> tuple[dict[str, Callable[[], object]], onrecord.Scorer]:
    """What each contender does with the texts, by name, and our scorer in single precision."""
    exact, fast = (onrecord.load(device="cpu", backend=name) for name in ("torch", "openvino"))
    sentences = [
        article.clean.text[s.span.start : s.span.end]
        for article in prepare(texts, exact.tokenizer, exact.model.config.window_tokens)
        if article.tokenised and article.clean
        for s in article.tokenised.sentences
    ]
    classify, embed = classifier(exact), embedder(exact)
    lexical = make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression()).fit(texts, [len(text) % 2 for text in texts])
    return {
        f"onrecord, {exact.backend.name}": lambda: exact.score(texts),
        f"onrecord, {fast.backend.name}": lambda: fast.score(texts),
        "(a) pipeline, whole articles, truncated": lambda: classify(texts, truncation=True, max_length=512),
        "(b) pipeline, sentences": lambda: classify(sentences, truncation=True, max_length=512),
        "(c) sentence-transformers, sentences": lambda: embed.encode(sentences, batch_size=32, show_progress_bar=False),
        "(d) TF-IDF, logistic regression": lambda: lexical.predict(texts),
    }, exact


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.throughput", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path, help="a .jsonl.gz archive")
    parser.add_argument("--articles", type=int, default=64, help="how many to score in each round (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="where the findings go")
    options = parser.parse_args()
    texts = read(options.archive, options.articles)
    threads = torch.get_num_threads()
    runs, exact = contenders(texts)
    times: dict[str, list[float]] = {name: [] for name in runs}
    for work in runs.values():
        work()  # warm
    for _ in range(ROUNDS):
        for name, work in runs.items():
            begun = time.perf_counter()
            work()
            times[name].append(time.perf_counter() - begun)
    ours, fast, whole = list(times)[:3]
    ratio = {name: statistics.median(b / a for a, b in zip(times[fast], times[name], strict=True)) for name in (ours, whole)}
    ceiling = multiplications_per_second(threads)
    findings = {
        "machine": f"{platform.machine()}, {threads} threads",
        "articles": len(texts),
        "rounds": ROUNDS,
        "articles a second": {name: round(len(texts) / statistics.median(found), 1) for name, found in times.items()},
        "range": {name: [round(len(texts) / max(found), 1), round(len(texts) / min(found), 1)] for name, found in times.items()},
        "openvino, times as fast as": {name: round(value, 2) for name, value in ratio.items()},
        "matrix product, billion multiply-adds a second": round(ceiling / 1e9, 1),
        "share of it in useful tokens, torch": round(useful_multiplications(exact, texts) / statistics.median(times[ours]) / ceiling, 3),
    }
    print(json.dumps(findings, indent=1))
    if options.json:
        options.json.write_text(json.dumps(findings, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

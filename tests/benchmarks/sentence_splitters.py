"""Measures our sentence splitter against spaCy's sentencizer and syntok: `python -m tests.benchmarks.sentence_splitters`.

Exact-match passages and boundary F1 on the hand-written hard passages, and speed on long generated text. With `--corpus`, also
boundary F1 on articles with `text` and `sentences`; with `--archive`, speed on articles with `text` instead (gzipped JSON lines). spaCy and syntok must be installed by hand;
they are not dependencies of the project. The other splitters get one line at a time, so that all share the rule that a line break splits.
"""
# ruff: noqa: T201 - a command that prints its findings

import argparse
import gzip
import json
import random
import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import spacy
from syntok import segmenter  # type: ignore[import-untyped]

from onrecord.sentences import split_sentences

Splitter = Callable[[str], list[tuple[int, int]]]
Case = tuple[str, list[tuple[int, int]]]
PASSAGES = Path(__file__).parents[1] / "sentence_passages.json"
SPEED_WORDS = 200_000


@dataclass(frozen=True)
class Result:
    """How one splitter did on one set of texts."""

    splitter: str
    texts: str
    count: int
    exact: float
    precision: float
    recall: float
    f1: float


def load_passages(path: Path = PASSAGES) -> list[Case]:
    """The hand-written passages with the offsets of their expected sentences."""
    return [(row["text"], locate(row["text"], row["sentences"])) for row in json.loads(path.read_text(encoding="utf-8"))]


def locate(text: str, sentences: Iterable[str]) -> list[tuple[int, int]]:
    """Offsets of sentences that lie in `text` in this order."""
    offsets, position = [], 0
    for sentence in sentences:
        start = text.index(sentence, position)
        position = start + len(sentence)
        offsets.append((start, position))
    return offsets


def read_articles(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a gzipped JSON-lines file."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def load_corpus(path: Path) -> list[Case]:
    """Articles whose `sentences` is a list of [start, end], or the JSON text of one."""
    cases = []
    for row in read_articles(path):
        spans = json.loads(row["sentences"]) if isinstance(row["sentences"], str) else row["sentences"]
        cases.append((row["text"], [(start, end) for start, end in spans]))
    return cases


def by_line(split_line: Splitter) -> Splitter:
    """Applies a splitter to each line and trims what it returns."""

    def split(text: str) -> list[tuple[int, int]]:
        spans = []
        for line in re.finditer(r"[^\r\n]+", text):
            for start, end in split_line(line.group()):
                piece = line.group()[start:end]
                if piece.strip():
                    first = line.start() + start + len(piece) - len(piece.lstrip())
                    spans.append((first, first + len(piece.strip())))
        return spans

    return split


def splitters() -> dict[str, Splitter]:
    """The three splitters, by name."""
    sentencizer = spacy.blank("en")
    sentencizer.max_length = 10**8
    sentencizer.add_pipe("sentencizer")

    def ours(text: str) -> list[tuple[int, int]]:
        return [(span.start, span.end) for span in split_sentences(text)]

    def spacy_line(line: str) -> list[tuple[int, int]]:
        return [(sentence.start_char, sentence.end_char) for sentence in sentencizer(line).sents]

    def syntok_line(line: str) -> list[tuple[int, int]]:
        return [(s[0].offset, s[-1].offset + len(s[-1].value)) for paragraph in segmenter.analyze(line) for s in paragraph]

    return {"onrecord": ours, "spacy-sentencizer": by_line(spacy_line), "syntok": by_line(syntok_line)}


def boundaries(text: str, spans: list[tuple[int, int]]) -> set[int]:
    """Ends of all sentences but the last one of each line, which every splitter gets right for free."""
    return {end for end in (span[1] for span in spans) if text[end:].partition("\n")[0].strip()}


def evaluate(name: str, split: Splitter, texts: str, cases: list[Case]) -> Result:
    """Compares a splitter with the expected sentences of `cases`."""
    exact = hits = predicted = expected = 0
    for text, gold in cases:
        found = split(text)
        exact += found == gold
        got, want = boundaries(text, found), boundaries(text, gold)
        hits, predicted, expected = hits + len(got & want), predicted + len(got), expected + len(want)
    precision, recall = hits / max(predicted, 1), hits / max(expected, 1)
    return Result(name, texts, len(cases), exact / len(cases), precision, recall, 2 * hits / max(predicted + expected, 1))


def long_text(words: int, seed: int = 0) -> str:
    """Archive-like prose: the passages in random order, a few to a paragraph, until there are `words` words."""
    rng, texts = random.Random(seed), [text for text, _ in load_passages()]
    paragraphs, count = [], 0
    while count < words:
        paragraph = " ".join(rng.sample(texts, 3))
        paragraphs.append(paragraph)
        count += len(paragraph.split())
    return "\n\n".join(paragraphs)


def archive_text(path: Path, words: int) -> str:
    """The first articles of an archive, up to about `words` words."""
    texts, count = [], 0
    for row in read_articles(path):
        texts.append(row["text"])
        count += len(row["text"].split())
        if count >= words:
            break
    return "\n\n".join(texts)


def seconds(split: Splitter, text: str) -> float:
    """CPU time of the faster of two runs."""
    times = []
    for _ in range(2):
        start = time.process_time()
        split(text)
        times.append(time.process_time() - start)
    return min(times)


def table(header: list[str], rows: Iterable[list[str]]) -> Iterator[str]:
    """Lines of a Markdown table."""
    yield "| " + " | ".join(header) + " |"
    yield "|" + "---|" * len(header)
    for row in rows:
        yield "| " + " | ".join(row) + " |"


def main() -> None:
    """Runs the comparison and prints it."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--corpus", type=Path, action="append", default=[], help="gzipped JSON lines with text and sentences; may be repeated")
    parser.add_argument("--archive", type=Path, help="gzipped JSON lines with text, for the speed comparison")
    parser.add_argument("--words", type=int, default=SPEED_WORDS, help="about how many words to compare the speed on")
    arguments = parser.parse_args()

    sets = {"passages": load_passages()} | {path.name.partition(".")[0]: load_corpus(path) for path in arguments.corpus}
    systems = splitters()
    results = [evaluate(name, split, texts, cases) for texts, cases in sets.items() for name, split in systems.items()]
    text = archive_text(arguments.archive, arguments.words) if arguments.archive else long_text(arguments.words)
    times = {name: seconds(split, text) for name, split in systems.items()}

    figures = ([r.texts, r.splitter, str(r.count), f"{r.exact:.3f}", f"{r.precision:.4f}", f"{r.recall:.4f}", f"{r.f1:.4f}"] for r in results)
    print("\n".join(table(["texts", "splitter", "n", "exact", "precision", "recall", "boundary F1"], figures)))
    print()
    speeds = ([name, f"{len(text.split()) / taken:,.0f}", f"{taken / times['onrecord']:.1f}"] for name, taken in times.items())
    print("\n".join(table(["splitter", "words per CPU second", "time relative to ours"], speeds)))
    if arguments.json:
        payload = {"results": [asdict(r) for r in results], "speed": {"words": len(text.split()), "cpu_seconds": times}}
        arguments.json.write_text(json.dumps(payload, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

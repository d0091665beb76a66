"""The OpenVINO backend beside torch in single precision: how much faster, and how far its scores are off.

    python -m tests.benchmarks.backends ../shared/corpora/archive.jsonl.gz --json training/results/backends.json

Both backends score the same articles with the same number of threads, in turn; speed is the median of five such rounds.
What int8 costs in the headline metrics: `python -m training.evaluate --backend openvino --out runs/int8`.
"""
# ruff: noqa: T201 - a command that prints its findings

import argparse
import gzip
import json
import platform
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

import onrecord
from onrecord.report import SCORES, Report

ROUNDS = 5


def read(archive: Path, articles: int) -> list[str]:
    """The first articles of an archive."""
    with gzip.open(archive, "rt", encoding="utf-8") as file:
        return [json.loads(line)["text"] for _, line in zip(range(articles), file, strict=False)]


def seconds(scorer: onrecord.Scorer, texts: list[str]) -> float:
    """Time to score the texts."""
    begun = time.perf_counter()
    scorer.score(texts)
    return time.perf_counter() - begun


def differences(fast: list[Report], exact: list[Report]) -> dict[str, Any]:
    """How far the scores of judged articles and the classes of their sentences are apart."""
    pairs = [(a, b) for a, b in zip(fast, exact, strict=True) if b.reason is None]
    found: dict[str, Any] = {"articles": len(pairs)}
    for name in SCORES:
        off = np.array([abs(getattr(a, name).value - getattr(b, name).value) for a, b in pairs])
        found[name] = {"max": round(float(off.max()), 4), "mean": round(float(off.mean()), 4)}
    for name in ("attribution", "speculation"):
        same = [getattr(s, name) == getattr(t, name) for a, b in pairs for s, t in zip(a.sentences, b.sentences, strict=True)]
        found[f"sentences of the same {name}"] = round(float(np.mean(same)), 4)
    return found


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.backends", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path, help="a .jsonl.gz archive")
    parser.add_argument("--articles", type=int, default=500, help="how many to compare (default: %(default)s)")
    parser.add_argument("--timed", type=int, default=60, help="how many to time (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="where the findings go")
    options = parser.parse_args()
    exact, fast = (onrecord.load(device="cpu", backend=name) for name in ("torch", "openvino"))
    texts = read(options.archive, options.articles)
    findings = differences(fast.score(texts), exact.score(texts))
    # Scored above already, so both are warm.
    rounds = [(seconds(fast, texts[: options.timed]), seconds(exact, texts[: options.timed])) for _ in range(ROUNDS)]
    findings |= {
        "machine": f"{platform.machine()}, {torch.get_num_threads()} threads",
        "backends": [fast.backend.name, exact.backend.name],
        "articles a second": [round(options.timed / statistics.median(times), 1) for times in zip(*rounds, strict=True)],
        "times as fast, median of the rounds": round(statistics.median(b / a for a, b in rounds), 2),
        "range over the rounds": [round(min(b / a for a, b in rounds), 2), round(max(b / a for a, b in rounds), 2)],
    }
    print(json.dumps(findings, indent=1))
    if options.json:
        options.json.write_text(json.dumps(findings, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

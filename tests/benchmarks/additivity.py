"""Do the contributions sum to the scores, article by article, over a whole archive?

    onrecord batch ../shared/corpora/archive.jsonl.gz -o reports.jsonl.gz --sentences
    python -m tests.benchmarks.additivity reports.jsonl.gz

Prints how many articles were looked at and the largest difference, in logits, between a score and its bias plus its
sentences' contributions; exits with 1 if it is more than rounding.
"""
# ruff: noqa: T201 - a command that prints its findings

import argparse
import gzip
import json
import math
import sys
from pathlib import Path
from typing import Any

from onrecord.report import SCORES

ROUNDING = 1e-9


def difference(report: dict[str, Any]) -> float:
    """The largest of the three scores' differences."""
    found = 0.0
    for name in SCORES:
        value = report[name]["value"]
        total = report["biases"][name] + math.fsum(s["contributions"][name] for s in report["sentences"])
        found = max(found, abs(math.log(value / (1 - value)) - total))
    return found


def main() -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.additivity", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reports", type=Path, help="output of `onrecord batch … --sentences`, .jsonl or .jsonl.gz")
    path = parser.parse_args().reports
    count, largest = 0, 0.0
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
        for line in file:
            largest = max(largest, difference(json.loads(line)["report"]))
            count += 1
    print(json.dumps({"articles": count, "largest_difference_in_logits": largest}))
    return int(count == 0 or largest > ROUNDING)


if __name__ == "__main__":
    sys.exit(main())

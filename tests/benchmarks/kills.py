"""Does a batch job survive `kill -9` at random moments? Kill it, resume it, and compare with a run that was let alone.

    python -m tests.benchmarks.kills ../shared/corpora/archive.jsonl.gz --rows 5000 --kills 10

Prints, as JSON, how many rows were scored in all beside the rows of the archive, and whether the two outputs are equal row for row.
Takes about twice the time of one run, plus a start for each kill.
"""
# ruff: noqa: T201 - a command that prints its findings

import argparse
import gzip
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq


def head(archive: Path, rows: int, target: Path) -> None:
    """The first rows of a packed archive."""
    with gzip.open(archive, "rt", encoding="utf-8") as source, target.open("w", encoding="utf-8") as file:
        for _, line in zip(range(rows), source, strict=False):
            file.write(line)


def committed(out: Path) -> int:
    """Rows in the parts of a ledger; each was scored once and kept."""
    return sum(pq.ParquetFile(part).metadata.num_rows for part in Path(f"{out}.ledger").glob("part-*.parquet"))


def run(command: Sequence[str]) -> tuple[dict[str, Any], float]:
    """Let a job finish; its summary and its seconds."""
    begun = time.monotonic()
    summary = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    return summary, time.monotonic() - begun


def kill_after(command: Sequence[str], seconds: float, log: Path) -> None:
    """Start a job and kill it."""
    with log.open("a") as file, subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=file) as process:
        time.sleep(seconds)
        os.kill(process.pid, signal.SIGKILL)


def main() -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.kills", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path, help="a .jsonl.gz archive")
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--options", nargs="*", default=[], metavar="WORD", help="further words for `onrecord batch`, without their dashes: model PATH")
    options = parser.parse_args()
    further = [f"--{word}" if place % 2 == 0 else word for place, word in enumerate(options.options)]
    dice = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as scratch:
        source, straight, broken = (Path(scratch, name) for name in ("archive.jsonl", "straight.jsonl", "broken.jsonl"))
        head(options.archive, options.rows, source)
        command = [sys.executable, "-m", "onrecord", "batch", str(source), *further, "-o"]
        summary, seconds = run([*command, str(straight)])
        kept = []
        for _ in range(options.kills):
            # Somewhere in what a kill still finds to do, so that the job is never over before the last of them.
            kill_after([*command, str(broken)], dice.uniform(0.3, 1.7) * seconds / (options.kills + 2), Path(scratch, "log"))
            kept.append(committed(broken))
        finished, _ = run([*command, str(broken)])
        print(
            json.dumps(
                {
                    "rows": summary["rows"],
                    "seconds_alone": round(seconds, 1),
                    "kept_after_each_kill": kept,
                    "scored_in_the_last_run": finished["scored"],
                    "equal": straight.read_bytes() == broken.read_bytes(),
                    "errors_equal": Path(f"{straight}.errors.jsonl").read_bytes() == Path(f"{broken}.errors.jsonl").read_bytes(),
                },
                indent=1,
            )
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())

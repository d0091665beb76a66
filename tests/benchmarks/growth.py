"""Does a job slow down or need more memory as its archive grows?

    python -m tests.benchmarks.growth ../shared/corpora/archive.jsonl.gz --json training/results/growth.json

Repeats the archive with fresh ids to 1,000, 10,000 and 50,000 rows and runs `onrecord batch` on each, as a process of its own. The
articles are cut to their first words, so that the largest run takes minutes and not an hour: what may grow is the ledger, the
reader and the output, not the model's work on one article.
"""
# ruff: noqa: T201 - a command that prints its findings

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from itertools import cycle, islice, pairwise
from pathlib import Path
from typing import Any

from tests.benchmarks.backends import read

SIZES = (1_000, 10_000, 50_000)


def run(texts: list[str], rows: int, folder: Path, backend: str) -> dict[str, Any]:
    """Rows a second and peak memory of one job."""
    source = folder / f"{rows}.jsonl"
    with source.open("w", encoding="utf-8") as file:
        for i, text in enumerate(islice(cycle(texts), rows)):
            file.write(json.dumps({"id": f"row-{i}", "text": text}) + "\n")
    command = [sys.executable, "-m", "onrecord", "batch", str(source), "-o", str(folder / f"{rows}.parquet"), "--backend", backend]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        told = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    summary = json.loads(told)
    return {
        "rows": summary["rows"],
        "seconds": summary["seconds"],
        "peak memory, MB": round(usage.ru_maxrss / 1024),
        "ledger, MB": round(sum(path.stat().st_size for path in (folder / f"{rows}.parquet.ledger").iterdir()) / 1e6, 1),
    }


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.growth", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path, help="a .jsonl.gz archive")
    parser.add_argument("--words", type=int, default=50, help="of each article (default: %(default)s)")
    parser.add_argument("--backend", default="auto")
    parser.add_argument("--json", type=Path, help="where the findings go")
    options = parser.parse_args()
    texts = [" ".join(text.split()[: options.words]) for text in read(options.archive, 10_000)]
    with tempfile.TemporaryDirectory() as folder:
        run(texts, 100, Path(folder), options.backend)  # the int8 form is derived once, before anything is timed
        found = [run(texts, rows, Path(folder), options.backend) for rows in SIZES]
    for before, after in pairwise(found):
        # Between two sizes the start of the process falls out.
        after["rows a second, beyond the size before"] = round((after["rows"] - before["rows"]) / (after["seconds"] - before["seconds"]), 1)
    findings = {
        "machine": f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores",
        "words of each article": options.words,
        "backend": options.backend,
        "runs": found,
    }
    print(json.dumps(findings, indent=1))
    if options.json:
        options.json.write_text(json.dumps(findings, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

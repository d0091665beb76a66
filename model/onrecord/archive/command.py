"""`onrecord batch`: the job from the command line, its progress on stderr, its summary on stdout."""

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

from onrecord.archive.job import Job, Progress, run
from onrecord.archive.scoring import Engine, score_rows
from onrecord.archive.writers import KINDS
from onrecord.backends.choice import BACKENDS

if TYPE_CHECKING:
    from onrecord.inference import Scorer

_DONE, _FAILED = 0, 1
# Seconds between two lines of progress: on a terminal the line is rewritten, in a log each is a line of its own.
_ON_A_TERMINAL: Final = 1.0
_IN_A_LOG: Final = 30.0


def add_batch(commands: "argparse._SubParsersAction[argparse.ArgumentParser]", shared: argparse.ArgumentParser) -> None:
    """Add the command `batch` to the parser of `onrecord`."""
    batch = commands.add_parser(
        "batch",
        parents=[shared],
        help="score an archive: JSONL, CSV, Parquet, folders; goes on where it was stopped",
        description="Score an archive. Every row ends in the output or, with what is wrong with it, in OUT.errors.jsonl. The same command again goes on "
        "where a run was stopped, and scores only what is new or changed. Exit code: 0 done, 1 not done (or, with --fail-on-error, rows without scores), "
        "2 wrong usage.",
    )
    batch.add_argument("inputs", nargs="+", metavar="INPUT", help="files (.jsonl, .csv, .tsv, .parquet, .txt, .html; .gz, .zst), folders, glob patterns, or -")
    batch.add_argument("-o", "--out", required=True, type=Path, metavar="OUT", help=f"output file: {', '.join(KINDS)}")
    batch.add_argument("--text-field", default="text", metavar="NAME", help="field or column that holds the article (default: text)")
    batch.add_argument("--id-field", metavar="NAME", help="field or column that holds the id (default: id where there is one, else file and line)")
    batch.add_argument("--sentences", action="store_true", help="write what each report says on single sentences (.jsonl, .parquet)")
    batch.add_argument("--backend", choices=BACKENDS, default="auto", help="what runs the model (default: auto, openvino where it is installed, else torch)")
    batch.add_argument("--engine", choices=("local", "ray"), default="local", help="where the articles are scored (default: local, in this process)")
    batch.add_argument("--ray-address", metavar="ADDRESS", help="of a running Ray cluster (default: start Ray on this machine)")
    batch.add_argument("--ray-workers", type=_positive, metavar="N", help="models on the cluster, each on one core (default: one per core)")
    batch.set_defaults(usage_error=batch.error)
    batch.add_argument("--fail-on-error", action="store_true", help="exit with 1 when a row could not be scored")


def run_batch(args: argparse.Namespace, load: "Callable[[argparse.Namespace], Scorer]") -> int:
    """Do what the arguments of `batch` say; the exit code."""
    job = Job(tuple(args.inputs), args.out, args.text_field, args.id_field, args.sentences)
    line = ProgressLine(sys.stderr)
    summary = run(job, lambda: load(args), line.show, _engine(args))
    line.end()
    sys.stdout.write(json.dumps(asdict(summary)) + "\n")
    return _FAILED if summary.errors and args.fail_on_error else _DONE


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"found {text!r}; expected a whole number above 0")
    return int(text)


def _engine(args: argparse.Namespace) -> Engine:
    if args.engine == "local":
        if args.ray_address is not None or args.ray_workers is not None:
            args.usage_error("--ray-address and --ray-workers go with --engine ray; add it, or leave them out")
        return score_rows
    from onrecord.archive.ray_engine import RayEngine, load_ray  # noqa: PLC0415 - an optional dependency

    load_ray()  # a missing package is told before a model is loaded
    return RayEngine(args.model, args.policy, args.backend, args.ray_address, args.ray_workers)


class ProgressLine:
    """One line that says how far a job is."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.rewritten = stream.isatty()
        self.pause = _ON_A_TERMINAL if self.rewritten else _IN_A_LOG
        self.shown = time.monotonic()
        self.is_open = False

    def show(self, progress: Progress) -> None:
        """Show it, unless that was done a moment ago."""
        if time.monotonic() - self.shown < self.pause:
            return
        self.shown = time.monotonic()
        self.stream.write(("\r\x1b[K" if self.rewritten else "") + describe(progress) + ("" if self.rewritten else "\n"))
        self.stream.flush()
        self.is_open = self.rewritten

    def end(self) -> None:
        """Leave the line, so that what follows stands on its own."""
        if self.is_open:
            self.stream.write("\n")


def describe(progress: Progress) -> str:
    """Rows, rows a second, share of errors and time left, for people."""
    counts = progress.counts
    parts = [f"{counts.rows:,} rows", f"{counts.scored / max(progress.seconds, 1e-9):.1f} scored a second", f"{counts.errors / max(1, counts.rows):.1%} errors"]
    if counts.reused:
        parts.insert(1, f"{counts.reused:,} done before")
    if progress.share:
        parts.append(f"{progress.share:.0%} read, about {_duration(progress.seconds / progress.share * (1 - progress.share))} left")
    return ", ".join(parts)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"

"""One batch job: read, score what is not scored yet, keep it, and write the output."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from onrecord.archive.ledger import Ledger, Outcome, RunCounts, ledger_folder
from onrecord.archive.parts import Result
from onrecord.archive.readers import Input, Position, find_inputs, read_rows
from onrecord.archive.rows import BadRow, Row
from onrecord.archive.scoring import Engine, KeyedRow, fingerprint, score_rows
from onrecord.archive.writers import check_output, errors_path, write_outputs
from onrecord.errors import InputError, OutputError
from onrecord.inference import Scorer
from onrecord.report import ModelInfo

# A part holds about a hundredth of what was scored before it: whoever is stopped loses at most that, and large archives get few files.
_SMALLEST_PART: Final = 32
_LARGEST_PART: Final = 4096
_PARTS: Final = 100


@dataclass(frozen=True, slots=True)
class Job:
    """What to score, and where to.

    Attributes:
        inputs: files, folders, glob patterns, or `-` for JSON Lines on standard input.
        out: output file; its extension says the format (see `onrecord.archive.writers`).
        text_field, id_field: see `onrecord.archive.readers.read_rows`.
        sentences: whether the output says something on each sentence.
    """

    inputs: tuple[str, ...]
    out: Path
    text_field: str = "text"
    id_field: str | None = None
    sentences: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is.

    Attributes:
        counts: rows so far.
        seconds: since the job began.
        share: of the input that was read, from 0 to 1; None when its size is unknown.
    """

    counts: RunCounts
    seconds: float
    share: float | None


@dataclass(frozen=True, slots=True)
class Summary:
    """What a job did.

    Attributes:
        output, errors_file: where the rows are; no errors file without errors.
        rows: rows of the input; each is in the output or an error.
        scored: rows that this run scored or refused.
        reused: rows whose result an earlier run had left.
        errors: rows that got no scores, by code.
        seconds: of the run.
        model: what made the scores.
    """

    output: str
    errors_file: str | None
    rows: int
    scored: int
    reused: int
    errors: dict[str, int]
    seconds: float
    model: ModelInfo


def run(job: Job, load: Callable[[], Scorer], report_progress: Callable[[Progress], None], engine: Engine = score_rows) -> Summary:
    """Do the job, or the rest of it; the scorer is loaded after the inputs were looked at, so that a wrong name is told at once.

    Args:
        job: what to score, and where to.
        load: gives the scorer.
        report_progress: told after each article.
        engine: where the articles are scored; in this process unless said otherwise.

    Raises:
        InputError: an input is missing or of no known kind, or the output has no known extension.
        OutputError: the output cannot be written; what was scored is kept.
    """
    begun = time.monotonic()
    check_output(job.out, sentences=job.sentences)
    position = Position()
    inputs = find_inputs(job.inputs)
    _refuse_own_output(inputs, job.out)
    rows = read_rows(inputs, text_field=job.text_field, id_field=job.id_field, progress=position)
    scorer = load()
    with Ledger(ledger_folder(job.out), fingerprint(scorer)) as ledger:

        def tell(waiting: int) -> None:
            share = min(1.0, position.bytes_done / position.bytes_total) if position.bytes_total else None
            report_progress(Progress(replace(ledger.counts, scored=ledger.counts.scored + waiting), time.monotonic() - begun, share))

        _score(rows, ledger, engine, scorer, tell)
        errors: Counter[str] = Counter()
        write_outputs(_counted(ledger.rows(), errors), job.out, sentences=job.sentences)
        counts = ledger.counts
    return Summary(
        output=str(job.out),
        errors_file=str(errors_path(job.out)) if errors else None,
        rows=counts.rows,
        scored=counts.scored,
        reused=counts.reused,
        errors=dict(errors),
        seconds=round(time.monotonic() - begun, 3),
        model=scorer.info,
    )


def _refuse_own_output(inputs: Sequence[Input], out: Path) -> None:
    """A glob pattern easily matches what the job itself writes."""
    own = {path.resolve() for path in (out, errors_path(out))}
    for found in inputs:
        if found.path is not None and found.path.resolve() in own:
            raise InputError(f"{found.path}: this file is written by this job; expected inputs only. Write the output into another folder")


def _score(rows: Iterator[Row | BadRow], ledger: Ledger, engine: Engine, scorer: Scorer, tell: Callable[[int], None]) -> None:
    """Bring every row into the ledger; after each article calls `tell` with the number of results not yet committed."""
    results: list[Result] = []
    try:
        for result in engine(_new(rows, ledger), scorer):
            results.append(result)
            if len(results) >= part_size(ledger.counts):
                ledger.commit(results)
                results = []
            tell(len(results))
    except OutputError:
        raise
    except BaseException:  # whatever stops the job, what was scored is kept
        ledger.commit(results)
        raise
    ledger.commit(results)


def part_size(counts: RunCounts) -> int:
    """Rows of the next part."""
    return min(_LARGEST_PART, max(_SMALLEST_PART, (counts.scored + counts.reused) // _PARTS))


def _new(rows: Iterator[Row | BadRow], ledger: Ledger) -> Iterator[KeyedRow]:
    """The articles that have no result yet, with their keys; all other rows are placed on the way."""
    for row in rows:
        if isinstance(row, BadRow):
            ledger.place_error(row)
        elif not ledger.claim(row.position, row.id):
            message = f"the id {row.id!r} occurs a second time; expected each id once. The first row with it is scored"
            ledger.place_error(BadRow(row.position, row.place, row.id, "duplicate_id", message))
        else:
            key = ledger.key(row.id, row.text)
            is_new = not ledger.done(key)
            ledger.place(row, key)
            if is_new:
                yield key, row


def _counted(rows: Iterator[Outcome], errors: "Counter[str]") -> Iterator[Outcome]:
    for row in rows:
        if row.code is not None:
            errors[row.code] += 1
        yield row

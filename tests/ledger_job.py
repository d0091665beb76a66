"""A batch job with a made-up scorer. The tests of the ledger also run it as a process of its own, which can be killed."""

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from onrecord.archive.ledger import Ledger, Outcome, ledger_folder
from onrecord.archive.parts import Result
from onrecord.archive.rows import BadRow, Row
from onrecord.archive.writers import write_outputs

ROOT = Path(__file__).resolve().parent.parent
# The package's face imports torch, for which a test should not wait.
_START = """
import sys, types
sys.modules["onrecord"] = types.ModuleType("onrecord")
sys.modules["onrecord"].__path__ = [sys.argv[1] + "/model/onrecord"]
sys.path[:0] = [sys.argv[1] + "/tests"]
import ledger_job
ledger_job.main(sys.argv[2:])
"""
PART = 10
FINGERPRINT = "model 1"


def command(*arguments: object) -> list[str]:
    """The command line that runs `main` with these arguments."""
    return [sys.executable, "-c", _START, str(ROOT), *map(str, arguments)]


def article(number: int) -> Row:
    """Every seventh cannot be scored."""
    return Row(number, f"news.jsonl:{number + 1}", f"id-{number}", f"{'bad ' if number % 7 == 3 else ''}article {number}")


def result(row: Row, key: bytes) -> Result:
    if row.text.startswith("bad"):
        return Result(key, row.id, code="too_short", message=f"{row.id} is too short")
    score = {"value": len(row.text) / 100, "band": "some", "interval": [0.0, 0.5]}
    model = dict.fromkeys(("name", "version", "weights_sha256", "calibration", "policy"), "m")
    report = {"risk": score, "sourcing": score, "speculation": score, "sentences": [], "warnings": [], "words": len(row.text), "model": model}
    return Result(key, row.id, report=json.dumps(report | {"text": row.text}))


def run(ledger: Ledger, rows: Iterable[Row], *, part: int = PART, scoring: Callable[[Row], object] = lambda row: None) -> list[str]:
    """Score what is not done yet, as the engine does; the ids that were scored."""
    waiting: list[Result] = []
    scored = []
    for row in rows:
        if not ledger.claim(row.position, row.id):
            ledger.place_error(BadRow(row.position, row.place, row.id, "duplicate_id", f"{row.id} was there before"))
            continue
        key = ledger.key(row.id, row.text)
        is_done = ledger.done(key)
        ledger.place(row, key)
        if not is_done:
            scoring(row)
            waiting.append(result(row, key))
            scored.append(row.id)
        if len(waiting) == part:
            ledger.commit(waiting)
            waiting = []
    ledger.commit(waiting)
    return scored


def main(arguments: Sequence[str]) -> None:
    task, out, *rest = arguments
    tasks: dict[str, Callable[..., None]] = {"slow": _slow, "dying": _dying, "hold": _hold, "memory": _memory, "overwrite": _overwrite}
    tasks[task](Path(out), *rest)


def _slow(out: Path, rows: str, log: str) -> None:
    """A job that takes some milliseconds a row, and notes each row that it scores."""

    def note(row: Row) -> None:
        time.sleep(0.002)
        with Path(log).open("a") as file:
            file.write(f"{row.id}\n")

    with Ledger(ledger_folder(out), FINGERPRINT) as ledger:
        _say("started")
        run(ledger, map(article, range(int(rows))), scoring=note)
        write_outputs(ledger.rows(), out, sentences=True)
    _say("finished")


def _dying(out: Path, moment: str) -> None:
    """A job that is killed in its third commit."""
    ledger = Ledger(ledger_folder(out), FINGERPRINT)
    rename = os.replace
    seen = 0

    def is_third() -> bool:
        nonlocal seen
        seen += 1
        return seen == 3

    def replace(source: Path, target: Path) -> None:
        dies = is_third()
        if dies and moment == "before the rename":
            _die()
        rename(source, target)
        if dies:
            _die()

    if moment == "within the transaction":
        ledger._database.set_trace_callback(lambda sql: _die() if sql == "COMMIT" and is_third() else None)
    else:
        os.replace = replace  # type: ignore[assignment]
    run(ledger, map(article, range(100)))


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _hold(out: Path) -> None:
    with Ledger(ledger_folder(out), FINGERPRINT):
        _say("started")
        time.sleep(600)


def _memory(out: Path, rows: str) -> None:
    """A whole job; says its peak memory in KiB."""
    with Ledger(ledger_folder(out), FINGERPRINT) as ledger:
        run(ledger, map(article, range(int(rows))), part=500)
        write_outputs(ledger.rows(), out, sentences=False)
    _say(next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")).split()[1])


def _overwrite(out: Path) -> None:
    """Writes an output and is killed halfway."""

    def dying(ledger: Ledger) -> Iterator[Outcome]:
        for outcome in ledger.rows():
            if outcome.position == 50:
                _die()
            yield outcome

    with Ledger(ledger_folder(out), FINGERPRINT) as ledger:
        run(ledger, map(article, range(100)))
        write_outputs(dying(ledger), out, sentences=False)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()

"""Score rows of an archive: every row ends in a result, whatever it holds."""

import hashlib
import json
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import TypeAlias

from onrecord.archive.parts import Result
from onrecord.archive.rows import Row
from onrecord.errors import OnRecordError
from onrecord.inference import Scorer
from onrecord.report import Report
from onrecord.version import version

# A row under its key in the ledger.
KeyedRow: TypeAlias = tuple[bytes, Row]
# Gives one result for each row, in any order.
Engine: TypeAlias = Callable[[Iterator[KeyedRow], Scorer], Iterator[Result]]


class _Taken:
    """Hands out the texts of the rows, and keeps the rows that have no result yet."""

    def __init__(self, rows: Iterator[KeyedRow]) -> None:
        self.rows = rows
        self.waiting: deque[KeyedRow] = deque()
        self.is_reading = False

    def texts(self) -> Iterator[str]:
        while True:
            self.is_reading = True  # stays so when reading the next row fails
            keyed = next(self.rows, None)
            self.is_reading = False
            if keyed is None:
                return
            self.waiting.append(keyed)
            yield keyed[1].text


def score_rows(rows: Iterator[KeyedRow], scorer: Scorer) -> Iterator[Result]:
    """The result of every row, in order. A row that breaks the scorer ends in an error, and the others go on."""
    taken = _Taken(rows)
    while True:
        try:
            for report in scorer.stream(taken.texts()):
                result = _result(*taken.waiting[0], report)
                taken.waiting.popleft()
                yield result
        except OnRecordError:
            raise
        except Exception:  # one article must not end a night's work; which one it is shows when each is scored alone
            if taken.is_reading:
                raise
            for key, row in taken.waiting:
                yield _alone(key, row, scorer)
            taken.waiting.clear()
        else:
            return


def fingerprint(scorer: Scorer) -> str:
    """A hash of all that decides on a report beside the text."""
    parts = {
        "model": asdict(scorer.info),
        "policy": asdict(scorer.policy),
        "calibration": asdict(scorer.calibration),
        "backend": scorer.backend.name,
        "package": version(),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _alone(key: bytes, row: Row, scorer: Scorer) -> Result:
    try:
        return _result(key, row, scorer.score(row.text))
    except Exception as error:
        message = f"scoring failed ({type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no message'}); please report this text"
        return Result(key, row.id, code="scoring_failed", message=message)


def _result(key: bytes, row: Row, report: Report) -> Result:
    if report.reason_code is not None:
        return Result(key, row.id, code=report.reason_code, message=report.reason)
    return Result(key, row.id, report=json.dumps(report.to_dict(), allow_nan=False))

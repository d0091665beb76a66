"""What is scored already, and which row of the input ends where: the memory of a job, on disk."""

import hashlib
import re
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, TypeAlias

from onrecord.archive.atomic import temporary_for, told
from onrecord.archive.parts import FEATURE, Result, read_part, storable, write_part
from onrecord.archive.rows import BadRow, Row
from onrecord.archive.streams import pyarrow
from onrecord.errors import OutputBusyError, OutputError

FORMAT: Final = 1
_KEY_BYTES: Final = 16
_PART: Final = re.compile(r"part-(\d{6,})\.parquet")
# Rows of the output whose results are in memory together.
_PAGE: Final = 256
# Position, place, id, code and message of a placed row, then part and row of its result.
_Line: TypeAlias = tuple[int, str, str | None, str | None, str | None, int | None, int | None]

# Kept from run to run.
_RESULTS: Final = f"""
BEGIN EXCLUSIVE;
CREATE TABLE parts (number INTEGER PRIMARY KEY, bytes INTEGER NOT NULL);
CREATE TABLE done (key BLOB PRIMARY KEY, part INTEGER NOT NULL, row INTEGER NOT NULL, failed INTEGER NOT NULL) WITHOUT ROWID;
PRAGMA user_version = {FORMAT};
COMMIT;
"""
# Made anew by every run, hence neither journal nor fsync.
_RUN: Final = """
PRAGMA run.journal_mode = OFF;
PRAGMA run.synchronous = OFF;
CREATE TABLE run.claimed (id BLOB PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE run.placed (position INTEGER PRIMARY KEY, place TEXT NOT NULL, key BLOB, id TEXT, code TEXT, message TEXT);
BEGIN;
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where one row of the input ended: exactly one of `report` and `code` is given.

    Attributes:
        position: place in the whole input, from 0.
        place: file and line, row or name, for people.
        id: the row's id, where it has one.
        report: the report as JSON text.
        code: stable, machine-readable name of the error.
        message: one line about the error.
    """

    position: int
    place: str
    id: str | None
    report: str | None
    code: str | None
    message: str | None


@dataclass(frozen=True, slots=True)
class RunCounts:
    """How far this run is.

    Attributes:
        rows: rows of the input that were placed.
        reused: of these, the ones whose result was there already.
        scored: results that this run committed, errors among them.
        errors: rows that end in an error, by their place or their result.
    """

    rows: int = 0
    reused: int = 0
    scored: int = 0
    errors: int = 0


def ledger_folder(out: Path) -> Path:
    """The folder for the ledger of the output file `out`."""
    return out.with_name(f"{out.name}.ledger")


class Ledger:
    """The results of all runs of a job, and the rows of the present run. Use it from one thread.

    A result that was committed stays, whatever happens to the process. The rows of the run (`claim`, `place`) are forgotten with it: the next run
    reads its input again and finds the results by their keys. After an `OutputError`, close it; nothing that was committed is lost.
    """

    def __init__(self, folder: Path, fingerprint: str) -> None:
        """Open the ledger in `folder`, or start one; leftovers of a run that was stopped are removed.

        Args:
            folder: see `ledger_folder`; made if missing, but not its parents.
            fingerprint: a hash of all that decides on a report beside the text: weights, policy, calibration, package version, settings.

        Raises:
            OutputBusyError: another process has it open.
            OutputError: it cannot be written, or was made by another version.
            MissingExtraError: pyarrow is not installed; told here, before anything is scored that could not be kept.
        """
        pyarrow(FEATURE)
        self._folder = folder
        self._seed = hashlib.sha256(hashlib.sha256(fingerprint.encode()).digest())
        self._rows = self._reused = self._scored = self._errors = 0
        with told(folder):
            folder.mkdir(exist_ok=True)
        with self._guarded():
            self._database = sqlite3.connect(folder / "ledger.sqlite", timeout=0, isolation_level=None)
        try:
            with self._guarded(), told(folder):
                self._lock()
                self._prepare()
                self._next = self._tidy_parts()
                self._start_run()
        except BaseException:
            self._database.close()
            raise

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let other processes have the output. What was placed in this run is forgotten."""
        with suppress(OSError):  # where an open file cannot be removed, the next run does it
            self._run_path.unlink(missing_ok=True)
        self._database.close()

    @property
    def counts(self) -> RunCounts:
        """How far this run is, at no cost."""
        return RunCounts(self._rows, self._reused, self._scored, self._errors)

    def key(self, id: str, text: str) -> bytes:
        """16 bytes that change with the id, the text and the fingerprint, and with nothing else."""
        digest = self._seed.copy()
        name = _encoded(id)
        digest.update(len(name).to_bytes(8, "big") + name)
        digest.update(_encoded(text))
        return digest.digest()[:_KEY_BYTES]

    def claim(self, position: int, id: str) -> bool:
        """Whether no other row of this run has this id. The first row that claims an id keeps it."""
        digest = hashlib.sha256(_encoded(id)).digest()[:_KEY_BYTES]
        with self._guarded():
            if self._database.execute("INSERT OR IGNORE INTO run.claimed VALUES (?, ?)", (digest, position)).rowcount:
                return True
            owner = self._database.execute("SELECT position FROM run.claimed WHERE id = ?", (digest,)).fetchone()
        return bool(owner[0] == position)

    def done(self, key: bytes) -> bool:
        """Whether a result with this key was committed, in this run or before."""
        return self._failed(key) is not None

    def place(self, row: Row, key: bytes) -> None:
        """Note that `row` ends in the result with this key. Do so before that result is committed, or the counts are wrong.

        Raises:
            ValueError: a row was placed at this position before.
        """
        self._place(row, key, None, None, None)
        failed = self._failed(key)
        self._reused += failed is not None
        self._errors += bool(failed)

    def place_error(self, bad: BadRow) -> None:
        """Note that a row ends in this error.

        Raises:
            ValueError: a row was placed at this position before.
        """
        self._place(bad, None, bad.id, bad.code, bad.message)
        self._errors += 1

    def commit(self, results: Sequence[Result]) -> None:
        """Keep the results for good, in one part; those with a key that is done already are left out.

        Raises:
            OutputError: they cannot be written; none of them was kept.
        """
        fresh = list({result.key: result for result in results if not self.done(result.key)}.values())
        if not fresh:
            return
        number = self._next
        path = self._part(number)
        write_part(path, fresh)
        with self._guarded(), told(path):
            self._database.execute("INSERT INTO parts VALUES (?, ?)", (number, path.stat().st_size))
            self._database.executemany(
                "INSERT INTO done VALUES (?, ?, ?, ?)", ((result.key, number, row, result.code is not None) for row, result in enumerate(fresh))
            )
            self._database.execute("COMMIT")
            self._database.execute("BEGIN")
        self._next += 1
        self._scored += len(fresh)
        self._errors += sum(result.code is not None for result in fresh)

    def rows(self) -> Iterator[Outcome]:
        """Every row placed in this run, in the order of the input.

        Raises:
            OutputError: a row has no result yet, or a part cannot be read.
        """
        after = -1
        while page := self._page(after):
            yield from self._outcomes(page)
            after = page[-1][0]

    def _page(self, after: int) -> list[_Line]:
        with self._guarded():
            return self._database.execute(
                """SELECT position, place, id, code, message, part, row FROM run.placed LEFT JOIN done USING (key)
                WHERE position > ? ORDER BY position LIMIT ?""",
                (after, _PAGE),
            ).fetchall()

    def _outcomes(self, page: Sequence[_Line]) -> Iterator[Outcome]:
        wanted: defaultdict[int, list[int]] = defaultdict(list)
        for *_, part, row in page:
            if part is not None and row is not None:
                wanted[part].append(row)
        results = {(part, row): result for part, rows in wanted.items() for row, result in read_part(self._part(part), rows).items()}
        for position, place, id, code, message, part, row in page:
            if part is not None and row is not None:
                result = results[part, row]
                yield Outcome(position, place, result.id, result.report, result.code, result.message)
            elif code is not None:
                yield Outcome(position, place, id, None, code, message)
            else:
                raise OutputError(f"{self._folder}: {place} has no result yet; expected every row to be finished. Run the same command again to go on")

    def _place(self, row: Row | BadRow, key: bytes | None, *error: str | None) -> None:
        values = (row.position, storable(row.place), key, *(text if text is None else storable(text) for text in error))
        with self._guarded():
            fresh = self._database.execute("INSERT OR IGNORE INTO run.placed VALUES (?, ?, ?, ?, ?, ?)", values).rowcount
        if not fresh:
            raise ValueError(f"place: position {row.position} ({row.place}) was placed before; expected every row once")
        self._rows += 1

    def _failed(self, key: bytes) -> bool | None:
        """Whether the result with this key is an error; None when there is none."""
        with self._guarded():
            found = self._database.execute("SELECT failed FROM done WHERE key = ?", (key,)).fetchone()
        return None if found is None else bool(found[0])

    # --- Opening ----------------------------------------------------------------------------------------------------

    def _lock(self) -> None:
        """Have the files alone until `close`, or until the process ends in whatever way."""
        self._database.execute("PRAGMA locking_mode = EXCLUSIVE")
        try:
            self._database.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            raise OutputBusyError(
                f"{self._folder}: another process is working on this output; expected it to be free. Wait until that one ends, or choose another output"
            ) from error
        self._database.execute("COMMIT")

    def _prepare(self) -> None:
        """Make the tables, or make sure that they are ours."""
        found = self._database.execute("PRAGMA user_version").fetchone()[0]
        if found == 0 and not self._database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            self._database.executescript(_RESULTS)
        elif found != FORMAT:
            raise OutputError(
                f"{self._folder}: found a ledger of format {found}; expected {FORMAT}. Another version of OnRecord made it: go on with that one, or delete "
                "this folder to score everything again"
            )

    def _tidy_parts(self) -> int:
        """Forget results whose part is lost or cut short, remove files that no result is in; the number of the next part."""
        known = dict(self._database.execute("SELECT number, bytes FROM parts"))
        sizes = {number: path.stat().st_size for number in known if (path := self._part(number)).exists()}
        lost = [(number,) for number, size in known.items() if sizes.get(number) != size]
        self._database.execute("BEGIN")
        self._database.executemany("DELETE FROM done WHERE part = ?", lost)
        self._database.executemany("DELETE FROM parts WHERE number = ?", lost)
        self._database.execute("COMMIT")
        kept = {self._part(number).name for number in known if (number,) not in lost}
        for path in list(self._folder.iterdir()):
            if _PART.fullmatch(path.name) and path.name not in kept:
                path.unlink()
        following = max(known, default=0) + 1
        temporary_for(self._part(following)).unlink(missing_ok=True)
        return following

    def _start_run(self) -> None:
        self._run_path.unlink(missing_ok=True)
        self._database.execute("ATTACH ? AS run", (str(self._run_path),))
        self._database.executescript(_RUN)

    @property
    def _run_path(self) -> Path:
        return self._folder / "run.sqlite"

    def _part(self, number: int) -> Path:
        return self._folder / f"part-{number:06d}.parquet"

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.ProgrammingError:  # our own mistake, such as a second thread: no advice to a user helps
            raise
        except sqlite3.DatabaseError as error:
            raise OutputError(
                f"{self._folder}: the ledger cannot be written or read ({error}). Make sure that its disk has space and that you may write to it, "
                "then run the same command again; what was scored before is kept"
            ) from error


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")

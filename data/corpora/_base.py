"""What every corpus reader shares."""

import csv
import gzip
import hashlib
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import datasets

from data.checksums import entries
from data.schema import CorpusError

Use = Literal["ship", "evaluate"]
DATA: Path = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Corpus:
    """One corpus: what it may be used for, and how to read it from the folder of fetched files.

    A corpus with use "evaluate" is never trained on and never used to choose a threshold or a model.
    """

    name: str
    use: Use
    read: Callable[[Path], datasets.DatasetDict]

    @property
    def files(self) -> tuple[str, ...]:
        """Return the names of the fetched files that it needs, as in `data/checksums.json`."""
        return tuple(entry.name for entry in entries() if entry.corpus == self.name)


def sha256(text: str) -> str:
    """Return the hexadecimal SHA-256 of a text in UTF-8."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def open_text(path: Path) -> str:
    """Return the whole text of a file, unpacked when its name ends in .gz, with line ends as they are."""
    try:
        content = path.read_bytes()
        return (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8")
    except FileNotFoundError:
        raise CorpusError(f"{path}: not found. Run: python -m data.fetch") from None
    except (gzip.BadGzipFile, EOFError, UnicodeDecodeError) as error:
        raise CorpusError(f"{path}: cannot be read ({error}). Delete it and run: python -m data.fetch") from error


def read_jsonl(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (place, row) for each line, the place naming file and line."""
    # Not str.splitlines: it also splits at characters such as U+2028, which JSON text may hold.
    for number, line in enumerate(open_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise CorpusError(f"{where}: not a JSON object ({error})") from error
        if not isinstance(row, dict):
            raise CorpusError(f"{where}: found {type(row).__name__}; expected a JSON object")
        yield where, row


def read_csv(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield (place, row) for each record, the place naming file and last line; all `columns` must be there."""
    reader = csv.DictReader(io.StringIO(open_text(path), newline=""))
    missing = [name for name in columns if name not in (reader.fieldnames or ())]
    if missing:
        raise CorpusError(f"{path}, line 1: found the columns {reader.fieldnames}; expected {', '.join(columns)}")
    for row in reader:
        where = f"{path}, line {reader.line_num}"
        if any(row[name] is None for name in columns):
            raise CorpusError(f"{where}: the record has too few fields; expected {', '.join(columns)}")
        yield where, row


def field(row: dict[str, Any], name: str, where: str) -> Any:  # noqa: ANN401 (a JSON value)
    """Return a field of a row, or raise CorpusError naming the place."""
    if name not in row:
        raise CorpusError(f"{where}: the field {name!r} is missing; found {', '.join(sorted(row))}")
    return row[name]

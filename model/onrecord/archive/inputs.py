"""Which files an archive consists of, and of what kind each is."""

import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from onrecord.errors import InputError

Kind = Literal["jsonl", "csv", "tsv", "parquet", "text", "html"]

_KINDS: Final[dict[str, Kind]] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
    ".txt": "text",
    ".html": "html",
    ".htm": "html",
}
_PACKINGS: Final = (".gz", ".zst")
_PACKABLE: Final = ("jsonl", "csv", "tsv", "text")
_EXPECTED: Final = "expected .jsonl, .ndjson, .json, .csv, .tsv or .txt (also with .gz or .zst), .parquet, .html or .htm"


@dataclass(frozen=True, slots=True)
class Input:
    """One file of an archive, or standard input.

    Attributes:
        path: the file; None for standard input.
        kind: what its rows are; standard input is always "jsonl".
        size: bytes on disk, still compressed; None for standard input.
    """

    path: Path | None
    kind: Kind
    size: int | None

    @property
    def name(self) -> str:
        """How places, and ids made from them, begin: the path, relative to the working directory if it lies below it; printable, one line."""
        if self.path is None:
            return "stdin"
        try:
            shown = self.path.absolute().relative_to(Path.cwd())
        except ValueError:
            shown = self.path
        return printable(shown.as_posix())

    @property
    def packing(self) -> str:
        """How the file is compressed: ".gz", ".zst" or "" for not."""
        suffix = "" if self.path is None else self.path.suffix.lower()
        return suffix if suffix in _PACKINGS else ""


def printable(text: str) -> str:
    """`text` with everything escaped that would break a line or could not be written as UTF-8 (file names may hold any byte)."""
    return text if text.isprintable() else "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def find_inputs(patterns: Sequence[str]) -> list[Input]:
    """The files that `patterns` mean, in the order of the patterns, sorted within each.

    Args:
        patterns: files, folders (every text and HTML file below them), glob patterns (`**` for any depth), or `-` for standard input.

    Raises:
        InputError: a pattern matches nothing, a file is of no known kind, cannot be looked at, or is named twice.
    """
    found: dict[str, tuple[Input, str]] = {}
    for pattern in patterns:
        for source in _matches(pattern):
            key = "-" if source.path is None else os.path.realpath(source.path)
            if key in found:
                first = found[key][1]
                again = f"{first!r} and {pattern!r}" if first != pattern else f"{pattern!r}"
                raise InputError(f"{source.name}: found twice in the input, by {again}; expected each file once. Name it once, or its rows would be doubled.")
            found[key] = source, pattern
    return [source for source, _ in found.values()]


def _matches(pattern: str) -> Iterator[Input]:
    if pattern == "-":
        yield Input(None, "jsonl", None)
        return
    # A file whose name happens to hold [ or * is meant as it stands.
    paths = [pattern] if os.path.lexists(pattern) else sorted(glob.glob(pattern, recursive=True))
    if not paths:
        advice = "Check the pattern" if glob.has_magic(pattern) else "Check the path"
        raise InputError(f"{pattern!r}: no such file or folder; expected a file, a folder, a glob pattern or - for standard input. {advice}.")
    for path in map(Path, paths):
        if path.is_dir():
            yield from _below(path)
        else:
            yield _input(path)


def _below(folder: Path) -> Iterator[Input]:
    def refuse(error: OSError) -> None:
        raise InputError(f"{error.filename}: this folder cannot be read ({error.strerror}); make it readable, or leave it out.") from error

    paths = [Path(root) / name for root, _, names in os.walk(folder, onerror=refuse) for name in names]
    articles = sorted((path for path in paths if _kind(path) in {"text", "html"}), key=Path.as_posix)
    if not articles:
        raise InputError(f"{folder}: found no .txt, .html or .htm file in this folder. To read others, give a pattern such as '{folder.as_posix()}/*.parquet'.")
    for path in articles:
        yield _input(path)


def _input(path: Path) -> Input:
    kind = _kind(path)
    if kind is None:
        raise InputError(f"{path}: found a file of an unknown kind; {_EXPECTED}. Convert or rename it, or leave it out.")
    try:
        return Input(path, kind, path.stat().st_size)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); expected a readable file. Mend it, or leave it out.") from error


def _kind(path: Path) -> Kind | None:
    if path.suffix.lower() not in _PACKINGS:
        return _KINDS.get(path.suffix.lower())
    kind = _KINDS.get(Path(path.stem).suffix.lower())
    return kind if kind in _PACKABLE else None

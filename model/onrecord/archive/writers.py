"""The output of `onrecord batch`: reports as JSON Lines, CSV or Parquet, and the rows that got none beside it."""

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, TypeAlias

from onrecord.archive.atomic import replacing, told
from onrecord.archive.ledger import Outcome
from onrecord.archive.parts import FEATURE
from onrecord.archive.streams import pyarrow
from onrecord.errors import InputError, OutputError
from onrecord.report import SCORES

KINDS: Final = (".jsonl", ".jsonl.gz", ".csv", ".parquet")
# Parts of a report that grow with the text.
_DETAIL: Final = ("sentences", "drivers", "sources", "advice", "biases")
_MODEL: Final = {"model": "name", "model_version": "version", "weights_sha256": "weights_sha256", "calibration": "calibration", "policy": "policy"}
_COLUMNS: Final = ("id", *(f"{score}{part}" for score in SCORES for part in ("", "_band", "_low", "_high")), "words", "sentences", "warnings", *_MODEL)
_NUMBERS: Final = frozenset(f"{score}{part}" for score in SCORES for part in ("", "_low", "_high"))
_COUNTS: Final = ("words", "sentences")
_SENTENCE_TEXTS: Final = ("attribution", "speculation")
# Rows of a Parquet file that are in memory, and later read, together.
_ROW_GROUP: Final = 2_000

_Write: TypeAlias = Callable[[str | None, dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Counts:
    """What was written: reports into the output, the other rows into the errors file."""

    scored: int
    errors: int


def errors_path(out: Path) -> Path:
    """Where the errors of the output file `out` go."""
    return out.with_name(f"{out.name}.errors.jsonl")


def check_output(out: Path, *, sentences: bool) -> None:
    """Refuse an output that could not be written in the end, before hours are spent on it.

    Raises:
        InputError: the extension says no known format, or the format cannot hold sentences.
        OutputError: it is a folder, or its folder is missing.
    """
    kind = _kind(out)
    if sentences and kind == ".csv":
        raise InputError(f"{out}: CSV is flat and cannot hold sentences; expected .jsonl or .parquet. Change the extension or leave the sentences out")
    with told(out):
        is_folder, has_parent = out.is_dir(), out.parent.is_dir()
    if is_folder:
        raise OutputError(f"{out}: found a folder; expected the name of a file to write. Give the file another name")
    if not has_parent:
        raise OutputError(f"{out}: there is no folder {out.parent}; expected one to write into. Make it first")


def write_outputs(rows: Iterator[Outcome], out: Path, *, sentences: bool) -> Counts:
    """Write every row to `out`, or to `errors_path(out)`; each replaces the file of before only when it is whole.

    The extension of `out` decides on the format. Without errors there is no errors file.

    Args:
        rows: `Ledger.rows`.
        out: the output file.
        sentences: whether to write what each report says on single sentences.

    Raises:
        InputError: see `check_output`.
        OutputError: see `check_output`; or the disk is full, the folder read-only, or the ledger damaged. The files are then as before.
    """
    check_output(out, sentences=sentences)
    errors = errors_path(out)
    scored = failed = 0
    with told(out), replacing(out) as unfinished, replacing(errors) as unfinished_errors:
        with unfinished_errors.open("w", encoding="utf-8") as error_file, _opened(_kind(out), unfinished, sentences=sentences) as write:
            for row in rows:
                if row.report is not None:
                    write(row.id, json.loads(row.report))
                    scored += 1
                else:
                    _write_line(error_file, {"id": row.id, "position": row.position, "place": row.place, "code": row.code, "message": row.message})
                    failed += 1
    if not failed:
        with told(errors):
            errors.unlink()
    return Counts(scored, failed)


def _kind(out: Path) -> str:
    for kind in KINDS:
        if out.name.lower().endswith(kind):
            return kind
    raise InputError(f"{out}: found the extension {out.suffix!r}; expected one of {', '.join(KINDS)}. Change the name of the output")


def _opened(kind: str, path: Path, *, sentences: bool) -> AbstractContextManager[_Write]:
    if kind == ".parquet":
        return _parquet(path, sentences=sentences)
    if kind == ".csv":
        return _csv(path)
    return _json_lines(path, is_gzip=kind.endswith(".gz"), sentences=sentences)


@contextmanager
def _json_lines(path: Path, *, is_gzip: bool, sentences: bool) -> Iterator[_Write]:
    with path.open("wb") as raw:
        # No name and no time in the header: equal results make equal files.
        packed = gzip.GzipFile("", "wb", fileobj=raw, mtime=0) if is_gzip else raw
        with io.TextIOWrapper(packed, encoding="utf-8") as file:

            def write(id: str | None, report: dict[str, Any]) -> None:
                shown = report if sentences else {name: value for name, value in report.items() if name not in _DETAIL}
                _write_line(file, {"id": id, "report": shown})

            yield write


@contextmanager
def _csv(path: Path) -> Iterator[_Write]:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, _COLUMNS)
        table.writeheader()
        yield lambda id, report: table.writerow(_flat(id, report))


@contextmanager
def _parquet(path: Path, *, sentences: bool) -> Iterator[_Write]:
    pa, pq = pyarrow(FEATURE), pyarrow(FEATURE, "parquet")
    schema = _schema(pa, sentences=sentences)
    waiting: list[dict[str, Any]] = []
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:

        def flush() -> None:
            writer.write_table(pa.Table.from_pylist(waiting, schema=schema))
            waiting.clear()

        def write(id: str | None, report: dict[str, Any]) -> None:
            waiting.append(_flat(id, report) | ({"sentence_detail": _sentence_detail(report)} if sentences else {}))
            if len(waiting) == _ROW_GROUP:
                flush()

        yield write
        if waiting:
            flush()


def _schema(pa: Any, *, sentences: bool) -> Any:  # noqa: ANN401 - pyarrow has no types
    columns = [(name, pa.float64() if name in _NUMBERS else pa.int64() if name in _COUNTS else pa.string()) for name in _COLUMNS]
    if sentences:
        texts = [(name, pa.string()) for name in _SENTENCE_TEXTS]
        detail = pa.struct([("start", pa.int64()), ("end", pa.int64()), *texts, ("caution", pa.float64()), ("contribution", pa.float64())])
        columns.append(("sentence_detail", pa.list_(detail)))
    return pa.schema(columns)


def _flat(id: str | None, report: dict[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {"id": id}
    for name in SCORES:
        score = report[name]
        low, high = score["interval"] or (None, None)
        row |= {name: score["value"], f"{name}_band": score["band"], f"{name}_low": low, f"{name}_high": high}
    row |= {"words": report["words"], "sentences": len(report["sentences"]), "warnings": " ".join(warning["code"] for warning in report["warnings"])}
    return row | {column: report["model"][field] for column, field in _MODEL.items()}


def _sentence_detail(report: dict[str, Any]) -> list[dict[str, Any]]:
    """The sentences of a report, each with its contribution to the risk."""
    names = ("start", "end", *_SENTENCE_TEXTS, "caution")
    return [{name: sentence[name] for name in names} | {"contribution": sentence["contributions"]["risk"]} for sentence in report["sentences"]]


def _write_line(file: IO[str], value: dict[str, Any]) -> None:
    file.write(json.dumps(value, allow_nan=False) + "\n")

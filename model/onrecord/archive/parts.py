"""Finished results in Parquet files, each written once and as a whole."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from onrecord.archive.atomic import replacing, told
from onrecord.archive.streams import pyarrow
from onrecord.errors import OutputError

FEATURE: Final = "Scoring archives"  # what needs pyarrow
# Rows that are unpacked together: few, so that a result can be fetched from anywhere in a part.
_GROUP: Final = 32


@dataclass(frozen=True, slots=True)
class Result:
    """What scoring made of one article: a report, or else an error.

    Attributes:
        key: `Ledger.key` of the article, 16 bytes.
        id: the row's id.
        report: the report as JSON text; None for an error.
        code: stable, machine-readable name of the error; None for a report.
        message: one line: what was found, what was expected; None for a report.
    """

    key: bytes
    id: str
    report: str | None = None
    code: str | None = None
    message: str | None = None

    def __post_init__(self) -> None:
        if (self.report is None) == (self.code is None):
            raise ValueError(f"Result {self.id!r}: found report {self.report!r} and code {self.code!r}; expected exactly one of them")


def storable(text: str) -> str:
    r"""`text` as UTF-8 can hold it: broken characters (lone surrogates) are spelled out, as in `\ud800`."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def to_table(results: Sequence[Result]) -> Any:  # noqa: ANN401 - pyarrow has no types
    """The results as an Arrow table, one column for each field; typed, whether or not any of them is an error.

    Raises:
        MissingExtraError: pyarrow is not installed.
    """
    pa = pyarrow(FEATURE)
    columns = [[result.key for result in results], *([_stored(getattr(result, field.name)) for result in results] for field in fields(Result)[1:])]
    return pa.table(columns, schema=pa.schema([("key", pa.binary(16)), *((field.name, pa.string()) for field in fields(Result)[1:])]))


def write_part(path: Path, results: Sequence[Result]) -> None:
    """Write the results to `path`, in order; the file is on the disk when this returns.

    Raises:
        OutputError: the file cannot be written; none was left there.
        MissingExtraError: pyarrow is not installed.
    """
    pq = pyarrow(FEATURE, "parquet")
    table = to_table(results)
    with told(path), replacing(path) as temporary:
        pq.write_table(
            table,
            temporary,
            row_group_size=_GROUP,
            compression="zstd",
            use_dictionary=False,
            write_statistics=False,
            write_page_checksum=True,
        )


def read_part(path: Path, rows: Collection[int]) -> dict[int, Result]:
    """The results that stand at these places (from 0) of a part.

    Raises:
        OutputError: the part is missing or damaged.
        MissingExtraError: pyarrow is not installed.
    """
    pa, pq = pyarrow(FEATURE), pyarrow(FEATURE, "parquet")
    wanted = set(rows)
    found = {}
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            for group in sorted({row // _GROUP for row in wanted}):
                values = file.read_row_group(group, use_threads=False).to_pylist()
                found.update({row: Result(**value) for row, value in enumerate(values, group * _GROUP) if row in wanted})
    except (OSError, pa.ArrowException) as error:
        summary = str(error).splitlines()[0]
        raise OutputError(
            f"{path}: cannot be read ({summary}); expected the results that were written there. Delete this file and run the same command again: "
            "only its articles are scored anew"
        ) from error
    return found


def _stored(text: str | None) -> str | None:
    return None if text is None else storable(text)

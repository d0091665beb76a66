"""Rows of Parquet files: only the needed columns, a few rows at a time."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

from onrecord.archive import streams
from onrecord.archive.fields import Fields, RowMaker, listed
from onrecord.archive.inputs import Input
from onrecord.archive.rows import BadRow, Row
from onrecord.archive.streams import Flaw, Position, WrongFile, pyarrow, too_large

_FEATURE: Final = "Reading Parquet"
_BATCH_ROWS: Final = 64
_READ_AHEAD: Final = 2**20  # bytes of each column; without a limit a whole row group is held, and some files have but one


def check_parquet(source: Input, fields: Fields) -> None:
    """Look for the needed columns and their types.

    Raises:
        WrongFile: one is missing or of another type.
        OSError: the file is not, or no longer, a Parquet file.
        MissingExtraError: pyarrow is not installed.
    """
    with _opened(source) as file:
        _needed(file, fields)


def read_parquet(source: Input, rows: RowMaker, progress: Position) -> Iterator[Row | BadRow]:
    """Rows of the file; their place is their number, from 1.

    Raises:
        WrongFile, OSError: as in `check_parquet`; an OSError also where the file is damaged further on.
    """
    before = progress.bytes_done
    number = 0
    with _opened(source) as file:
        names = _needed(file, rows.fields)
        for batch in _batches(file, names):
            columns = {name: batch.column(name) for name in names}
            for index in range(batch.num_rows):
                number += 1
                yield rows.row(f"{source.name}:{number}", partial(_values, columns, index))
            progress.bytes_done = before + (source.size or 0) * number // file.metadata.num_rows


def _batches(file: Any, names: list[str]) -> Iterator[Any]:  # noqa: ANN401 - pyarrow has no types
    """A batch never spans two row groups: damage in one would take rows of the one before with it."""
    for group in range(file.num_row_groups):
        yield from file.iter_batches(batch_size=_BATCH_ROWS, row_groups=[group], columns=names, use_threads=False)


@contextmanager
def _opened(source: Input) -> Iterator[Any]:
    arrow, parquet = pyarrow(_FEATURE), pyarrow(_FEATURE, "parquet")
    try:
        with parquet.ParquetFile(source.path, pre_buffer=False, buffer_size=_READ_AHEAD) as file:
            yield file
    except arrow.ArrowException as error:
        raise OSError(str(error)) from error


def _needed(file: Any, fields: Fields) -> list[str]:  # noqa: ANN401 - pyarrow has no types
    """Names of the columns to read."""
    schema, types = file.schema_arrow, pyarrow(_FEATURE).types
    _check_column(schema, fields.text, "--text-field", "strings", (types.is_string, types.is_large_string, types.is_string_view))
    if fields.id is None and fields.id_name not in schema.names:
        return [fields.text]
    allowed = (types.is_string, types.is_large_string, types.is_string_view, types.is_integer)
    _check_column(schema, fields.id_name, "--id-field", "strings or integers", allowed)
    return list(dict.fromkeys([fields.text, fields.id_name]))


def _check_column(schema: Any, name: str, option: str, expected: str, allowed: tuple[Any, ...]) -> None:  # noqa: ANN401 - pyarrow has no types
    types = pyarrow(_FEATURE).types
    if schema.names.count(name) != 1:
        found = "twice the column" if name in schema.names else "no column"
        raise WrongFile("missing_field", f"found {found} {name!r}; the columns are {listed(schema.names)}. Name the right one with {option}")
    found = schema.field(name).type
    kind = found.value_type if types.is_dictionary(found) else found
    if not any(is_allowed(kind) for is_allowed in (*allowed, types.is_null)):
        advice = f"Cast it, or name another with {option}"
        raise WrongFile("wrong_type", f"the column {name!r} holds values of type {found}; expected {expected}. {advice}")


def _values(columns: Mapping[str, Any], index: int) -> Mapping[str, object]:
    return {name: _value(column, name, index) for name, column in columns.items()}


def _value(column: Any, name: str, index: int) -> object:  # noqa: ANN401 - pyarrow has no types
    try:
        value = column[index].as_py()
    except UnicodeDecodeError as error:
        raise Flaw("undecodable", f"the column {name!r} holds bytes that are not valid UTF-8; expected UTF-8 text") from error
    if isinstance(value, str) and len(value) > streams.LONGEST:
        raise too_large("value")
    return value

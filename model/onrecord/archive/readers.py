"""Rows of an archive, whatever its files are: articles, and bad rows with what is wrong with them.

Reading takes constant memory, never stops at a bad row, and counts every row, so that each has one position.
"""

import importlib.util
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import count

from onrecord.archive.columnar import check_parquet, read_parquet
from onrecord.archive.delimited import check_delimited, read_delimited
from onrecord.archive.fields import Fields, RowMaker, type_name
from onrecord.archive.inputs import Input, find_inputs
from onrecord.archive.rows import BadRow, Row
from onrecord.archive.streams import BROKEN, Flaw, Position, WrongFile, check_head, open_stream, pyarrow, read_line, read_whole, to_text, too_large
from onrecord.errors import InputError, MissingExtraError

__all__ = ["Input", "Position", "find_inputs", "read_rows"]


def read_rows(inputs: Sequence[Input], *, text_field: str = "text", id_field: str | None = None, progress: Position | None = None) -> Iterator[Row | BadRow]:
    """All rows of `inputs`, in order, numbered from 0; all files are checked before the first row is read.

    A text or HTML file is one row. Blank lines are no rows. A file that cannot be read, or not to its end, gives one bad row for what is
    missing, and the next file follows.

    Args:
        inputs: what `find_inputs` found.
        text_field: field or column that holds the article.
        id_field: field or column that holds the id, a string or an integer. None: "id" in rows that have one, else the row's place.
        progress: kept up to date with the bytes read.

    Raises:
        InputError: no row of a file can be read: a column is missing or of the wrong type, or a .json file does not hold lines.
        MissingExtraError: a file needs a package that is not installed.
    """
    fields = Fields(text_field, id_field)
    for source in inputs:
        _check(source, fields)
    sizes = [source.size for source in inputs if source.size is not None]
    progress = Position() if progress is None else progress
    progress.bytes_total = sum(sizes) if len(sizes) == len(inputs) else None
    return _read_all(inputs, RowMaker(fields), progress)


def _check(source: Input, fields: Fields) -> None:
    """Raise what makes all of the file's rows unreadable and can be mended; damage is told when the file's turn comes."""
    if source.packing == ".zst":
        pyarrow("Reading zstd")
    try:
        if source.kind == "parquet":
            check_parquet(source, fields)
        elif source.kind in {"csv", "tsv"}:
            check_delimited(source, fields)
        elif source.kind == "html" and importlib.util.find_spec("trafilatura") is None:
            raise MissingExtraError("Reading HTML", "trafilatura", "html")
        elif source.path is not None and ".json" in source.path.suffixes:
            _check_json(source)
    except WrongFile as flaw:
        raise InputError(f"{source.name}: {flaw.message}") from flaw
    except (Flaw, *BROKEN):
        pass


def _check_json(source: Input) -> None:
    """Files of this name often hold one array or one indented object, of which each line would be a bad row."""
    with open_stream(source, Position()) as stream:
        line = stream.readline(2**12).strip()
    for found, command, is_found in (("an array", ".[]", line.startswith(b"[")), ("an object on several lines", ".", line == b"{")):
        if is_found:
            raise WrongFile("bad_json", f"found {found}; expected one object on each line. Convert it: jq -c {command!r} {source.name} > articles.jsonl")


def _read_all(inputs: Sequence[Input], rows: RowMaker, progress: Position) -> Iterator[Row | BadRow]:
    for source in inputs:
        before = progress.bytes_done
        rows.last_place = ""
        try:
            yield from _read(source, rows, progress)
        except Flaw as flaw:
            yield rows.flawed(source.name, flaw)
        except BROKEN as error:
            yield rows.flawed(source.name, _unreadable(error, rows.last_place))
        if source.size is not None:
            progress.bytes_done = before + source.size


def _unreadable(error: Exception, last_place: str) -> Flaw:
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    found = f"cannot be read any further after {last_place}" if last_place else "cannot be read"
    return Flaw("unreadable", f"{found} ({reason}); expected a whole, readable file. Mend it and run again")


def _read(source: Input, rows: RowMaker, progress: Position) -> Iterator[Row | BadRow]:
    if source.kind == "parquet":
        yield from read_parquet(source, rows, progress)
        return
    with open_stream(source, progress) as stream:
        if source.kind in {"text", "html"}:
            yield rows.article(source.name, partial(_article, stream, source))
            return
        check_head(stream, source)
        yield from (_read_objects if source.kind == "jsonl" else read_delimited)(stream, source, rows)


def _article(stream: io.BufferedReader, source: Input) -> str:
    text = to_text(read_whole(stream), source.name)
    if source.kind == "text":
        return text
    from onrecord.html import extract  # noqa: PLC0415 - an optional dependency

    try:
        return extract(text, source.name)
    except InputError as error:
        raise Flaw("no_article", str(error).removeprefix(f"{source.name}: ")) from error


def _read_objects(stream: io.BufferedReader, source: Input, rows: RowMaker) -> Iterator[Row | BadRow]:
    for number in count(1):
        line = read_line(stream)
        place = f"{source.name}:{number}"
        if line is None:
            yield rows.flawed(place, too_large("line"))
        elif not line:
            return
        elif not line.isspace():
            yield rows.row(place, partial(_object, line, source.name))


def _object(line: bytes, name: str) -> Mapping[str, object]:
    text = to_text(line, name)
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise Flaw("bad_json", f"not valid JSON ({error.msg}, at character {error.pos + 1}); expected one object on each line") from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits; brackets in brackets
        raise Flaw("bad_json", f"JSON that cannot be read ({error}); expected an object with strings in it") from error
    if not isinstance(value, dict):
        raise Flaw("not_object", f"found {type_name(value)}; expected an object, with the article in a field")
    return value

"""Rows of CSV and TSV files: the first record names the columns."""

import csv
import io
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Final

from onrecord.archive import streams
from onrecord.archive.fields import Fields, RowMaker, listed
from onrecord.archive.inputs import Input
from onrecord.archive.rows import BadRow, Row
from onrecord.archive.streams import Flaw, Position, WrongFile, check_head, open_stream, read_line, to_text, too_large

_DELIMITERS: Final = {"csv": ",", "tsv": "\t"}
_UNCLOSED: Final = "a quoted field begins here and does not end; expected a closing quote, and quotes inside doubled. Only this line was left out"


def check_delimited(source: Input, fields: Fields) -> None:
    """Look for the needed columns.

    Raises:
        WrongFile: one is missing or there twice.
        Flaw: the header cannot be read.
    """
    with open_stream(source, Position()) as stream:
        check_head(stream, source)
        _header(_Records(stream, source), fields)


def read_delimited(stream: io.BufferedReader, source: Input, rows: RowMaker) -> Iterator[Row | BadRow]:
    """Rows of `stream`; their place is the line on which they begin.

    Quoting is strict, as a stray quote would otherwise change or swallow text in silence. A record that breaks ends on the line where it
    broke; a quote that is never closed costs its own line only. Blank lines are no rows.

    Raises:
        Flaw: the header cannot be read or lacks a column, so no row can be.
    """
    records = _Records(stream, source)
    header = _header(records, rows.fields)
    while True:
        record: list[str] | Flaw | None
        try:
            record = records.read()
        except Flaw as flaw:
            record = flaw
        if record is None:
            return
        place = f"{source.name}:{records.first}"
        yield rows.flawed(place, record) if isinstance(record, Flaw) else rows.row(place, partial(_values, record, header, records.span()))


def _values(record: list[str], header: list[str], span: str) -> Mapping[str, object]:
    if len(record) != len(header):
        raise Flaw("bad_csv", f"found {len(record)} fields{span}; expected {len(header)}, as in the header")
    return dict(zip(header, record, strict=True))


def _header(records: "_Records", fields: Fields) -> list[str]:
    header = records.read()
    if header is None:
        return []
    needed = {"--text-field": fields.text} if fields.id is None else {"--text-field": fields.text, "--id-field": fields.id}
    for option, name in needed.items():
        if header.count(name) != 1:
            found = "twice the column" if name in header else "no column"
            raise WrongFile("missing_field", f"found {found} {name!r}; the columns are {listed(header)}. Name the right one with {option}")
    return header


class _Records:
    """Records of a CSV file, one at a time."""

    def __init__(self, stream: io.BufferedReader, source: Input) -> None:
        csv.field_size_limit(max(csv.field_size_limit(), streams.LONGEST))  # one limit for the whole process; its default is 128 KiB
        self._lines = _Lines(stream, source.name)
        self._reader = csv.reader(self._lines, delimiter=_DELIMITERS[source.kind], strict=True)

    @property
    def first(self) -> int:
        """The line, from 1, on which the last record began."""
        return self._lines.first

    def span(self) -> str:
        """The lines of the last record, if it has several."""
        return f" on lines {self._lines.first} to {self._lines.last}" if self._lines.last > self._lines.first else ""

    def read(self) -> list[str] | None:
        """The fields of the next record; None at the end of the file.

        Raises:
            Flaw: bad_csv, too_large, undecodable or binary.
        """
        record: list[str] = []
        while not record:  # a blank line
            self._lines.begin()
            try:
                record = next(self._reader)
            except StopIteration:
                return None
            except (csv.Error, _TooLong) as error:
                raise self._broken(error) from error
            if self._lines.flaw is not None:
                raise self._lines.flaw
        return record

    def _broken(self, error: Exception) -> Flaw:
        if self._lines.ended or isinstance(error, _TooLong):
            self._lines.go_back()
            return Flaw("bad_csv", _UNCLOSED)
        return Flaw("bad_csv", f"not valid CSV{self.span()} ({error}); expected fields with quotes to stand in quotes, and quotes inside doubled")


class _TooLong(Exception):
    """A record has come to more lines than fit into `LONGEST` bytes: a quote was never closed."""


class _Lines:
    """The lines of a CSV file as its parser asks for them, with a way back to the second line of a record.

    Attributes:
        first: line on which the record begins, from 1.
        last: the line given last.
        ended: whether the record asked for more lines than there are.
        flaw: what the first undecodable line of the record lacks. The parser gets it all the same, as it must see quotes and line end.
    """

    def __init__(self, stream: io.BufferedReader, name: str) -> None:
        self._stream = stream
        self._name = name
        self._again = io.BytesIO()
        self._record = bytearray()
        self.last = 0
        self.begin()

    def begin(self) -> None:
        """A new record begins on the next line."""
        self._record.clear()
        self.first = self.last + 1
        self.ended = False
        self.flaw: Flaw | None = None

    def go_back(self) -> None:
        """Give all lines of the record but the first once more."""
        rest = self._record.partition(b"\n")[2]
        self._again = io.BytesIO(rest + self._again.read())
        self.last = self.first

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._again.readline() or read_line(self._stream)
        if line == b"":
            self.ended = True
            raise StopIteration
        self.last += 1
        if line is None:
            raise too_large("line")
        self._record += line
        if len(self._record) > streams.LONGEST:
            raise _TooLong
        return self._text(line)

    def _text(self, line: bytes) -> str:
        try:
            text = line.decode().removeprefix("\ufeff" if self.last == 1 else "")
            if "\0" not in text:
                return text
        except UnicodeDecodeError:
            pass
        try:
            return to_text(line, self._name)  # gives the reason, or reads a line of UTF-16
        except Flaw as flaw:
            self.flaw = self.flaw or flaw
            return line.decode(errors="replace").replace("\0", " ")

"""Bytes of an archive: decompressed as they are read, counted for the time left, in lines of bounded length."""

import gzip
import importlib
import io
import sys
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

from onrecord.archive.inputs import Input
from onrecord.errors import InputError, MissingExtraError
from onrecord.text import MAX_CHARACTERS, decode

LONGEST: Final = 64 * 2**20  # bytes of one record; no article comes near, and a file without line breaks must not eat the memory
BROKEN: Final = (OSError, EOFError, zlib.error)  # what a stream raises where it cannot be read any further
_CHUNK: Final = 2**20
_PACKED: Final = ((b"\x1f\x8b\x08", "a gzip file", ".gz"), (b"\x28\xb5\x2f\xfd", "a zstd file", ".zst"))


@dataclass(slots=True)
class Position:
    """How far reading has come; the reader keeps it up to date.

    Attributes:
        bytes_done: bytes read so far, as they lie on disk (compressed).
        bytes_total: bytes of the whole input; None while or where that is unknown (standard input).
    """

    bytes_done: int = 0
    bytes_total: int | None = None


class Flaw(Exception):
    """Why a row holds no article; it becomes a `BadRow`.

    Attributes:
        code: stable, machine-readable name.
        message: what was found and what was expected, without the place.
        id: the row's own id, where it could be read.
    """

    def __init__(self, code: str, message: str, own_id: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.id = own_id


class WrongFile(Flaw):
    """Why no row of a file holds an article."""


class _Counted(io.RawIOBase):
    """Reads through, and counts."""

    def __init__(self, source: BinaryIO, progress: Position) -> None:
        self._source = source
        self._progress = progress

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - whatever has the buffer protocol
        count: int = self._source.readinto1(buffer)  # type: ignore[attr-defined]
        self._progress.bytes_done += count
        return count


@contextmanager
def open_stream(source: Input, progress: Position) -> Iterator[io.BufferedReader]:
    """The decompressed bytes of `source`; `progress` grows as they are read.

    Raises:
        OSError: the file cannot be opened.
        MissingExtraError: zstd without pyarrow.
    """
    with ExitStack() as stack:
        raw = sys.stdin.buffer if source.path is None else stack.enter_context(source.path.open("rb"))
        layer: Any = _Counted(raw, progress)
        if source.packing == ".gz":
            layer = stack.enter_context(gzip.GzipFile(fileobj=layer))
        elif source.packing == ".zst":
            layer = stack.enter_context(pyarrow("Reading zstd").input_stream(layer, compression="zstd"))
        yield io.BufferedReader(layer, 2**17)


def pyarrow(feature: str, module: str = "") -> Any:  # noqa: ANN401 - pyarrow has no types
    """Module pyarrow, or a `module` in it.

    Raises:
        MissingExtraError: it is not installed; `feature` needs it.
    """
    try:
        whole = importlib.import_module("pyarrow")
    except ModuleNotFoundError as error:
        if error.name != "pyarrow":  # installed, but broken: installing the extra again would not help
            raise
        raise MissingExtraError(feature, "pyarrow", "batch") from error
    return importlib.import_module(f"pyarrow.{module}") if module else whole


def read_line(stream: BinaryIO) -> bytes | None:
    """The next line with its end; b"" at the end of the stream; None for a line of more than `LONGEST` bytes, which is skipped."""
    line = stream.readline(LONGEST + 1)
    if len(line) <= LONGEST:
        return line
    while line and not line.endswith(b"\n"):
        line = stream.readline(_CHUNK)
    return None


def read_whole(stream: BinaryIO) -> bytes:
    """All bytes of a file that is one article.

    Raises:
        Flaw: there are more than `LONGEST`.
    """
    data = bytearray()
    while chunk := stream.read(_CHUNK):  # read(LONGEST) would set that much aside for every small file
        data += chunk
        if len(data) > LONGEST:
            raise too_large("file")
    return bytes(data)


def too_large(what: str) -> Flaw:
    """The flaw of a record of more than `LONGEST` bytes."""
    return Flaw("too_large", f"found a {what} of more than {LONGEST // 2**20} MiB; expected one article")


def check_head(stream: io.BufferedReader, source: Input) -> None:
    """Look at the first bytes, so that a file of another format is named once and not once a line.

    Raises:
        Flaw: it is compressed though its name does not say so, or UTF-16.
    """
    head = stream.peek(4)[:4]
    for magic, what, suffix in _PACKED:
        if head.startswith(magic):
            raise Flaw("binary", f"this is {what}; expected text. Give it a name that ends in {suffix}, or unpack it first")
    # A mark alone may be one damaged line; with a first ASCII character it is not.
    if (head[:2] == b"\xff\xfe" and head[2:3] != b"\0" == head[3:4]) or (head[:2] == b"\xfe\xff" and head[2:3] == b"\0" != head[3:4]):
        raise Flaw("undecodable", f"this is UTF-16; expected UTF-8. Convert it: iconv -f UTF-16 -t UTF-8 {source.name} > utf8.{source.kind}")


def to_text(data: bytes, name: str) -> str:
    """`data` decoded, by the rules of `onrecord.text.decode`.

    Args:
        data: a line or file.
        name: the file, for advice on how to convert it.

    Raises:
        Flaw: undecodable, binary or too_large.
    """
    try:
        return decode(data, name)
    except InputError as error:
        if isinstance(error.__cause__, UnicodeDecodeError):
            code = "undecodable"
        else:
            code = "too_large" if len(data) > MAX_CHARACTERS else "binary"
        raise Flaw(code, str(error).removeprefix(f"{name}: ")) from error

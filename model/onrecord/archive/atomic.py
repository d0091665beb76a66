"""Files that are either whole or not there, whenever the program or the machine stops."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from onrecord.errors import OutputError

_FULL: Final = (errno.ENOSPC, errno.EDQUOT)
_FORBIDDEN: Final = (errno.EACCES, errno.EPERM, errno.EROFS)


def temporary_for(path: Path) -> Path:
    """Where `replacing` writes before it renames: one name per file, so that what a killed process left is overwritten by the next."""
    return path.with_name(f".{path.name}.unfinished")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary name beside `path`; when the block ends well, the file written there is on the disk and has replaced `path`.

    When the block fails, `path` is as it was.

    Raises:
        OSError: the file cannot be written.
    """
    temporary = temporary_for(path)
    try:
        yield temporary
        _flush(temporary)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if os.name == "posix":  # elsewhere a folder cannot be opened
        _flush(path.parent)


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn an `OSError` of the block into an `OutputError` that says what happened to `path` and what to do."""
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else error
        raise OutputError(f"{path}: cannot be written or read ({reason}). {_advice(error.errno)}") from error


def _advice(number: int | None) -> str:
    if number in _FULL:
        return "Free some space and run the same command again; what was scored before is kept"
    if number in _FORBIDDEN:
        return "Expected a folder that you may write to: change its permissions or choose another output"
    return "Check the folder and run the same command again; what was scored before is kept"


def _flush(path: Path) -> None:
    """Make the system write to the disk what it holds of `path` in memory."""
    descriptor = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""The typed view of `data/checksums.json`: every third-party file, where it is public, and its sha256."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from onrecord.checkpoint import hash_file

DATA: Final = Path(__file__).resolve().parent
RAW: Final = DATA / "raw"


class FetchError(Exception):
    """A file is missing, or is not the one that was expected."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file: its name below the raw folder and where it comes from.

    `local` is its place in a folder given with --from; "archive.tar.gz::member" is a file inside an archive. `sha256` is of the
    file as it lies in the raw folder, after `unpack` (if any) has turned the obtained file into it.
    """

    corpus: str
    name: str
    sha256: str
    local: str
    url: str | None
    unpack: str = ""


@cache
def entries(table: Path = DATA / "checksums.json") -> tuple[Entry, ...]:
    """Return all files of the list, in its order."""
    corpora = json.loads(table.read_text(encoding="utf-8"))
    return tuple(
        Entry(
            corpus=corpus,
            name=name,
            sha256=file["sha256"],
            local=file["local"],
            url=f"{about['base']}/{file['path']}" if about["base"] else None,
            unpack=file.get("unpack", ""),
        )
        for corpus, about in corpora.items()
        for name, file in about["files"].items()
    )


def verify(path: Path, expected: str, name: str, remedy: str) -> None:
    """Raise FetchError, with both hashes and the remedy, when a file is not the expected one."""
    found = hash_file(path)
    if found != expected:
        raise FetchError(f"{name} is corrupt or has changed:\n  expected sha256 {expected}\n  found sha256    {found}\n  {remedy}")

"""Obtain the third-party corpora: `python -m data.fetch [--from DIR] [--only NAME …] [--base-model]`.

Each file of `data/checksums.json` comes from its public home at a pinned commit, or from a local folder, is checked by sha256, and
is put into `data/raw/` (git-ignored: these texts are not ours). Files that are there and right are kept. Exit code 1 when something
is missing or wrong; everything else is fetched all the same.
"""

import argparse
import http.client
import shutil
import sys
import tarfile
import tempfile
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Final

from data.base_model import fetch_base_model
from data.checksums import RAW, Entry, FetchError, entries, verify
from data.corpora.horne import unpack as unpack_horne
from data.schema import CorpusError

_UNPACK: Final[dict[str, Callable[[Path], bytes]]] = {"horne": unpack_horne}
_TIMEOUT_SECONDS: Final = 60
_SHOWN: Final = 6


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file: kept, fetched, missing (with the reason) or wrong (with both hashes)."""

    entry: Entry
    state: str
    reason: str = ""


class _MissingFileError(Exception):
    pass


def fetch(files: Sequence[Entry], raw: Path, local: Path | None) -> list[Outcome]:
    """Bring every file into `raw`, from the folder `local` or else from its public home, and say what became of each."""
    return [_fetch(entry, raw, local) for entry in files]


def _fetch(entry: Entry, raw: Path, local: Path | None) -> Outcome:
    target = raw / entry.name
    try:
        if target.exists():
            verify(target, entry.sha256, str(target), f"Delete it and run: python -m data.fetch --only {entry.corpus}")
            return Outcome(entry, "kept")
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as temporary:
            _obtain(entry, Path(temporary), target, local)
    except _MissingFileError as error:
        return Outcome(entry, "missing", str(error))
    except (FetchError, CorpusError) as error:
        return Outcome(entry, "wrong", str(error))
    return Outcome(entry, "fetched")


def _obtain(entry: Entry, temporary: Path, target: Path, local: Path | None) -> None:
    """Obtain, unpack and check a file in a temporary folder beside the target, then move it there in one step."""
    origin = entry.local if local is not None else entry.url
    if origin is None:
        raise _MissingFileError("not publicly redistributable: it comes only with --from")
    new = temporary / PurePosixPath(origin).name
    if local is not None:
        _copy(local, entry.local, new)
    else:
        _download(origin, new)
    if entry.unpack:
        content = _UNPACK[entry.unpack](new)
        new = temporary / "unpacked"
        new.write_bytes(content)
    verify(new, entry.sha256, entry.name, f"Nothing was written. It came from {origin if local is None else local / origin}")
    new.replace(target)


def _copy(local: Path, place: str, new: Path) -> None:
    archive, _, member = place.partition("::")
    if not (local / archive).is_file():
        raise _MissingFileError(f"{local / archive} is not there")
    if not member:
        shutil.copyfile(local / archive, new)
        return
    members = _members(local / archive)
    if member not in members:
        raise _MissingFileError(f"{local / archive} has no member {member}")
    new.write_bytes(members[member])


@lru_cache(maxsize=1)
def _members(archive: Path) -> dict[str, bytes]:
    """Return the content of every file in a tar archive, so that it is unpacked once and not once per member."""
    contents = {}
    try:
        with tarfile.open(archive) as file:
            for member in file:
                reader = file.extractfile(member)
                if reader is not None:
                    contents[member.name] = reader.read()
    except (tarfile.TarError, EOFError, OSError) as error:
        raise FetchError(f"{archive} cannot be unpacked ({error})") from error
    return contents


def _download(url: str, new: Path) -> None:
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as answer, new.open("wb") as file:
            shutil.copyfileobj(answer, file)
    except (OSError, http.client.HTTPException) as error:
        raise _MissingFileError(f"cannot be downloaded: {error}") from error


def describe(outcomes: Sequence[Outcome]) -> str:
    """Return one message about all that is missing or wrong: each file, where it is public, and the command to run."""
    bad = [outcome for outcome in outcomes if outcome.state in ("missing", "wrong")]
    if not bad:
        return ""
    corpora = list(dict.fromkeys(outcome.entry.corpus for outcome in bad))
    lines = [line for corpus in corpora for line in _lines([outcome for outcome in bad if outcome.entry.corpus == corpus])]
    names = " ".join(corpora)
    return (
        f"{len(bad)} of {len(outcomes)} files are missing or wrong:\n"
        + "\n".join(lines)
        + f"\nRun: python -m data.fetch --only {names}\nor, with a folder that holds them: python -m data.fetch --from DIR --only {names}"
    )


def _lines(bad: Sequence[Outcome]) -> list[str]:
    """Describe the bad files of one corpus; of very many only the first, which stand for the rest."""
    shown = bad if len(bad) <= _SHOWN else bad[: _SHOWN // 2]
    lines = [f"- {outcome.entry.name}: {outcome.reason}\n  public home: {outcome.entry.url or 'none'}" for outcome in shown]
    return lines if len(shown) == len(bad) else [*lines, f"- and {len(bad) - len(shown)} more files of {bad[0].entry.corpus}, from the same home"]


def _obtainable(files: Sequence[Entry], local: Path | None) -> list[Entry]:
    """Return the files that can be had at all, and say which corpora cannot: without a local folder, those without a public home."""
    wanted = [entry for entry in files if local is not None or entry.url is not None]
    for corpus in dict.fromkeys(entry.corpus for entry in files if entry not in wanted):
        print(f"{corpus}: left out, its texts are not publicly redistributable; they come only with --from DIR")
    return wanted


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    names = sorted({entry.corpus for entry in entries()})
    parser = argparse.ArgumentParser(prog="python -m data.fetch", description="Obtain the third-party corpora and check them by sha256.")
    parser.add_argument(
        "--from", dest="local", type=Path, metavar="DIR", help="take the files from this folder, for example ../shared/corpora, not from the network"
    )
    parser.add_argument("--only", nargs="+", choices=names, metavar="NAME", help=f"only these corpora: {', '.join(names)}")
    parser.add_argument("--base-model", action="store_true", help="obtain the base encoder too (91 MB)")
    parser.add_argument("--raw", type=Path, default=RAW, help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = _arguments(arguments)
    if options.local is not None and not options.local.is_dir():
        print(f"{options.local} is not a folder; give --from the folder that holds the corpora", file=sys.stderr)
        return 1
    wanted = [entry for entry in entries() if entry.corpus in options.only] if options.only else _obtainable(entries(), options.local)
    outcomes = fetch(wanted, options.raw, options.local)
    for corpus in dict.fromkeys(entry.corpus for entry in wanted):
        states = [outcome.state for outcome in outcomes if outcome.entry.corpus == corpus]
        print(f"{corpus}: " + ", ".join(f"{states.count(state)} {state}" for state in ("fetched", "kept", "missing", "wrong") if state in states))
    message = describe(outcomes)
    if options.base_model:
        try:
            print(f"base model: {fetch_base_model()}")
        except FetchError as error:
            message = f"{message}\n{error}".strip()
    if message:
        print(message, file=sys.stderr)
    return 1 if message else 0


if __name__ == "__main__":
    sys.exit(main())

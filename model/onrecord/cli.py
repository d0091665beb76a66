"""The `onrecord` command."""

import argparse
import json
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from onrecord.archive.command import add_batch, run_batch
from onrecord.errors import InputError, MissingExtraError, OnRecordError
from onrecord.terminal import printable, render, wants_colour
from onrecord.version import version

if TYPE_CHECKING:
    from onrecord.inference import Scorer
    from onrecord.report import Report

_LARGEST_INPUT: Final = 64 * 2**20  # bytes; no article comes near, and a mistaken /dev/zero must not eat the memory
_WIDEST: Final = 100
_DONE, _UNSCORED, _INTERRUPTED = 0, 1, 130  # argparse itself exits with 2 on wrong usage


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    args = _parser().parse_args(argv)
    try:
        code = _run(args)
        sys.stdout.flush()
    except OnRecordError as error:
        _complain(str(error))
        code = _UNSCORED
    except BrokenPipeError:
        # The reader (head, a pager) has gone. Python would complain once more when it flushes at exit, so let that go nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = _UNSCORED
    except KeyboardInterrupt:
        code = _INTERRUPTED
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="onrecord", description="How much of an article is on the record: sourcing, speculation and review priority, sentence by sentence."
    )
    parser.add_argument("--version", action="version", version=f"onrecord {version()}")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--model", metavar="PATH_OR_ID", help="a model folder or hub id (default: the shipped model)")
    shared.add_argument("--policy", metavar="FILE", type=Path, help="a risk policy of your own, as JSON (default: the model's)")
    shown = argparse.ArgumentParser(add_help=False)
    shown.add_argument("--json", action="store_true", help="print JSON Lines, one object per input, instead of readable reports")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    score = commands.add_parser(
        "score",
        parents=[shown, shared],
        help="score articles",
        description="Score articles. Exit code: 0 all scored, 1 some input could not be scored, 2 wrong usage.",
    )
    score.add_argument("inputs", nargs="+", metavar="FILE", help="a UTF-8 text file, an .html or .htm page, or - for standard input")
    names = sorted(item.name.removesuffix(".txt") for item in (files("onrecord") / "examples").iterdir() if item.name.endswith(".txt"))
    example = commands.add_parser("example", parents=[shown, shared], help="score an invented article that comes with OnRecord")
    example.add_argument("example", nargs="?", metavar="NAME", choices=names, default="rumour", help=f"{' or '.join(names)} (default: rumour)")
    add_batch(commands, shared)
    return parser


def _run(args: argparse.Namespace) -> int:
    if args.command == "batch":
        return run_batch(args, _load)
    if args.command == "score":
        return _score_all(args.inputs, _read, args)
    return _score_all([f"{args.example}.txt"], lambda name: (files("onrecord") / "examples" / name).read_bytes(), args)


def _score_all(names: Sequence[str], read: Callable[[str], bytes], args: argparse.Namespace) -> int:
    scorer: Scorer | None = None
    code = _DONE
    for number, name in enumerate(names):
        shown = "stdin" if name == "-" else name
        try:
            text = _text(read(name), shown)
            scorer = scorer or _load(args)
            report = scorer.score(text)
        except (InputError, MissingExtraError) as error:
            _show_error(shown, error, as_json=args.json)
            code = _UNSCORED
            continue
        _show(report, text, shown, as_json=args.json, is_first=number == 0)
        code = _UNSCORED if report.reason is not None else code
    return code


def _load(args: argparse.Namespace) -> "Scorer":
    from onrecord.checkpoint import load  # noqa: PLC0415 - a missing file is told at once, before a model is loaded

    # Ray gives each worker one core; what they do must be what the ledger says.
    device = "cpu" if getattr(args, "engine", "local") == "ray" else None
    return load(args.model, policy=args.policy, device=device, backend=getattr(args, "backend", "torch"))


def _read(name: str) -> bytes:
    try:
        if name == "-":
            data = sys.stdin.buffer.read(_LARGEST_INPUT + 1)
        else:
            with Path(name).open("rb") as file:
                data = file.read(_LARGEST_INPUT + 1)
    except IsADirectoryError as error:
        raise InputError(f"{name}: found a directory; expected a file. Name the files in it, for example {name.rstrip('/')}/*.txt") from error
    except FileNotFoundError as error:
        raise InputError(f"{name}: no such file; check the path") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise InputError(f"{name}: cannot be read ({getattr(error, 'strerror', None) or error}); expected a readable file") from error
    if len(data) > _LARGEST_INPUT:
        raise InputError(f"{name}: found more than {_LARGEST_INPUT // 2**20} MiB; expected one article. Split the file into articles")
    return data


def _text(data: bytes, name: str) -> str:
    from onrecord.text import decode  # noqa: PLC0415 - not needed for --help

    text = decode(data, name)
    if name.lower().endswith((".html", ".htm")):
        from onrecord.html import extract  # noqa: PLC0415 - an optional dependency

        text = extract(text, name)
    if not text.strip():
        raise InputError(f"{name}: found no text; expected an article")
    return text


def _show(report: "Report", text: str, name: str, *, as_json: bool, is_first: bool) -> None:
    if as_json:
        _write_json({"input": name, "report": report.to_dict()})
        return
    width = min(_WIDEST, shutil.get_terminal_size().columns)
    page = render(report, text, name, width=width, colour=wants_colour(sys.stdout))
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(("" if is_first else "\n") + page.encode(encoding, "replace").decode(encoding))


def _show_error(name: str, error: OnRecordError, *, as_json: bool) -> None:
    if as_json:
        _write_json({"input": name, "error": {"code": error.code, "message": str(error)}})
    message = str(error)
    _complain(message if message.startswith(name) else f"{name}: {message}")


def _write_json(row: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(row, allow_nan=False) + "\n")
    sys.stdout.flush()  # a reader of JSON Lines may act on each row as it comes


def _complain(message: str) -> None:
    sys.stderr.write(f"onrecord: {printable(message)}\n")

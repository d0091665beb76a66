"""Every row of an archive is read once: as an article, or as a bad row that says what is wrong."""

import gzip
import io
import json
import sys
import tracemalloc
from collections.abc import Callable, Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from archive_samples import brief, read

from onrecord.archive import streams
from onrecord.archive.readers import Input, Position, find_inputs, read_rows
from onrecord.archive.rows import BadRow, Row
from onrecord.errors import InputError, MissingExtraError

GOOD = b'{"id": "a", "text": "The dam holds."}\n'
PAGE = "<html><body><article><p>The council voted on Monday to close the old bridge, said the mayor in a long statement.</p></article></body></html>"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def lines(*rows: object) -> bytes:
    return b"".join(row if isinstance(row, bytes) else json.dumps(row).encode() + b"\n" for row in rows)


def zstd(data: bytes) -> bytes:
    return bytes(pa.compress(data, codec="zstd", asbytes=True))


def standard_input(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


# --- JSON Lines -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        (b'{"id": "x", "text": \n', "bad_json", "at character"),
        (b"[" * 100_000 + b"\n", "bad_json", "recursion"),
        (b'{"id": ' + b"9" * 5000 + b"}\n", "bad_json", "4300 digits"),
        (b'["x", "text"]\n', "not_object", "found a list"),
        (b'{"id": "x", "body": "The dam"}\n', "missing_field", "found 'id', 'body'. Name another with --text-field"),
        (b'{"id": "x", "text": 7}\n', "wrong_type", "found a number in the field 'text'"),
        (b'{"id": "x", "text": ["a"]}\n', "wrong_type", "found a list in the field 'text'"),
        (b'{"id": "x", "text": null}\n', "null", "'text' is null"),
        (b'{"id": true, "text": "The dam"}\n', "wrong_type", "found true or false in the field 'id'"),
        (b'{"id": 1.5, "text": "The dam"}\n', "wrong_type", "found a number in the field 'id'"),
        (b'{"id": "\\ud800", "text": "The dam"}\n', "undecodable", "half a surrogate pair"),
        (b'{"id": "x", "text": "caf\xe9"}\n', "undecodable", "iconv -f CP1252 -t UTF-8 a.jsonl >"),
        (b"\xff\xd8\xff\xe0\n", "binary", "JPEG"),
        (b"\x00\x01\x02\xff\n", "binary", "NUL"),
        (b"\xff\xfe\x00\x01\n", "undecodable", "UTF-16"),
    ],
)
@pytest.mark.parametrize("before", [b"", GOOD], ids=["first", "middle"])
def test_a_bad_line_is_named_once_and_all_others_are_read(folder: Path, before: bytes, line: bytes, code: str, message: str) -> None:
    (folder / "a.jsonl").write_bytes(before + line + GOOD)
    rows = read("a.jsonl")
    assert [isinstance(row, Row) for row in rows] == ([True] if before else []) + ([False] * line.count(b"\n") + [True])
    bad = rows[1 if before else 0]
    assert isinstance(bad, BadRow)
    assert (bad.place, bad.code) == (f"a.jsonl:{2 if before else 1}", code)
    assert message in bad.message


def test_a_bad_text_keeps_the_id_of_its_row(folder: Path) -> None:
    (folder / "a.jsonl").write_bytes(lines({"id": 12, "text": None}, {"id": "x"}))
    assert [row.id for row in read("a.jsonl")] == ["12", "x"]


def test_ids_are_the_rows_own_or_their_place(folder: Path) -> None:
    (folder / "a.jsonl").write_bytes(lines({"id": "x", "text": "one"}, {"id": 7, "text": "two"}, b"\r\n", {"text": "three"}, {"id": None, "text": ""}))
    assert brief(read("a.jsonl")) == [("a.jsonl:1", "x", "one"), ("a.jsonl:2", "7", "two"), ("a.jsonl:4", "a.jsonl:4", "three"), ("a.jsonl:5", "a.jsonl:5", "")]


def test_other_fields_are_read_when_asked_for_and_then_the_id_must_be_there(folder: Path) -> None:
    (folder / "a.jsonl").write_bytes(lines({"key": 3, "body": "one"}, {"body": "two"}, {"key": "", "body": "three"}, {"key": None, "body": "four"}))
    rows = brief(read("a.jsonl", text_field="body", id_field="key"))
    assert rows == [("a.jsonl:1", "3", "one"), ("a.jsonl:2", "-", "!missing_field"), ("a.jsonl:3", "-", "!null"), ("a.jsonl:4", "-", "!null")]


def test_a_line_without_end_does_not_eat_the_memory_and_the_next_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "LONGEST", 2**20)
    (folder / "a.jsonl").write_bytes(lines(GOOD, {"text": "x" * 20 * 2**20}, {"id": "fits", "text": "y" * (2**20 - 31)}, GOOD, b'{"text": "' + b"z" * 2**21))
    tracemalloc.start()
    rows = brief(read("a.jsonl"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [row[2][:10] for row in rows] == ["The dam ho", "!too_large", "yyyyyyyyyy", "The dam ho", "!too_large"]
    assert peak < 8 * 2**20


@pytest.mark.parametrize(
    ("content", "advice"),
    [(b'[\n{"text": "x"}\n]\n', "an array.*jq -c '.\\[\\]'"), (b'{\n "text": "x"\n}\n', "several lines.*jq -c '.'")],
    ids=["array", "indented"],
)
def test_a_json_file_that_does_not_hold_lines_is_refused_at_once(folder: Path, content: bytes, advice: str) -> None:
    (folder / "a.json").write_bytes(content)
    with pytest.raises(InputError, match=advice):
        read_rows(find_inputs(["a.json"]))


def test_standard_input_is_read_as_json_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    standard_input(monkeypatch, lines(GOOD, b"{\n", {"text": "The bridge."}))
    progress = Position()
    assert brief(read("-", progress=progress)) == [("stdin:1", "a", "The dam holds."), ("stdin:2", "-", "!bad_json"), ("stdin:3", "stdin:3", "The bridge.")]
    assert (progress.bytes_done, progress.bytes_total) == (len(GOOD) + 26, None)


# --- Compressed and broken files ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("suffix", "pack"), [(".gz", gzip.compress), (".zst", zstd)])
def test_compressed_files_are_read_also_in_several_members(folder: Path, suffix: str, pack: Callable[[bytes], bytes]) -> None:
    (folder / f"a.jsonl{suffix}").write_bytes(pack(GOOD * 3) + pack(GOOD))
    (folder / f"b.csv{suffix}").write_bytes(pack(b"id,text\n1,x\n"))
    (folder / f"c.txt{suffix}").write_bytes(pack(b"The dam."))
    assert [row[2] for row in brief(read("*"))] == ["The dam holds."] * 4 + ["x", "The dam."]


@pytest.mark.parametrize(("suffix", "pack"), [(".gz", gzip.compress), (".zst", zstd)])
def test_a_truncated_file_gives_its_rows_one_bad_row_and_the_next_file_follows(folder: Path, suffix: str, pack: Callable[[bytes], bytes]) -> None:
    rows = lines(*({"id": number, "text": f"{number * 7919:x}" * 50} for number in range(5000)))
    (folder / f"a.jsonl{suffix}").write_bytes(pack(rows)[:-40])
    (folder / "b.jsonl").write_bytes(GOOD)
    found = read("a*", "b*")
    bad = [row for row in found if isinstance(row, BadRow)]
    assert [(row.place, row.code) for row in bad] == [(f"a.jsonl{suffix}", "unreadable")]
    assert f"after a.jsonl{suffix}:{len(found) - 2} (" in bad[0].message
    assert len(found) > 4000
    assert found[-1].place == "b.jsonl:1"


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.jsonl.zst", "a.csv.gz", "a.parquet", "a.txt.gz"])
def test_a_file_of_rubbish_is_one_bad_row(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"rubbish " * 100)
    (folder / "b.jsonl").write_bytes(GOOD)
    assert brief(read(name, "b.jsonl")) == [(name, "-", "!unreadable"), ("b.jsonl:1", "a", "The dam holds.")]


@pytest.mark.parametrize(("content", "code"), [(gzip.compress(GOOD), "binary"), (zstd(GOOD), "binary"), (GOOD.decode().encode("utf-16"), "undecodable")])
@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
def test_a_file_in_disguise_is_one_bad_row(folder: Path, name: str, content: bytes, code: str) -> None:
    (folder / name).write_bytes(content)
    assert brief(read(name)) == [(name, "-", f"!{code}")]


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.txt", "a.parquet"])
def test_a_file_that_vanishes_is_one_bad_row(folder: Path, name: str) -> None:
    (folder / "0.jsonl").write_bytes(GOOD)
    (folder / name).write_bytes(GOOD)
    rows = read_rows([*find_inputs(["0.jsonl"]), Input(Path("gone-" + name), find_inputs([name])[0].kind, 5), *find_inputs(["0.jsonl"])])
    assert [row[2] for row in brief(rows)] == ["The dam holds.", "!unreadable", "The dam holds."]


def test_progress_ends_at_the_total_and_grows_on_the_way(folder: Path) -> None:
    (folder / "a.jsonl.gz").write_bytes(gzip.compress(lines(*({"text": str(number**9) * 9} for number in range(5000)))))
    pq.write_table(pa.table({"text": ["x" * 99] * 1000}), folder / "b.parquet")
    (folder / "c.jsonl.gz").write_bytes(gzip.compress(GOOD * 10)[:-9])
    progress = Position()
    seen = [progress.bytes_done for _ in read_rows(find_inputs(["*"]), progress=progress)]
    assert progress.bytes_done == progress.bytes_total == sum(path.stat().st_size for path in folder.iterdir())
    assert seen == sorted(seen)
    assert len(set(seen)) > 10


# --- Texts, pages, mixtures -----------------------------------------------------------------------------------------


def test_files_of_a_folder_are_a_row_each_with_their_path_as_id(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "LONGEST", 1000)
    (folder / "in").mkdir()
    contents: dict[str, str | bytes] = {
        "1.txt": "The dam.",
        "2.html": PAGE,
        "3.html": "<html><body></body></html>",
        "4.txt": "",
        "5.txt": b"\x89PNG\r\n\x1a\n",
        "6.txt": b"caf\xe9",
        "7.txt": "x" * 1001,
    }
    for name, content in contents.items():
        (folder / "in" / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    rows = brief(read("in", id_field="key"))
    assert [row[0] for row in rows] == [f"in/{name}" for name in contents]
    assert [row[2][:17] for row in rows] == ["The dam.", "The council voted", "!no_article", "", "!binary", "!undecodable", "!too_large"]
    assert [row[1] for row in rows if row[2][:1] != "!"] == ["in/1.txt", "in/2.html", "in/4.txt"]


def test_mixed_inputs_are_read_in_their_order_under_one_numbering(folder: Path) -> None:
    (folder / "a.jsonl").write_bytes(GOOD + b"{\n")
    (folder / "b.csv").write_bytes(b"id,text\n1,x\n")
    pq.write_table(pa.table({"text": ["p"]}), folder / "c.parquet")
    (folder / "d.txt").write_bytes(b"t")
    (folder / "empty.jsonl").touch()
    (folder / "empty.csv").touch()
    assert [row.place for row in read("d.txt", "empty.*", "c.parquet", "b.csv", "a.jsonl")] == ["d.txt", "c.parquet:1", "b.csv:2", "a.jsonl:1", "a.jsonl:2"]


@pytest.mark.parametrize(
    ("name", "package", "message"),
    [
        ("a.parquet", "pyarrow", r"Reading Parquet needs the package 'pyarrow'.*onrecord\[batch\]"),
        ("a.jsonl.zst", "pyarrow", r"Reading zstd.*onrecord\[batch\]"),
        ("a.html", "trafilatura", r"Reading HTML.*onrecord\[html\]"),
    ],
)
def test_a_missing_package_is_told_before_the_first_row(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, package: str, message: str) -> None:
    (folder / "0.jsonl").write_bytes(GOOD)
    (folder / name).write_bytes(GOOD)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=message):
        read_rows(find_inputs(["0.jsonl", name]))


def write_parquet(path: Path, texts: Iterable[str]) -> None:
    pq.write_table(pa.table({"text": list(texts)}), path, compression="zstd")


def write_csv(path: Path, texts: Iterable[str]) -> None:
    path.write_text("text\n" + "".join(f'"{text}"\n' for text in texts), encoding="utf-8")


def write_lines(path: Path, texts: Iterable[str]) -> None:
    path.write_bytes(gzip.compress(lines(*({"text": text} for text in texts)), 1))


@pytest.mark.parametrize(("name", "write"), [("a.jsonl.gz", write_lines), ("a.csv", write_csv), ("a.parquet", write_parquet)])
def test_twenty_times_the_rows_take_no_more_memory(folder: Path, name: str, write: Callable[[Path, Iterable[str]], None]) -> None:
    peaks = []
    for count in (10, 1000, 20_000):  # the first only warms up
        write(folder / name, (f"{number} " * 100 for number in range(count)))
        before = pa.total_allocated_bytes()
        arrow = 0
        tracemalloc.start()
        for row in read_rows(find_inputs([name])):
            assert isinstance(row, Row)
            arrow = max(arrow, pa.total_allocated_bytes() - before)
        peaks.append(tracemalloc.get_traced_memory()[1] + arrow)
        tracemalloc.stop()
    assert peaks[2] < peaks[1] + 4 * 2**20  # the texts come to 12 MB

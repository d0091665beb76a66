"""Rows of CSV, TSV and Parquet files, sound and broken."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from archive_samples import brief, read

from onrecord.archive import streams
from onrecord.archive.readers import find_inputs, read_rows
from onrecord.archive.rows import BadRow
from onrecord.errors import InputError


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


# --- CSV and TSV ----------------------------------------------------------------------------------------------------


def test_csv_with_quotes_newlines_and_byte_order_mark_is_read(folder: Path) -> None:
    (folder / "a.csv").write_bytes('\ufeffid,text,x\r\n1,"He said: ""No,\nnever.""",y\r\n\r\n,plain,\r\n"3","",""\n'.encode())
    assert brief(read("a.csv")) == [("a.csv:2", "1", 'He said: "No,\nnever."'), ("a.csv:5", "a.csv:5", "plain"), ("a.csv:6", "3", "")]


def test_tsv_is_separated_by_tabs(folder: Path) -> None:
    (folder / "a.tsv").write_text("key\tbody\n1\tYes, indeed\n", encoding="utf-8")
    assert brief(read("a.tsv", text_field="body", id_field="key")) == [("a.tsv:2", "1", "Yes, indeed")]


@pytest.mark.parametrize(
    ("record", "code", "message"),
    [
        (b"7,a,b\n", "bad_csv", "found 3 fields; expected 2"),
        (b"7\n", "bad_csv", "found 1 fields; expected 2"),
        (b'7,"one\ntwo",b\n', "bad_csv", "on lines 3 to 4"),
        (b'7,"No" he said\n', "bad_csv", "not valid CSV"),
        (b'7,"never closed\n', "bad_csv", "does not end"),
        (b"7,caf\xe9\n", "undecodable", "0xe9"),
        (b'7,"caf\xe9\nanother\nthird"\n', "undecodable", "0xe9"),
        (b"7,\0\0\n", "binary", "NUL"),
        (b"7," + b"x" * 2**20 + b"\n", "too_large", "1 MiB"),
    ],
)
def test_a_bad_record_is_named_once_and_all_others_are_read(folder: Path, monkeypatch: pytest.MonkeyPatch, record: bytes, code: str, message: str) -> None:
    monkeypatch.setattr(streams, "LONGEST", 2**20)
    (folder / "a.csv").write_bytes(b"id,text\n1,one\n" + record + b"8,eight\n9,nine\n")
    rows = read("a.csv")
    assert [row.id for row in rows] == ["1", None, "8", "9"]
    bad = rows[1]
    assert isinstance(bad, BadRow)
    assert (bad.place, bad.code) == ("a.csv:3", code)
    assert message in bad.message


def test_a_quote_that_is_never_closed_costs_one_row_of_a_long_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "LONGEST", 2**16)
    (folder / "a.csv").write_bytes(b'id,text\n0,"never closed\n' + b"".join(b"%d,%s\n" % (number, b"x" * 90) for number in range(1, 3000)))
    rows = read("a.csv")
    assert [row.id for row in rows] == [None, *map(str, range(1, 3000))]
    assert rows[-1].place == "a.csv:3001"


@pytest.mark.parametrize(
    ("header", "options", "message"),
    [
        ("id,body", {}, "a.csv: found no column 'text'; the columns are 'id', 'body'. Name the right one with --text-field"),
        ("id,text", {"id_field": "key"}, "no column 'key'.*--id-field"),
        ("text,text", {}, "twice the column 'text'"),
    ],
)
def test_a_table_without_the_needed_column_is_refused_at_once(folder: Path, header: str, options: dict[str, str], message: str) -> None:
    (folder / "a.csv").write_text(f"{header}\n1,2\n", encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_rows(find_inputs(["a.csv"]), **options)  # type: ignore[arg-type]


# --- Parquet --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())], ids=str)
def test_parquet_nulls_are_bad_rows(folder: Path, kind: pa.DataType) -> None:
    pq.write_table(pa.table({"text": pa.array(["one", None, "", "four"], kind), "id": [1, 2, None, 4]}), folder / "a.parquet")
    expected = [("a.parquet:1", "1", "one"), ("a.parquet:2", "2", "!null"), ("a.parquet:3", "a.parquet:3", ""), ("a.parquet:4", "4", "four")]
    assert brief(read("a.parquet")) == expected


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"id": ["1"], "body": ["x"]}, "a.parquet: found no column 'text'; the columns are 'id', 'body'"),
        ({"text": [1.5]}, "'text' holds values of type double; expected strings"),
        ({"text": ["x"], "id": [1.5]}, "'id' holds values of type double; expected strings or integers"),
    ],
)
def test_parquet_without_the_needed_column_is_refused_at_once(folder: Path, columns: dict[str, list[object]], message: str) -> None:
    pq.write_table(pa.table(columns), folder / "a.parquet")
    with pytest.raises(InputError, match=message):
        read_rows(find_inputs(["a.parquet"]))


def test_parquet_text_that_is_not_utf8_or_too_large_is_a_bad_row(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "LONGEST", 100)
    text = pa.array([b"one", b"caf\xe9", b"x" * 101, b"four"], pa.binary()).view(pa.string())
    pq.write_table(pa.table({"text": text}), folder / "a.parquet")
    assert [row[2] for row in brief(read("a.parquet"))] == ["one", "!undecodable", "!too_large", "four"]


def test_parquet_damaged_on_the_way_is_one_bad_row(folder: Path) -> None:
    path = folder / "a.parquet"
    pq.write_table(pa.table({"text": [f"{number**5}" for number in range(2000)]}), path, row_group_size=500, compression="zstd", use_dictionary=False)
    data = bytearray(path.read_bytes())
    start = pq.ParquetFile(path).metadata.row_group(2).column(0).data_page_offset
    data[start : start + 200] = b"\xff" * 200
    path.write_bytes(data)
    rows = read("a.parquet")
    assert [row.place for row in rows[-2:]] == ["a.parquet:1000", "a.parquet"]
    assert isinstance(rows[-1], BadRow)
    assert rows[-1].code == "unreadable"

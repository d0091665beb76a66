"""The files that `onrecord batch` leaves: every row in one of them, each file whole or as before."""

import csv
import errno
import gzip
import json
import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from ledger_job import command
from pyarrow import parquet as pq
from report_samples import CALIBRATION, MODEL, POLICY, sample_report

from onrecord.archive import atomic
from onrecord.archive.ledger import Outcome
from onrecord.archive.writers import Counts, errors_path, write_outputs
from onrecord.errors import InputError, OutputError
from onrecord.report import Refusal, Warning, build_report

REPORT = sample_report().to_dict()
UNJUDGED = build_report(
    "x",
    None,
    policy=POLICY,
    calibration=CALIBRATION,
    model=MODEL,
    warnings=[Warning("boilerplate", "b"), Warning("very_long", "v")],
    refused=Refusal("too_short", "too short"),
).to_dict()
BAD = Outcome(1, "news.jsonl:2", None, None, "bad_json", "found no JSON; expected an object")
COLUMNS = (
    "id,risk,risk_band,risk_low,risk_high,sourcing,sourcing_band,sourcing_low,sourcing_high,speculation,speculation_band,speculation_low,speculation_high,"
    "words,sentences,warnings,model,model_version,weights_sha256,calibration,policy"
).split(",")


def good(position: int, id: str, report: dict[str, Any] = REPORT) -> Outcome:
    return Outcome(position, f"news.jsonl:{position + 1}", id, json.dumps(report), None, None)


def write(out: Path, rows: Sequence[Outcome], *, sentences: bool = False) -> Counts:
    return write_outputs(iter(rows), out, sentences=sentences)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def broken(rows: Sequence[Outcome]) -> Iterator[Outcome]:
    yield from rows
    raise OutputError("part-000001.parquet: cannot be read")


# --- Content --------------------------------------------------------------------------------------------------------


def test_every_row_is_in_the_output_or_among_the_errors(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    assert write(out, [good(0, "a"), BAD, good(2, "c")]) == Counts(scored=2, errors=1)
    assert [row["id"] for row in lines(out)] == ["a", "c"]
    assert lines(errors_path(out)) == [
        {"id": None, "position": 1, "place": "news.jsonl:2", "code": "bad_json", "message": "found no JSON; expected an object"},
    ]


def test_json_lines_leave_out_what_grows_with_the_text(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    write(out, [good(0, "a")])
    report = lines(out)[0]["report"]
    assert set(REPORT) - set(report) == {"sentences", "drivers", "sources", "advice", "biases"}
    assert report == {name: REPORT[name] for name in report}


def test_json_lines_with_sentences_hold_the_whole_report_exactly(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    write(out, [good(0, "a")], sentences=True)
    assert lines(out) == [{"id": "a", "report": REPORT}]


def test_compressed_json_lines_are_equal_for_equal_results(tmp_path: Path) -> None:
    first, second = tmp_path / "a.jsonl.gz", tmp_path / "b.jsonl.gz"
    for out in (first, second):
        write(out, [good(0, "a"), good(1, "b")])
    assert [json.loads(line)["id"] for line in gzip.decompress(first.read_bytes()).splitlines()] == ["a", "b"]
    assert first.read_bytes() == second.read_bytes()


def test_csv_is_flat_and_exact(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    ids = ['with "quotes", commas\nand\rlines', "b"]
    write(out, [good(0, ids[0]), good(1, ids[1], UNJUDGED)])
    with out.open(encoding="utf-8", newline="") as file:
        header, judged, unjudged = csv.reader(file)
    assert header == COLUMNS
    row = dict(zip(header, judged, strict=True))
    assert row["id"] == ids[0]
    assert [float(row[name]) for name in ("risk", "risk_low", "risk_high")] == [REPORT["risk"]["value"], *REPORT["risk"]["interval"]]
    assert float(row["speculation_high"]) == REPORT["speculation"]["interval"][1]
    assert (row["sourcing_band"], row["words"], row["sentences"]) == (REPORT["sourcing"]["band"], str(REPORT["words"]), str(len(REPORT["sentences"])))
    assert (row["model"], row["weights_sha256"], row["policy"]) == ("small", "ab" * 32, "test-policy")
    row = dict(zip(header, unjudged, strict=True))
    assert [row[name] for name in COLUMNS[:13]] == ["b", *[""] * 12]
    assert row["warnings"] == "boilerplate very_long"


def test_parquet_has_types_and_nulls(tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"
    write(out, [good(0, "a"), BAD, good(2, "b", UNJUDGED)])
    table = pq.read_table(out)
    assert table.column_names == COLUMNS
    types = {name: table.schema.field(name).type for name in ("id", "risk", "risk_band", "words", "sentences", "warnings")}
    assert types == {"id": pa.string(), "risk": pa.float64(), "risk_band": pa.string(), "words": pa.int64(), "sentences": pa.int64(), "warnings": pa.string()}
    assert table["risk"].to_pylist() == [REPORT["risk"]["value"], None]
    assert table["risk_band"].to_pylist() == [REPORT["risk"]["band"], None]
    assert table["speculation_low"].to_pylist() == [REPORT["speculation"]["interval"][0], None]


def test_parquet_with_sentences_holds_each_of_them(tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"
    write(out, [good(0, "a"), good(1, "b", UNJUDGED)], sentences=True)
    judged, unjudged = pq.read_table(out)["sentence_detail"].to_pylist()
    assert judged == [
        {
            "start": sentence["start"],
            "end": sentence["end"],
            "attribution": sentence["attribution"],
            "speculation": sentence["speculation"],
            "caution": sentence["caution"],
            "contribution": sentence["contributions"]["risk"],
        }
        for sentence in REPORT["sentences"]
    ]
    assert unjudged == []


def test_parquet_is_written_piece_by_piece(tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"
    write(out, [good(position, str(position), UNJUDGED) for position in range(4_001)])
    file = pq.ParquetFile(out)
    assert [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)] == [2_000, 2_000, 1]
    assert file.read(["id"])["id"].to_pylist() == [str(position) for position in range(4_001)]


@pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.gz", "out.csv", "out.parquet"])
def test_an_archive_without_a_good_row_gives_an_empty_file(tmp_path: Path, name: str) -> None:
    out = tmp_path / name
    assert write(out, [BAD]) == Counts(scored=0, errors=1)
    if name == "out.parquet":
        assert pq.read_table(out).num_rows == 0
    else:
        data = gzip.decompress(out.read_bytes()) if name.endswith(".gz") else out.read_bytes()
        assert data.decode().splitlines() == ([",".join(COLUMNS)] if name == "out.csv" else [])


# --- Replacing ------------------------------------------------------------------------------------------------------


def test_errors_of_the_run_before_are_removed(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    write(out, [BAD])
    write(out, [good(0, "a")])
    assert [path.name for path in tmp_path.iterdir()] == ["out.jsonl"]


@pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.gz", "out.csv", "out.parquet"])
def test_a_failure_leaves_the_files_of_before(tmp_path: Path, name: str) -> None:
    out = tmp_path / name
    write(out, [good(0, "a"), BAD])
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(OutputError, match="part-000001"):
        write_outputs(broken([good(0, "b"), good(1, "c")]), out, sentences=False)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_kill_halfway_leaves_the_file_of_before_and_no_litter_after_the_next_run(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    write(out, [good(0, "a")])
    before = out.read_bytes()
    assert subprocess.run(command("overwrite", out), check=False).returncode == -signal.SIGKILL
    assert out.read_bytes() == before
    write(out, [good(0, "b")])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.jsonl", "out.jsonl.ledger"]


def test_a_full_disk_is_told_and_leaves_the_files_of_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out.jsonl"
    write(out, [good(0, "a")])
    before = out.read_bytes()

    def full(path: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(atomic, "_flush", full)
    with pytest.raises(OutputError, match=r"out\.jsonl: cannot be written.*No space left.*Free some space"):
        write(out, [good(0, "b"), BAD])
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"out.jsonl": before}


# --- Refused before any work ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "sentences", "error", "message"),
    [
        ("out.txt", False, InputError, r"extension '.txt'; expected one of .jsonl, .jsonl.gz, .csv, .parquet"),
        ("out", False, InputError, "extension ''"),
        ("out.csv", True, InputError, "CSV is flat and cannot hold sentences; expected .jsonl or .parquet"),
        ("folder.csv", False, OutputError, "found a folder"),
        ("missing/out.csv", False, OutputError, "there is no folder .*missing"),
    ],
)
def test_an_output_that_cannot_be_is_refused(tmp_path: Path, name: str, sentences: bool, error: type[Exception], message: str) -> None:
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(error, match=message):
        write(tmp_path / name, [good(0, "a")], sentences=sentences)
    assert [path.name for path in tmp_path.iterdir()] == ["folder.csv"]

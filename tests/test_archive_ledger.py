"""The ledger of a batch job: nothing that was scored is lost, nothing is scored twice."""

import errno
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from ledger_job import FINGERPRINT, PART, article, command, result, run

from onrecord.archive import atomic
from onrecord.archive.ledger import Ledger, Outcome, RunCounts, ledger_folder
from onrecord.archive.parts import Result
from onrecord.archive.rows import BadRow, Row
from onrecord.errors import MissingExtraError, OutputBusyError, OutputError

ROWS = [article(number) for number in range(100)]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out.jsonl"


@pytest.fixture
def folder(out: Path) -> Path:
    return ledger_folder(out)


def finish(folder: Path, rows: list[Row], fingerprint: str = FINGERPRINT) -> tuple[list[str], list[Outcome]]:
    """Run the job to its end: the ids scored in this run, and all rows."""
    with Ledger(folder, fingerprint) as ledger:
        scored = run(ledger, rows)
        return scored, list(ledger.rows())


def expected(rows: list[Row]) -> list[Outcome]:
    made = [result(row, b"k" * 16) for row in rows]
    return [Outcome(row.position, row.place, row.id, one.report, one.code, one.message) for row, one in zip(rows, made, strict=True)]


def damage(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 0xFF
    path.write_bytes(data)


# --- What is scored again -------------------------------------------------------------------------------------------


def test_every_row_ends_once_in_input_order(folder: Path) -> None:
    assert finish(folder, ROWS) == ([row.id for row in ROWS], expected(ROWS))


def test_a_second_run_scores_nothing_and_gives_the_same(folder: Path) -> None:
    finish(folder, ROWS)
    assert finish(folder, ROWS) == ([], expected(ROWS))


def test_a_changed_text_is_scored_again_and_nothing_else(folder: Path) -> None:
    finish(folder, ROWS)
    changed = [replace(row, text="a correction") if row.position == 42 else row for row in ROWS]
    assert finish(folder, changed) == (["id-42"], expected(changed))


def test_a_changed_model_is_scored_again(folder: Path) -> None:
    finish(folder, ROWS)
    assert finish(folder, ROWS, "model 2") == ([row.id for row in ROWS], expected(ROWS))
    assert finish(folder, ROWS, FINGERPRINT)[0] == []


def test_another_order_and_fewer_rows_give_the_output_of_that_input(folder: Path) -> None:
    finish(folder, ROWS)
    others = [replace(row, position=position) for position, row in enumerate(random.Random(1).sample(ROWS, 60))]
    assert finish(folder, others) == ([], expected(others))


def test_key_keeps_id_and_text_apart(folder: Path) -> None:
    with Ledger(folder, FINGERPRINT) as ledger:
        keys = {ledger.key(*pair) for pair in (("ab", "c"), ("a", "bc"), ("", "abc"), ("abc", ""), ("a\ud800", ""), ("a\ud801", ""))}
    assert {len(key) for key in keys} == {16}
    assert len(keys) == 6


def test_a_repeated_id_is_an_error_of_the_later_row(folder: Path) -> None:
    rows = [*ROWS[:3], replace(ROWS[1], position=3, text="another text"), ROWS[4]]
    _, outcomes = finish(folder, rows)
    assert [outcome.code for outcome in outcomes] == [None, None, None, "duplicate_id", None]
    with Ledger(folder, FINGERPRINT) as ledger:
        assert ledger.claim(3, "id-1"), "the ids of an earlier run are free"
        assert ledger.claim(3, "id-1"), "a row does not repeat itself"
        assert not ledger.claim(4, "id-1")


def test_bad_rows_stand_among_the_results(folder: Path) -> None:
    with Ledger(folder, FINGERPRINT) as ledger:
        run(ledger, [ROWS[0], ROWS[2]])
        ledger.place_error(BadRow(1, "news.jsonl:2", None, "bad_json", "no JSON"))
        assert list(ledger.rows()) == [*expected([ROWS[0]]), Outcome(1, "news.jsonl:2", None, None, "bad_json", "no JSON"), *expected([ROWS[2]])]


def test_ids_that_utf8_cannot_hold_stay_apart(folder: Path) -> None:
    rows = [Row(position, f"dump\udcff:{position}", id, "text") for position, id in enumerate(("a\ud800", "a\ud801", "nul\0", "\u202e"))]
    _, outcomes = finish(folder, rows)
    assert [outcome.id for outcome in outcomes] == [r"a\ud800", r"a\ud801", "nul\0", "\u202e"]
    assert outcomes[0].place == r"dump\udcff:0"
    assert finish(folder, rows)[0] == []


def test_counts_tell_reused_rows_and_errors_of_both_runs(folder: Path) -> None:
    with Ledger(folder, FINGERPRINT) as ledger:
        run(ledger, ROWS[:7])
        assert ledger.counts == RunCounts(rows=7, reused=0, scored=7, errors=1)
    with Ledger(folder, FINGERPRINT) as ledger:
        run(ledger, ROWS[:14])
        ledger.place_error(BadRow(14, "news.jsonl:15", None, "bad_json", "no JSON"))
        assert ledger.counts == RunCounts(rows=15, reused=7, scored=7, errors=3)


def test_a_result_that_comes_twice_is_kept_once(folder: Path) -> None:
    with Ledger(folder, FINGERPRINT) as ledger:
        key = ledger.key("id", "text")
        ledger.place(Row(0, "a:1", "id", "text"), key)
        ledger.commit([Result(key, "id", report="{}"), Result(key, "id", report="{}")])
        ledger.commit([Result(key, "id", report="{}")])
        assert [outcome.report for outcome in ledger.rows()] == ["{}"]
        assert ledger.counts.scored == 1


def test_an_unfinished_row_is_not_passed_over(folder: Path) -> None:
    with Ledger(folder, FINGERPRINT) as ledger:
        ledger.place(ROWS[0], ledger.key(ROWS[0].id, ROWS[0].text))
        with pytest.raises(OutputError, match=r"news\.jsonl:1 has no result yet"):
            list(ledger.rows())


def test_a_position_is_placed_once(folder: Path) -> None:
    with Ledger(folder, FINGERPRINT) as ledger:
        ledger.place(ROWS[0], b"k" * 16)
        with pytest.raises(ValueError, match="position 0"):
            ledger.place_error(BadRow(0, "news.jsonl:1", None, "bad_json", "no JSON"))


@pytest.mark.parametrize("fields", [{}, {"report": "{}", "code": "too_short"}])
def test_a_result_is_a_report_or_an_error(fields: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="exactly one"):
        Result(b"k" * 16, "id", **fields)


# --- Killed ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", ["before the rename", "after the rename", "within the transaction"])
def test_kill_within_a_commit_loses_that_part_only(out: Path, folder: Path, moment: str) -> None:
    child = subprocess.run(command("dying", out, moment), check=False)
    assert child.returncode == -signal.SIGKILL
    assert finish(folder, ROWS) == ([row.id for row in ROWS[2 * PART :]], expected(ROWS))
    assert sorted(path.name for path in folder.iterdir()) == ["ledger.sqlite", *(f"part-{number:06d}.parquet" for number in range(1, 11))]


def test_kills_at_random_moments_lose_at_most_a_part_each(out: Path, tmp_path: Path) -> None:
    count, log, kills = 300, tmp_path / "log", 0
    clock = random.Random(5)
    for _ in range(5):
        child = subprocess.Popen(command("slow", out, count, log), stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        with child.stdout:
            assert child.stdout.readline() == "started\n"
            time.sleep(clock.uniform(0, 0.3))
            child.kill()
        kills += child.wait() == -signal.SIGKILL
    subprocess.run(command("slow", out, count, log), check=True, capture_output=True)
    whole = tmp_path / "whole.jsonl"
    subprocess.run(command("slow", whole, count, tmp_path / "whole.log"), check=True, capture_output=True)
    assert kills
    assert out.read_bytes() == whole.read_bytes()
    assert out.with_name("out.jsonl.errors.jsonl").read_bytes() == whole.with_name("whole.jsonl.errors.jsonl").read_bytes()
    assert count <= len(log.read_text().splitlines()) <= count + kills * PART


def test_a_second_process_is_refused_until_the_first_is_killed(out: Path, folder: Path) -> None:
    finish(folder, ROWS)
    with subprocess.Popen(command("hold", out), stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "started\n"
        with pytest.raises(OutputBusyError, match="another process is working on this output"):
            Ledger(folder, FINGERPRINT)
        child.kill()
    assert finish(folder, ROWS)[0] == []


# --- Damaged or foreign folders -------------------------------------------------------------------------------------


def test_files_that_no_result_is_in_are_removed_and_others_kept(folder: Path) -> None:
    finish(folder, ROWS)
    names = {path.name for path in folder.iterdir()}
    for name in ("part-000011.parquet", ".part-000011.parquet.unfinished", "part-000099.parquet", "notes.txt"):
        (folder / name).write_bytes(b"x")
    finish(folder, ROWS)
    assert {path.name for path in folder.iterdir()} == names | {"notes.txt"}


@pytest.mark.parametrize("harm", [Path.unlink, lambda path: os.truncate(path, 100)], ids=["lost", "cut short"])
def test_articles_of_a_lost_part_are_scored_again(folder: Path, harm: object) -> None:
    finish(folder, ROWS)
    assert callable(harm)
    harm(folder / "part-000003.parquet")
    assert finish(folder, ROWS) == ([row.id for row in ROWS[20:30]], expected(ROWS))


def test_a_damaged_part_is_named_and_can_be_deleted(folder: Path) -> None:
    finish(folder, ROWS)
    damage(folder / "part-000003.parquet")
    with pytest.raises(OutputError, match=r"part-000003\.parquet: cannot be read .* Delete this file"):
        finish(folder, ROWS)
    (folder / "part-000003.parquet").unlink()
    assert finish(folder, ROWS) == ([row.id for row in ROWS[20:30]], expected(ROWS))


def test_a_ledger_of_another_version_is_left_alone(folder: Path) -> None:
    finish(folder, ROWS)
    database = sqlite3.connect(folder / "ledger.sqlite")
    database.execute("PRAGMA user_version = 99")
    database.close()
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(OutputError, match="format 99; expected 1"):
        Ledger(folder, FINGERPRINT)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_file_that_is_no_database_is_told(folder: Path) -> None:
    folder.mkdir()
    (folder / "ledger.sqlite").write_bytes(b"something else " * 100)
    with pytest.raises(OutputError, match="file is not a database"):
        Ledger(folder, FINGERPRINT)


def test_a_file_in_the_place_of_the_folder_is_told(folder: Path) -> None:
    folder.write_text("mine")
    with pytest.raises(OutputError, match="File exists"):
        Ledger(folder, FINGERPRINT)
    assert folder.read_text() == "mine"


@pytest.fixture
def closed() -> Iterator[Path]:
    """A folder with a finished ledger, for reading only, seen by a user who is not root."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name)
        finish(path / "old.ledger", ROWS)
        everything = [path, path / "old.ledger", *(path / "old.ledger").iterdir()]
        for item in everything:
            item.chmod(0o555 if item.is_dir() else 0o444)
        user = os.geteuid()
        if user == 0:
            os.seteuid(65534)
        yield path
        os.seteuid(user)
        for item in everything[:2]:
            item.chmod(0o755)


@pytest.mark.skipif(os.name != "posix", reason="permissions as POSIX has them")
@pytest.mark.parametrize(
    ("name", "message"), [("new.ledger", "Permission denied.* that you may write to"), ("old.ledger", "unable to open.* that you may write to")]
)
def test_a_read_only_folder_is_told(closed: Path, name: str, message: str) -> None:
    with pytest.raises(OutputError, match=message):
        Ledger(closed / name, FINGERPRINT)


# --- Full disk ------------------------------------------------------------------------------------------------------


def test_full_disk_while_a_part_is_written_keeps_the_parts_before(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with Ledger(folder, FINGERPRINT) as ledger:
        run(ledger, ROWS[:20])
        with monkeypatch.context() as patch:
            patch.setattr(atomic, "_flush", full)
            with pytest.raises(OutputError, match=r"part-000003\.parquet.*No space left.*Free some space"):
                run(ledger, ROWS[20:30])
    assert not list(folder.glob("*3.parquet*"))
    assert finish(folder, ROWS) == ([row.id for row in ROWS[20:]], expected(ROWS))


def test_full_disk_while_the_database_is_written_keeps_the_parts_before(folder: Path) -> None:
    with Ledger(folder, FINGERPRINT) as ledger:
        run(ledger, ROWS[:20])
        pages = ledger._database.execute("PRAGMA main.page_count").fetchone()[0]
        ledger._database.execute(f"PRAGMA main.max_page_count = {pages}")
        with pytest.raises(OutputError, match=r"disk is full.* has space"):
            run(ledger, [article(number) for number in range(20, 2000)])
    with Ledger(folder, FINGERPRINT) as ledger:
        assert {"id-0", "id-19"}.isdisjoint(run(ledger, ROWS))
        assert list(ledger.rows()) == expected(ROWS)


# --- Size -----------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads the peak memory from /proc")
def test_memory_is_flat_up_to_100000_rows(tmp_path: Path) -> None:
    peaks = [int(subprocess.run(command("memory", tmp_path / f"{rows}.jsonl", rows), check=True, capture_output=True).stdout) for rows in (10_000, 100_000)]
    assert peaks[1] < 1.1 * peaks[0]


def test_without_pyarrow_a_job_is_refused_before_anything_is_scored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"onrecord\[batch\]"):
        Ledger(tmp_path / "out.ledger", "model 1")
    assert not (tmp_path / "out.ledger").exists()

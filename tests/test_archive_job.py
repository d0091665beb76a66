"""`onrecord batch` from end to end on a tiny model: nothing lost, nothing scored twice, each row named once."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from onrecord import cli
from onrecord.archive.command import describe
from onrecord.archive.job import Job, Progress, Summary, part_size, run
from onrecord.archive.ledger import RunCounts
from onrecord.archive.scoring import fingerprint
from onrecord.errors import InputError, OutputBusyError, OutputError
from onrecord.inference import Scorer
from onrecord.report import Report

ROOT = Path(__file__).resolve().parent.parent
Row = dict[str, Any]


@pytest.fixture
def rows(article: str) -> list[Row]:
    return [{"id": f"n{i}", "text": f"Edition {i}. {article}"} for i in range(12)]


def write(path: Path, rows: Sequence[Row | str]) -> Path:
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows), encoding="utf-8")
    return path


def read(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def do(scorer: Scorer, source: Path, out: Path, **options: Any) -> Summary:  # noqa: ANN401 - of a job
    return run(Job((str(source),), out, **options), lambda: scorer, lambda progress: None)


class Counting(Scorer):
    """Notes what it is asked to score, and breaks at some texts."""

    def __init__(self, scorer: Scorer, breaks_at: str = "nowhere") -> None:
        super().__init__(scorer.model, scorer.tokenizer, scorer.calibration, scorer.policy, scorer.info, backend=scorer.backend)
        self.breaks_at = breaks_at
        self.seen: list[str] = []

    def _finish(self, articles: Sequence[Any]) -> Iterator[Report]:
        self.seen += [article.text for article in articles]
        if any(self.breaks_at in article.text for article in articles):
            raise RuntimeError("no kernel for this\nand a long trace")
        return super()._finish(articles)


def test_the_output_holds_what_the_scorer_says_of_each_row_in_order(scorer: Scorer, rows: list[Row], tmp_path: Path) -> None:
    source = write(tmp_path / "news.jsonl", rows)
    summary = do(scorer, source, tmp_path / "out.jsonl", sentences=True)
    found = read(tmp_path / "out.jsonl")
    assert [row["id"] for row in found] == [row["id"] for row in rows]
    assert [row["report"] for row in found] == [json.loads(json.dumps(scorer.score(row["text"]).to_dict())) for row in rows]
    assert (summary.rows, summary.scored, summary.reused, summary.errors, summary.errors_file) == (12, 12, 0, {}, None)


@pytest.mark.parametrize("name", ["out.csv", "out.parquet"])
def test_flat_outputs_have_the_same_scores(scorer: Scorer, rows: list[Row], tmp_path: Path, name: str) -> None:
    do(scorer, write(tmp_path / "news.jsonl", rows), tmp_path / name)
    if name.endswith("csv"):
        with (tmp_path / name).open(encoding="utf-8", newline="") as file:
            found = list(csv.DictReader(file))
    else:
        found = pq.read_table(tmp_path / name).to_pylist()
    assert [row["id"] for row in found] == [row["id"] for row in rows]
    assert [float(row["risk"]) for row in found] == [scorer.score(row["text"]).risk.value for row in rows]


def test_every_bad_row_is_named_once_and_every_good_one_scored(scorer: Scorer, rows: list[Row], tmp_path: Path) -> None:
    bad: list[Row | str] = [
        '{"id": "cut", "text": "The',
        "[1, 2]",
        {"id": "no-text"},
        {"id": "number", "text": 7},
        {"id": "null", "text": None},
        {"id": "n3", "text": "again " + rows[3]["text"]},
        {"id": "empty", "text": " "},
        {"id": "german", "text": "Die Brücke wurde am Dienstag gesperrt, weil der Bürgermeister es so wollte, und niemand weiß es. " * 5},
        {"id": "huge", "text": "and the end. " * 1_600_000},
    ]
    mixed: list[Row | str] = [x for pair in zip(rows, bad, strict=False) for x in pair] + rows[len(bad) :]
    summary = do(scorer, write(tmp_path / "news.jsonl", mixed), tmp_path / "out.jsonl")
    assert [row["id"] for row in read(tmp_path / "out.jsonl")] == [row["id"] for row in rows]
    errors = read(tmp_path / "out.jsonl.errors.jsonl")
    codes = ["bad_json", "not_object", "missing_field", "wrong_type", "null", "duplicate_id", "empty", "not_english", "too_large"]
    assert [row["code"] for row in errors] == codes
    assert [row["position"] for row in errors] == list(range(1, 18, 2))
    assert not [row for row in errors if "\n" in row["message"] or "Traceback" in row["message"]]
    assert summary.rows == len(mixed) == 12 + sum(summary.errors.values())


def test_the_same_command_again_scores_only_what_changed(scorer: Scorer, rows: list[Row], tmp_path: Path) -> None:
    source, out = tmp_path / "news.jsonl", tmp_path / "out.jsonl"
    do(scorer, write(source, rows[:8]), out)
    rows[2]["text"] = "Corrected. " + rows[2]["text"]
    counting = Counting(scorer)
    summary = do(counting, write(source, rows[1:]), out)
    assert counting.seen == [rows[i]["text"] for i in (2, 8, 9, 10, 11)]
    assert (summary.scored, summary.reused) == (5, 6)
    assert [row["id"] for row in read(out)] == [row["id"] for row in rows[1:]], "a row that has gone from the input goes from the output"
    do(scorer, source, tmp_path / "fresh.jsonl")
    assert out.read_bytes() == (tmp_path / "fresh.jsonl").read_bytes()


def test_another_model_policy_or_backend_scores_everything_again(scorer: Scorer) -> None:
    others = [Scorer(scorer.model, scorer.tokenizer, scorer.calibration, scorer.policy, scorer.info, backend=scorer.backend) for _ in range(4)]
    others[0].info = replace(scorer.info, weights_sha256="0" * 64)
    others[1].policy = replace(scorer.policy, bias=0.5)
    others[2].calibration = replace(scorer.calibration, temperature=2.0)
    others[3].backend = type("Other", (), {"name": "other", "token_budget": 0})()
    same = Scorer(scorer.model, scorer.tokenizer, scorer.calibration, scorer.policy, scorer.info, backend=scorer.backend)
    assert len({fingerprint(s) for s in [scorer, same, *others]}) == 5


def test_an_article_that_breaks_the_scorer_is_named_and_the_others_go_on(scorer: Scorer, rows: list[Row], tmp_path: Path) -> None:
    broken = Counting(scorer, breaks_at="Edition 5.")
    summary = do(broken, write(tmp_path / "news.jsonl", rows), tmp_path / "out.jsonl")
    assert summary.errors == {"scoring_failed": 1}
    (error,) = read(tmp_path / "out.jsonl.errors.jsonl")
    assert (error["id"], error["position"]) == ("n5", 5)
    assert "RuntimeError: no kernel for this);" in error["message"]
    assert len(read(tmp_path / "out.jsonl")) == 11


def test_a_second_process_on_the_same_output_is_refused_and_the_first_finishes(scorer: Scorer, rows: list[Row], tmp_path: Path) -> None:
    source, out = write(tmp_path / "news.jsonl", rows), tmp_path / "out.jsonl"
    tried = 0

    def meanwhile(progress: Progress) -> None:
        nonlocal tried
        if not tried:
            with pytest.raises(OutputBusyError):
                do(scorer, source, out)
        tried += 1

    run(Job((str(source),), out), lambda: scorer, meanwhile)
    assert tried == 12
    assert len(read(out)) == 12


def test_a_full_disk_is_told_and_what_was_scored_is_kept(scorer: Scorer, rows: list[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, out = write(tmp_path / "news.jsonl", rows), tmp_path / "out.jsonl"
    with monkeypatch.context() as patch:
        patch.setattr("onrecord.archive.writers._write_line", lambda file, value: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(OutputError, match="No space left"):
            do(scorer, source, out)
    assert not out.exists()
    counting = Counting(scorer)
    assert do(counting, source, out).reused == 12
    assert counting.seen == []


def test_a_stop_by_the_user_keeps_what_was_scored(scorer: Scorer, rows: list[Row], tmp_path: Path) -> None:
    source, out = write(tmp_path / "news.jsonl", rows), tmp_path / "out.jsonl"

    def stop(progress: Progress) -> None:
        if progress.counts.rows >= 12:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(Job((str(source),), out), lambda: scorer, stop)
    assert do(scorer, source, out).reused >= 1


def test_parts_grow_with_the_archive_so_that_a_kill_costs_little_and_files_stay_few() -> None:
    assert part_size(RunCounts()) == 32
    assert part_size(RunCounts(scored=30_000, reused=20_000)) == 500
    assert part_size(RunCounts(scored=10**7)) == 4096


def test_progress_is_told_for_people() -> None:
    told = describe(Progress(RunCounts(rows=1_200, reused=200, scored=1_000, errors=12), seconds=50, share=0.25))
    assert told == "1,200 rows, 200 done before, 20.0 scored a second, 1.0% errors, 25% read, about 2 min 30 s left"
    assert "left" not in describe(Progress(RunCounts(rows=1), seconds=1, share=None))


# --- From the shell -------------------------------------------------------------------------------------------------


def test_the_command_prints_a_summary_and_fails_on_errors_only_when_asked(
    checkpoint: Path, rows: list[Row], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write(tmp_path / "news.jsonl", [*rows, {"id": "short", "text": "Too short."}])
    command = ["batch", str(source), "-o", str(tmp_path / "out.csv"), "--model", str(checkpoint)]
    assert cli.main(command) == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["rows"], summary["errors"], summary["output"]) == (13, {"too_short": 1}, str(tmp_path / "out.csv"))
    assert cli.main([*command, "--fail-on-error"]) == 1


@pytest.fixture
def news(rows: list[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder to work in, with an archive."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "news.jsonl", rows)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.jsonl", "-o", "out.jsonl"], "nowhere.jsonl"),
        (["news.jsonl", "-o", "out.xlsx"], ".xlsx"),
        (["news.jsonl", "-o", "out.csv", "--sentences"], "CSV is flat"),
        (["news.jsonl", "-o", "no/such/out.csv"], "no folder"),
        (["*.jsonl", "-o", "news.jsonl"], "written by this job"),
    ],
)
@pytest.mark.usefixtures("news")
def test_a_wrong_name_is_told_in_one_line(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["batch", *arguments]) == 1
    told = capsys.readouterr().err
    assert message in told
    assert told.count("\n") == 1


@pytest.mark.usefixtures("news")
def test_a_wrong_name_is_told_before_the_model_is_loaded(tmp_path: Path) -> None:
    def load() -> Scorer:
        raise AssertionError("loaded")

    with pytest.raises(InputError, match="nowhere"):
        run(Job(("news.jsonl", "nowhere.jsonl"), tmp_path / "out.jsonl"), load, lambda progress: None)


def killed(command: list[str], when: Callable[[], bool]) -> None:
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and not when():
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)


def test_killed_three_times_and_resumed_the_output_is_that_of_one_run(scorer: Scorer, checkpoint: Path, article: str, tmp_path: Path) -> None:
    many = [{"id": i, "text": f"Edition {i}. {article}"} for i in range(400)]
    source, out = write(tmp_path / "news.jsonl", many), tmp_path / "out.jsonl"
    command = [sys.executable, "-m", "onrecord", "batch", str(source), "-o", str(out), "--model", str(checkpoint), "--backend", "torch"]
    ledger = tmp_path / "out.jsonl.ledger"
    for parts in (1, 3, 5):
        killed(command, lambda parts=parts: len(list(ledger.glob("part-*.parquet"))) >= parts)  # type: ignore[misc]
    assert not out.exists()
    finished = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    # The fifth part may have been there without being in the ledger yet.
    assert finished["reused"] >= 4 * 32
    assert finished["reused"] + finished["scored"] == 400
    do(scorer, source, tmp_path / "straight.jsonl")
    assert out.read_bytes() == (tmp_path / "straight.jsonl").read_bytes()

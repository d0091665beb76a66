"""Scoring on Ray and on data frames: the same numbers, the same ledger, and nothing lost when a worker dies."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import onrecord
from onrecord import cli
from onrecord.archive.scoring import fingerprint
from onrecord.errors import CheckpointError
from onrecord.ray import Scorer as BatchScorer

ROOT = Path(__file__).resolve().parent.parent
Row = dict[str, Any]


@pytest.fixture
def rows(article: str) -> list[Row]:
    return [{"id": f"n{i}", "text": f"Edition {i}. {article}"} for i in range(150)]


def write(path: Path, rows: list[Row]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def read(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


# --- The scorer of batches ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def batch_scorer(checkpoint: Path) -> BatchScorer:
    return BatchScorer(checkpoint, backend="torch")


def test_a_batch_of_arrays_gets_the_scores_that_the_scorer_gives(batch_scorer: BatchScorer, scorer: onrecord.Scorer, rows: list[Row]) -> None:
    texts = [row["text"] for row in rows[:5]]
    scored = batch_scorer({"id": np.arange(5), "text": np.array(texts, dtype=object)})
    assert list(scored["id"]) == [0, 1, 2, 3, 4]
    reports = scorer.score(texts)
    assert list(scored["risk"]) == [report.risk.value for report in reports]
    assert [json.loads(text) for text in scored["report"]] == [json.loads(json.dumps(report.to_dict())) for report in reports]
    assert not any(scored["code"])


def test_a_data_frame_keeps_its_rows_and_its_index_and_says_why_a_row_has_no_scores(batch_scorer: BatchScorer, rows: list[Row]) -> None:
    frame = pd.DataFrame({"text": [rows[0]["text"], "Too short.", None, rows[1]["text"]]}, index=[7, 3, 9, 1])
    scored = batch_scorer(frame)
    assert list(scored.index) == [7, 3, 9, 1]
    assert list(scored["risk"].isna()) == [False, True, True, False]
    assert list(scored["code"]) == ["", "too_short", "wrong_type", ""]
    assert list(batch_scorer(frame[:0]).columns) == list(scored.columns), "an empty partition has the same columns"


def test_another_text_column_is_found_and_a_missing_one_told(checkpoint: Path, batch_scorer: BatchScorer, rows: list[Row]) -> None:
    scored = BatchScorer(checkpoint, backend="torch", text_column="body")({"body": [rows[0]["text"]]})
    assert scored["risk"] == batch_scorer({"text": [rows[0]["text"]]})["risk"]
    with pytest.raises(KeyError, match=r"'body'.*text_column"):
        batch_scorer({"body": ["It rained."]})


def test_the_batch_scorer_does_not_import_ray() -> None:
    code = "import sys, onrecord.ray; assert not {'ray', 'pyspark', 'pandas'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


# --- The engine -----------------------------------------------------------------------------------------------------


def command(source: Path, out: Path, checkpoint: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "onrecord", "batch", str(source), "-o", str(out), "--model", str(checkpoint), "--backend", "torch", *more]


def run(arguments: list[str]) -> dict[str, Any]:
    done = subprocess.run(arguments, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    summary: dict[str, Any] = json.loads(done.stdout)
    return summary


def test_ray_gives_the_output_of_the_local_engine_and_goes_on_from_its_ledger(checkpoint: Path, rows: list[Row], tmp_path: Path) -> None:
    broken = [{"id": "half a pair", "text": rows[0]["text"] + " \ud800"}, {"id": "n3", "text": "again"}, {"id": "short", "text": "Too short."}]
    # Three batches: one all good, one all bad, one mixed.
    bad = [{"id": f"bad{i}", "text": "Too short."} for i in range(64)]
    source, out = write(tmp_path / "news.jsonl", rows[:64] + bad + broken), tmp_path / "ray.jsonl"
    summary = run(command(source, out, checkpoint, "--engine", "ray", "--ray-workers", "2"))
    assert (summary["rows"], summary["scored"], summary["reused"]) == (131, 130, 0)
    run(command(source, tmp_path / "local.jsonl", checkpoint))
    for name in ("{}.jsonl", "{}.jsonl.errors.jsonl"):
        assert (tmp_path / name.format("ray")).read_bytes() == (tmp_path / name.format("local")).read_bytes()
    write(source, rows[:80] + bad + broken)
    assert run(command(source, out, checkpoint))["reused"] == 130, "what Ray scored, the local engine need not score again"


def test_a_worker_killed_in_the_middle_loses_nothing(checkpoint: Path, rows: list[Row], tmp_path: Path) -> None:
    many = [{"id": f"{row['id']}-{k}", "text": f"{k}. {row['text']}"} for k in range(8) for row in rows]
    source, out = write(tmp_path / "news.jsonl", many), tmp_path / "out.jsonl"
    arguments = command(source, out, checkpoint, "--engine", "ray", "--ray-workers", "2")
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None and not list((tmp_path / "out.jsonl.ledger").glob("part-*.parquet")):
            time.sleep(0.05)
        workers = [pid for pid in _below(process.pid) if b"MapWorker" in _name(pid)]
        assert workers, "there is a worker to kill"
        os.kill(workers[0], signal.SIGKILL)
        told, complaint = process.communicate()
    assert process.returncode == 0, complaint
    assert json.loads(told)["scored"] == len(many)
    assert [row["id"] for row in read(out)] == [row["id"] for row in many]


def _below(pid: int) -> list[int]:
    """Every process that descends from this one."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            head, _, tail = path.read_text().rpartition(")")
        except OSError:  # it has ended
            continue
        number, parent = head.partition(" ")[0], tail.split()[1]
        if int(parent) == pid:
            found += [int(number), *_below(int(number))]
    return found


def _name(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def test_a_worker_with_another_model_is_refused(checkpoint: Path) -> None:
    from onrecord.archive.ray_engine import Worker

    threads = torch.get_num_threads()
    try:
        expected = fingerprint(onrecord.load(checkpoint, device="cpu"))
        Worker(model=str(checkpoint), policy=None, backend="torch", expected=expected)
        with pytest.raises(CheckpointError, match="same version of OnRecord"):
            Worker(model=None, policy=None, backend="torch", expected=expected)
    finally:
        torch.set_num_threads(threads)


def test_what_stops_the_workers_is_told_in_one_line(checkpoint: Path, rows: list[Row], tmp_path: Path) -> None:
    code = (
        "import sys, onrecord.archive.ray_engine as engine, onrecord.cli as cli\n"
        "engine.fingerprint = lambda scorer: 'another'\n"
        "sys.exit(cli.main(sys.argv[1:]))"
    )
    arguments = command(write(tmp_path / "news.jsonl", rows[:2]), tmp_path / "out.jsonl", checkpoint, "--engine", "ray")
    done = subprocess.run([sys.executable, "-c", code, *arguments[3:]], check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert "not what the job began with" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_address_of_no_cluster_is_told_in_one_line(checkpoint: Path, rows: list[Row], tmp_path: Path) -> None:
    source = write(tmp_path / "news.jsonl", rows[:2])
    done = subprocess.run(
        command(source, tmp_path / "out.jsonl", checkpoint, "--engine", "ray", "--ray-address", "127.0.0.1:1"), check=False, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "no Ray cluster answers at '127.0.0.1:1'" in done.stderr
    assert "Traceback" not in done.stderr


def test_options_of_ray_without_ray_are_wrong_usage(rows: list[Row], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = write(tmp_path / "news.jsonl", rows[:1])
    with pytest.raises(SystemExit) as ended:
        cli.main(["batch", str(source), "-o", str(tmp_path / "out.jsonl"), "--ray-workers", "2"])
    assert ended.value.code == 2
    assert "--engine ray" in capsys.readouterr().err

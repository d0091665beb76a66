import io
import json
import os
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from report_samples import CALIBRATION, LINES, MODEL, POLICY, sample_report, text_of

from onrecord.cli import main
from onrecord.errors import CheckpointError, InputError
from onrecord.report import Refusal, Report, build_report
from onrecord.schema import report_schema

ARTICLE = text_of(LINES)
ROOT = Path(__file__).resolve().parent.parent


class FakeScorer:
    """Stands in for the model: refuses short texts, reports the sample on all others."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def score(self, text: str) -> Report:
        self.texts.append(text)
        if len(text.split()) < 5:
            return build_report(text, None, policy=POLICY, calibration=CALIBRATION, model=MODEL, warnings=[], refused=Refusal("too_short", "too short"))
        return sample_report()


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The calls of `load`, each with the scorer that it returned."""
    calls: list[dict[str, Any]] = []

    def load(name_or_path: str | None = None, *, policy: Path | None = None, device: str | None, backend: str) -> FakeScorer:
        assert (device, backend) == (None, "torch"), "a report for a person is made in single precision, on a GPU if there is one"
        calls.append({"model": name_or_path, "policy": policy, "scorer": FakeScorer()})
        return calls[-1]["scorer"]

    use(monkeypatch, load)
    return calls


def use(monkeypatch: pytest.MonkeyPatch, load: Callable[..., Any]) -> None:
    module = types.ModuleType("onrecord.checkpoint")
    module.load = load  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "onrecord.checkpoint", module)


@pytest.fixture
def article(tmp_path: Path) -> Path:
    path = tmp_path / "dam.txt"
    path.write_text(ARTICLE, encoding="utf-8")
    return path


def standard_input(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


@pytest.mark.usefixtures("loads")
def test_score_prints_a_readable_report(article: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", str(article)]) == 0
    out, err = capsys.readouterr()
    assert "Sourcing strength" in out
    assert LINES[1].text in out
    assert err == ""


@pytest.mark.usefixtures("loads")
def test_json_is_one_valid_object_per_input(article: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", "--json", str(article), str(article)]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["input"] for row in rows] == [str(article)] * 2
    for row in rows:
        jsonschema.validate(row["report"], report_schema())


def test_a_dash_reads_standard_input(loads: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    standard_input(monkeypatch, ARTICLE.encode())
    assert main(["score", "-"]) == 0
    assert loads[0]["scorer"].texts == [ARTICLE]
    assert capsys.readouterr().out.startswith("stdin: ")


@pytest.mark.parametrize("suffix", [".html", ".HTM"])
def test_a_page_is_scored_by_its_main_text(loads: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, suffix: str) -> None:
    module = types.ModuleType("onrecord.html")
    module.extract = lambda html, name: f"main text of {len(html)} characters in {Path(name).name}"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "onrecord.html", module)
    page = tmp_path / f"page{suffix}"
    page.write_text("<p>Hello</p>", encoding="utf-8")
    assert main(["score", str(page)]) == 0
    assert loads[0]["scorer"].texts == [f"main text of 12 characters in page{suffix}"]


def test_model_and_policy_are_passed_on_and_loaded_once(loads: list[dict[str, Any]], article: Path) -> None:
    assert main(["score", "--model", "some/model", "--policy", "mine.json", str(article), str(article)]) == 0
    assert [(call["model"], call["policy"]) for call in loads] == [("some/model", Path("mine.json"))]


def bad_inputs(folder: Path) -> dict[str, tuple[Path, str]]:
    (folder / "empty.txt").write_bytes(b"")
    (folder / "blank.txt").write_bytes(b" \n\t ")
    (folder / "latin.txt").write_bytes(b"caf\xe9 " * 50)
    (folder / "binary.txt").write_bytes(bytes(range(256)) * 20)
    names = {"missing.txt": "no such file", ".": "directory", "empty.txt": "", "blank.txt": "", "latin.txt": "", "binary.txt": ""}
    return {name: (folder / name, words) for name, words in names.items()}


@pytest.mark.parametrize("name", ["missing.txt", ".", "empty.txt", "blank.txt", "latin.txt", "binary.txt"])
def test_bad_input_is_one_line_on_stderr_and_exit_code_1(loads: list[dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    path, words = bad_inputs(tmp_path)[name]
    assert main(["score", str(path)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith(f"onrecord: {path}")
    assert words in err
    assert loads == []  # nobody waits for a model in order to read that the file is missing


@pytest.mark.usefixtures("loads")
def test_one_bad_input_does_not_stop_the_others(article: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = str(tmp_path / "missing\x1b[31m.txt")
    assert main(["score", "--json", missing, str(article)]) == 1
    out, err = capsys.readouterr()
    bad, good = (json.loads(line) for line in out.splitlines())
    assert bad["input"] == missing
    assert bad["error"]["code"] == "bad_input"
    assert "no such file" in bad["error"]["message"]
    assert good["report"]["words"] == sample_report().words
    assert "\x1b" not in err


@pytest.mark.usefixtures("loads")
@pytest.mark.parametrize("name", ["dam.txt/inside", "nul\0.txt", "n" * 5000])
def test_a_path_that_cannot_be_opened_is_one_line(article: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert main(["score", str(article.parent / name)]) == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "cannot be read (" in err


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs an endless file")
@pytest.mark.usefixtures("loads")
def test_an_endless_file_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", "/dev/zero"]) == 1
    assert "more than 64 MiB" in capsys.readouterr().err


@pytest.mark.usefixtures("loads")
def test_a_refused_article_says_why_and_exits_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "short.txt"
    path.write_text("Too few words.", encoding="utf-8")
    assert main(["score", str(path)]) == 1
    assert "Not judged: too short" in capsys.readouterr().out


def test_a_text_that_the_scorer_rejects_is_named(article: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def reject(self: FakeScorer, text: str) -> Report:
        raise InputError(f"text: {len(text)} characters; expected fewer")

    monkeypatch.setattr(FakeScorer, "score", reject)
    use(monkeypatch, lambda *_, **__: FakeScorer())
    assert main(["score", str(article)]) == 1
    assert capsys.readouterr() == ("", f"onrecord: {article}: text: {len(ARTICLE)} characters; expected fewer\n")


def test_a_model_that_cannot_be_loaded_is_one_line(article: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def load(*_: object, **__: object) -> None:
        raise CheckpointError("weights/x: model.safetensors is missing.\nDownload it again")

    use(monkeypatch, load)
    assert main(["score", "--model", "weights/x", str(article)]) == 1
    assert capsys.readouterr().err == "onrecord: weights/x: model.safetensors is missing. Download it again\n"


def test_control_c_exits_quietly_with_130(article: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def load(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    use(monkeypatch, load)
    assert main(["score", str(article)]) == 130
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("arguments", [[], ["score"], ["grade", "x"], ["example", "nosuch"], ["score", "--colour", "x"]])
def test_wrong_usage_exits_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert "usage: onrecord" in capsys.readouterr().err


@pytest.mark.parametrize(("arguments", "beginning"), [([], "Insiders fear"), (["rumour"], "Insiders fear"), (["wire"], "Council orders")])
def test_example_scores_a_shipped_article(loads: list[dict[str, Any]], arguments: list[str], beginning: str) -> None:
    assert main(["example", *arguments]) == 0
    (text,) = loads[0]["scorer"].texts
    assert text.startswith(beginning)
    assert len(text.split()) > 100


def run(code: str, **env: str) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "model"), str(ROOT / "tests"), *filter(None, [os.environ.get("PYTHONPATH")])])}
    return subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, check=False, env=environment | env)


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_work_without_a_model(option: str) -> None:
    done = run(f"from onrecord.cli import main\nimport onrecord.checkpoint\nonrecord.checkpoint.load = None\nmain([{option!r}])")
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"onrecord" in done.stdout


WITH_FAKE = "import sys, types, test_cli\nsys.modules['onrecord.checkpoint'] = types.SimpleNamespace(load=lambda *a, **k: test_cli.FakeScorer())\n"


def test_a_reader_that_goes_away_gets_no_traceback(article: Path) -> None:
    code = f"{WITH_FAKE}import os\nread, write = os.pipe()\nos.close(read)\nos.dup2(write, 1)\nsys.exit(test_cli.main(['score', {str(article)!r}]))"
    assert run(code).stderr == b""


def test_a_report_can_be_printed_where_stdout_is_ascii(article: Path) -> None:
    code = f"{WITH_FAKE}sys.exit(test_cli.main(['score', {str(article)!r}]))"
    done = run(code, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"Name the source of sentence 2: 0." in done.stdout

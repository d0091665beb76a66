"""The weights in the repository, used for real: what a user gets after `pip install`."""

import gzip
import json
import socket
from pathlib import Path

import numpy as np
import pytest
from jsonschema import Draft202012Validator

import onrecord
from onrecord.checkpoint import SHIPPED
from onrecord.policy import sigmoid

EXAMPLES = Path(onrecord.__file__).parent / "examples"
# Not in the repository (third-party texts); where somebody has them beside the checkout, they are tested too.
SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="module")
def scorer() -> onrecord.Scorer:
    return onrecord.load()


@pytest.fixture(scope="module")
def rumour() -> str:
    return (EXAMPLES / "rumour.txt").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def wire() -> str:
    return (EXAMPLES / "wire.txt").read_text(encoding="utf-8")


def assert_additive(report: onrecord.Report) -> None:
    """Bias plus contributions is the logit of each score."""
    assert report.biases is not None
    for name in ("risk", "sourcing", "speculation"):
        logit = getattr(report.biases, name) + sum(getattr(s.contributions, name) for s in report.sentences)
        assert abs(sigmoid(logit) - getattr(report, name).value) < 1e-9


def test_wire_report_ranks_above_rumour_in_every_score(scorer: onrecord.Scorer, rumour: str, wire: str) -> None:
    low, high = scorer.score([wire, rumour])
    assert low.risk.value < 0.25 < high.risk.value
    assert low.sourcing.value > 0.6
    assert high.sourcing.value < 0.4
    assert low.speculation.value < 0.3
    assert high.speculation.value > 0.5


def test_the_sentences_carry_the_classes_that_a_reader_would_give_them(scorer: onrecord.Scorer, rumour: str) -> None:
    report = scorer.score(rumour)
    by_start = {rumour[s.start : s.end][:20]: s for s in report.sentences}
    assert by_start["Rumour has it that i"].attribution == "vague"
    assert by_start["Bridge engineer Mara"].attribution == "named"
    assert by_start["None of this has bee"].caution >= report.caution_threshold
    assert by_start["If the talk is true,"].speculation == "conjecture"


def test_named_source_is_in_the_inventory(scorer: onrecord.Scorer, wire: str) -> None:
    sources = {source.text: source for source in scorer.score(wire).sources}
    assert any("Palmgren" in text and source.kind == "named" for text, source in sources.items())


def test_report_validates_against_its_schema_and_survives_json(scorer: onrecord.Scorer, rumour: str) -> None:
    report = scorer.score(rumour).to_dict()
    Draft202012Validator(onrecord.report_schema()).validate(report)
    assert json.loads(json.dumps(report)) == report


def test_contributions_sum_to_the_scores(scorer: onrecord.Scorer, rumour: str, wire: str) -> None:
    for report in scorer.score([rumour, wire]):
        assert_additive(report)


def test_loading_and_scoring_need_no_network(monkeypatch: pytest.MonkeyPatch, rumour: str) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a network connection was opened")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert onrecord.load().score(rumour).risk.value is not None


def test_shipped_files_are_small_and_hold_no_pickle() -> None:
    assert (SHIPPED / "model.safetensors").stat().st_size <= 50_000_000
    assert {path.suffix for path in SHIPPED.iterdir()} <= {".json", ".safetensors"}


@pytest.fixture(scope="module")
def seed_article(scorer: onrecord.Scorer) -> onrecord.Report:
    path = SHARED / "seed-article.txt"
    if not path.is_file():
        pytest.skip("the third-party seed article is not beside this checkout")
    return scorer.score(path.read_text(encoding="utf-8"))


def test_seed_article_reads_as_weakly_sourced_speculation(seed_article: onrecord.Report) -> None:
    report = seed_article
    assert report.sourcing.value < 0.45
    assert report.speculation.value > 0.5
    strongest = [report.sentences[d.sentence] for d in report.drivers[:5]]
    assert any(s.attribution in {"anonymous", "vague"} for s in strongest)
    assert any(s.speculation == "conjecture" for s in strongest)
    cautious = [s.contributions.risk for s in report.sentences if s.caution >= report.caution_threshold]
    assert cautious
    assert sum(cautious) < 0


def test_seed_article_is_a_high_review_priority(seed_article: onrecord.Report) -> None:
    assert seed_article.risk.value > 0.5


@pytest.mark.skipif(not (SHARED / "corpora" / "archive.jsonl.gz").is_file(), reason="the third-party archive is not beside this checkout")
def test_contributions_sum_to_the_scores_over_real_articles(scorer: onrecord.Scorer) -> None:
    with gzip.open(SHARED / "corpora" / "archive.jsonl.gz", "rt", encoding="utf-8") as file:
        texts = [json.loads(line)["text"] for _, line in zip(range(60), file, strict=False)]
    reports = [report for report in scorer.score(texts) if report.reason is None]
    assert len(reports) > 50
    for report in reports:
        assert_additive(report)
    assert np.ptp([report.risk.value for report in reports]) > 0.3

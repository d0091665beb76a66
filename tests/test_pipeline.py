"""transformers' own doors lead to the same scorer."""

from pathlib import Path

import pytest
from transformers import AutoConfig, pipeline

from onrecord.configuration import OnRecordConfig
from onrecord.inference import Scorer
from onrecord.pipeline import OnRecordPipeline, register
from onrecord.report import Report


@pytest.fixture(scope="module")
def pipe(checkpoint: Path) -> OnRecordPipeline:
    made = pipeline("onrecord", model=str(checkpoint), device="cpu")  # type: ignore[call-overload]  # the stubs list only the tasks of the library
    assert isinstance(made, OnRecordPipeline)
    return made


def test_a_string_gives_the_report_that_the_scorer_gives(pipe: OnRecordPipeline, scorer: Scorer, article: str) -> None:
    report = pipe(article)
    assert isinstance(report, Report)
    assert report == scorer.score(article)


def test_a_list_gives_a_list_in_order_with_bad_articles_in_their_place(pipe: OnRecordPipeline, scorer: Scorer, article: str) -> None:
    assert pipe([article, "", article.upper()]) == scorer.score([article, "", article.upper()])


def test_the_auto_classes_know_the_model(checkpoint: Path) -> None:
    config = AutoConfig.from_pretrained(checkpoint)
    assert isinstance(config, OnRecordConfig)
    assert config.to_dict()["encoder"]["hidden_size"] == 32


def test_registering_again_is_harmless(checkpoint: Path) -> None:
    register()
    assert isinstance(AutoConfig.from_pretrained(checkpoint), OnRecordConfig)

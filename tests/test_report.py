import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_samples import CALIBRATION, LINES, MODEL, POLICY, Line, predict, sample_report, text_of

from onrecord.labels import ATTRIBUTIONS, SPECULATIONS
from onrecord.policy import RiskPolicy
from onrecord.prediction import Prediction
from onrecord.report import MAX_DRIVERS, Refusal, Report, Warning, build_report
from onrecord.sentences import Span

TEXT = "One. Two. Three. Four. Five. Six. Seven."
share = st.floats(-3, 3)
weight = st.floats(0, 2)


@st.composite
def predictions(draw: st.DrawFn) -> Prediction:
    n = draw(st.integers(0, 7))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    values = [np.array(draw(st.lists(share, min_size=n, max_size=n)), dtype=float) for _ in range(2)]
    return Prediction(
        sentences=tuple(Span(i * 5, i * 5 + 4) for i in range(n)),
        attribution=rng.dirichlet(np.ones(len(ATTRIBUTIONS)), n),
        speculation=rng.dirichlet(np.ones(len(SPECULATIONS)), n),
        caution=rng.random(n),
        sourcing=values[0],
        speculating=values[1],
        sourcing_bias=draw(share),
        speculating_bias=draw(share),
        sources=(),
    )


policies = st.builds(RiskPolicy, name=st.just("random"), bias=share, sourcing=weight, speculation=weight, caution=weight)


@settings(deadline=None)  # the machine may be busy
@given(predictions(), policies)
def test_a_json_reader_can_redo_every_score_from_the_contributions(prediction: Prediction, policy: RiskPolicy) -> None:
    built = build_report(TEXT, prediction, policy=policy, calibration=CALIBRATION, model=MODEL, warnings=[], refused=None)
    report = json.loads(json.dumps(built.to_dict(), allow_nan=False))
    for name in ("risk", "sourcing", "speculation"):
        logit = report["biases"][name] + sum(sentence["contributions"][name] for sentence in report["sentences"])
        assert 1 / (1 + math.exp(-logit)) == pytest.approx(report[name]["value"], abs=1e-9)
        value = report[name]["value"]
        if 1e-3 < value < 1 - 1e-3:  # the logit of a rounded score is exact only away from the ends
            assert math.log(value / (1 - value)) == pytest.approx(logit, abs=1e-9)


@settings(deadline=None)  # the machine may be busy
@given(predictions())
def test_json_round_trip_is_exact(prediction: Prediction) -> None:
    report = build_report(
        TEXT, prediction, policy=POLICY, calibration=CALIBRATION, model=MODEL, warnings=[Warning("long", "A \u202eword\ud800.")], refused=None
    ).to_dict()
    assert json.loads(json.dumps(report)) == report


def test_sentences_carry_the_most_probable_class_and_the_whole_distribution() -> None:
    sentence = sample_report().sentences[1]
    assert (sentence.attribution, sentence.speculation) == ("anonymous", "none")
    assert sentence.probabilities["attribution"] == {label: 0.9 if label == "anonymous" else 0.02 for label in ATTRIBUTIONS}
    assert sentence.probabilities["speculation"] == {"none": 0.9, "hedged": 0.05, "conjecture": 0.05}
    assert text_of(LINES)[sentence.start : sentence.end] == LINES[1].text


@pytest.mark.parametrize(
    ("bias", "value", "band", "interval"), [(-20.0, 0.0, "low", (0.0, 0.2)), (0.0, 0.5, "some", (0.3, 0.7)), (20.0, 1.0, "high", (0.8, 1.0))]
)
def test_scores_have_a_band_and_an_interval_inside_zero_and_one(bias: float, value: float, band: str, interval: tuple[float, float]) -> None:
    prediction = predict([Line("Flat.")], sourcing_bias=bias)
    score = build_report("Flat.", prediction, policy=POLICY, calibration=CALIBRATION, model=MODEL, warnings=[], refused=None).sourcing
    assert score.value == pytest.approx(value, abs=1e-6)
    assert score.band == band
    assert score.interval == pytest.approx(interval, abs=1e-6)


def test_a_score_on_a_cut_falls_into_the_upper_band() -> None:
    line = Line("Flat.")
    sourcing_bias = math.log(0.65 / 0.35)
    report = build_report("Flat.", predict([line], sourcing_bias=sourcing_bias), policy=POLICY, calibration=CALIBRATION, model=MODEL, warnings=[], refused=None)
    assert report.sourcing.value == 0.65
    assert report.sourcing.band == "high"


def test_drivers_are_the_strongest_sentences_of_either_sign() -> None:
    report = sample_report()
    contributions = [driver.contribution for driver in report.drivers]
    assert [driver.sentence for driver in report.drivers] == [0, 1, 2, 3]
    assert contributions == [report.sentences[driver.sentence].contributions.risk for driver in report.drivers]
    assert contributions[0] > 0 > contributions[2]


def test_sentences_that_move_nothing_are_no_drivers_and_the_list_is_short() -> None:
    lines = [Line("Still."), *(Line(f"Sentence {i}.", "unattributed", sourcing=-i / 10) for i in range(1, 15))]
    drivers = sample_report(lines).drivers
    assert len(drivers) == MAX_DRIVERS
    assert drivers[0].sentence == 14
    assert sample_report([Line("Still.")]).drivers == ()


def test_an_article_that_is_not_judged_has_no_scores_but_keeps_its_sentences() -> None:
    report = sample_report(reason="no claims found")
    assert [(s.value, s.band, s.interval) for s in (report.risk, report.sourcing, report.speculation)] == [(None, None, None)] * 3
    assert report.reason == "no claims found"
    assert (report.drivers, report.advice) == ((), ())
    assert len(report.sentences) == len(LINES)
    assert report.sources


def test_a_text_refused_before_the_model_has_only_a_reason() -> None:
    report = build_report("Zu kurz.", None, policy=POLICY, calibration=CALIBRATION, model=MODEL, warnings=[], refused=Refusal("too_short", "too short"))
    assert (report.sentences, report.sources, report.biases, report.risk.value, report.words) == ((), (), None, None, 2)


def test_a_report_without_prediction_must_say_why() -> None:
    with pytest.raises(ValueError, match="neither a prediction nor a refusal"):
        build_report("Text.", None, policy=POLICY, calibration=CALIBRATION, model=MODEL, warnings=[], refused=None)


def test_reports_are_frozen() -> None:
    report: Report = sample_report()
    with pytest.raises(AttributeError):
        report.words = 3  # type: ignore[misc]

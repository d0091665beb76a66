"""The report on one article: what every channel shows, and the JSON that machines read."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any, Final

from onrecord.advice import Advice, advise, risk_logit
from onrecord.inventory import Source, take_inventory
from onrecord.labels import ATTRIBUTIONS, SPECULATIONS
from onrecord.policy import FloatArray, RiskPolicy, sigmoid

if TYPE_CHECKING:
    from onrecord.calibration import Calibration
    from onrecord.prediction import Prediction

__all__ = [
    "BANDS",
    "MAX_DRIVERS",
    "SCHEMA_VERSION",
    "SCORES",
    "Advice",
    "Contributions",
    "Driver",
    "ModelInfo",
    "Refusal",
    "Report",
    "Score",
    "Sentence",
    "Source",
    "Warning",
    "build_report",
]

BANDS: Final[tuple[str, ...]] = ("low", "some", "high")
SCORES: Final[tuple[str, ...]] = ("risk", "sourcing", "speculation")
SCHEMA_VERSION: Final = "1.0"
MAX_DRIVERS: Final = 10


@dataclass(frozen=True, slots=True)
class Score:
    """One article score in [0, 1], its band and 90% interval; all three are None when the article was not judged."""

    value: float | None
    band: str | None
    interval: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Contributions:
    """Signed shares in the logits of the three scores."""

    risk: float
    sourcing: float
    speculation: float


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence: where it stands in the text, what it rests on, and what it does to the scores.

    `attribution` is the most probable class, `speculation` the level by the calibrated thresholds; `caution` is a probability.
    """

    start: int
    end: int
    attribution: str
    speculation: str
    caution: float
    probabilities: dict[str, dict[str, float]]
    contributions: Contributions


@dataclass(frozen=True, slots=True)
class Driver:
    """A sentence, by index, that moves the risk most: above zero raises it, below zero lowers it."""

    sentence: int
    contribution: float


@dataclass(frozen=True, slots=True)
class Warning:
    """Something a reader should know before trusting the scores."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a text gets no score. Codes: empty, no_prose, not_english, too_short, too_large."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """Which model, weights, calibration and policy made a report."""

    name: str
    version: str
    weights_sha256: str
    calibration: str
    policy: str


@dataclass(frozen=True, slots=True)
class Report:
    """Everything OnRecord says about one article.

    For each score, its bias plus the contributions of all sentences is the score's logit.
    `biases` is None when the article was refused before the model saw it; `reason` then says why, and `reason_code` says it to machines.
    A sentence whose caution reaches `caution_threshold` counts as openly cautious.
    """

    risk: Score
    sourcing: Score
    speculation: Score
    biases: Contributions | None
    sentences: tuple[Sentence, ...]
    drivers: tuple[Driver, ...]
    sources: tuple[Source, ...]
    advice: tuple[Advice, ...]
    warnings: tuple[Warning, ...]
    reason: str | None
    reason_code: str | None
    model: ModelInfo
    words: int
    caution_threshold: float
    schema_version: str = SCHEMA_VERSION

    def to_dict(self) -> dict[str, Any]:
        """The report as dicts, lists, strings and numbers; numbers stay exact, so the sums can be redone."""
        return {field.name: _plain(getattr(self, field.name)) for field in fields(self)}


def build_report(  # noqa: PLR0913 - one place where everything that makes a report comes together
    text: str,
    prediction: "Prediction | None",
    *,
    policy: RiskPolicy,
    calibration: "Calibration",
    model: ModelInfo,
    warnings: Sequence[Warning],
    refused: Refusal | None,
) -> Report:
    """Turn a prediction into a report.

    Args:
        text: the original input, into which all offsets point.
        prediction: the model's reading; None when the text was refused before it.
        policy: turns the two scores and caution into risk.
        calibration: band cuts and interval widths.
        model: what made the prediction.
        warnings: passed through.
        refused: why the article is not judged. When given, the report has no scores, drivers or advice.
    """
    if prediction is None and refused is None:
        raise ValueError("build_report: found neither a prediction nor a refusal; expected one of them, so that an empty report explains itself")
    sentences: tuple[Sentence, ...] = ()
    biases = None
    if prediction is not None:
        biases = Contributions(
            policy.bias_for(prediction.sourcing_bias, prediction.speculating_bias), float(prediction.sourcing_bias), float(prediction.speculating_bias)
        )
        sentences = _sentences(prediction, policy, calibration)
    judged = prediction if refused is None else None
    scores = _scores(judged, policy, calibration) if judged is not None else dict.fromkeys(SCORES, Score(None, None, None))
    return Report(
        risk=scores["risk"],
        sourcing=scores["sourcing"],
        speculation=scores["speculation"],
        biases=biases,
        sentences=sentences,
        drivers=_drivers(sentences) if judged is not None else (),
        sources=take_inventory(text, prediction.sources) if prediction is not None else (),
        advice=advise(judged, policy, calibration) if judged is not None else (),
        warnings=tuple(warnings),
        reason=refused.message if refused else None,
        reason_code=refused.code if refused else None,
        model=model,
        words=len(text.split()),
        caution_threshold=calibration.caution_threshold,
    )


def _scores(prediction: "Prediction", policy: RiskPolicy, calibration: "Calibration") -> dict[str, Score]:
    logits = {
        "risk": risk_logit(prediction, policy),
        "sourcing": float(prediction.sourcing_bias + prediction.sourcing.sum()),
        "speculation": float(prediction.speculating_bias + prediction.speculating.sum()),
    }
    return {name: _score(sigmoid(logit), calibration.bands[name], calibration.intervals[name]) for name, logit in logits.items()}


def _score(value: float, cuts: tuple[float, float], half_width: float) -> Score:
    band = BANDS[sum(value >= cut for cut in cuts)]
    return Score(value, band, (max(0.0, value - half_width), min(1.0, value + half_width)))


def _sentences(prediction: "Prediction", policy: RiskPolicy, calibration: "Calibration") -> tuple[Sentence, ...]:
    risk = policy.contributions(prediction.sourcing, prediction.speculating, prediction.caution)
    return tuple(
        Sentence(
            start=span.start,
            end=span.end,
            attribution=ATTRIBUTIONS[int(prediction.attribution[i].argmax())],
            speculation=SPECULATIONS[calibration.speculation_level(prediction.speculation[i])],
            caution=float(prediction.caution[i]),
            probabilities={
                "attribution": _by_label(ATTRIBUTIONS, prediction.attribution[i]),
                "speculation": _by_label(SPECULATIONS, prediction.speculation[i]),
            },
            contributions=Contributions(float(risk[i]), float(prediction.sourcing[i]), float(prediction.speculating[i])),
        )
        for i, span in enumerate(prediction.sentences)
    )


def _by_label(labels: Sequence[str], probabilities: FloatArray) -> dict[str, float]:
    return {label: float(p) for label, p in zip(labels, probabilities, strict=True)}


def _drivers(sentences: Sequence[Sentence]) -> tuple[Driver, ...]:
    found = (Driver(i, sentence.contributions.risk) for i, sentence in enumerate(sentences) if sentence.contributions.risk != 0)
    return tuple(sorted(found, key=lambda driver: -abs(driver.contribution))[:MAX_DRIVERS])


def _plain(value: Any) -> Any:  # noqa: ANN401 - any field of a report
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value

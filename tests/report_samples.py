"""Predictions and reports made by hand, for the tests of what users see."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from onrecord.calibration import Calibration
from onrecord.labels import ATTRIBUTIONS, SPECULATIONS, TOKEN_TAGS
from onrecord.policy import RiskPolicy
from onrecord.prediction import PredictedSpan, Prediction
from onrecord.report import ModelInfo, Refusal, Report, build_report
from onrecord.sentences import Span

POLICY = RiskPolicy(name="test-policy", bias=-0.3, sourcing=0.8, speculation=0.6, caution=0.9)
CALIBRATION = Calibration(
    name="test-calibration",
    intervals={"risk": 0.1, "sourcing": 0.2, "speculation": 0.15},
    bands={"risk": (0.3, 0.6), "sourcing": (0.35, 0.65), "speculation": (0.25, 0.55)},
    caution_threshold=0.5,
    speculation_thresholds=(0.5, 0.5),
    affine=dict.fromkeys(("sourcing", "speculation", "speculative", "conjecture", "caution"), (1.0, 0.0)),
    weights_sha256="ab" * 32,
    temperature=1.0,
    tag_thresholds=dict.fromkeys(TOKEN_TAGS, 0.5),
    appeal_threshold=0.5,
)
MODEL = ModelInfo(name="small", version="0.1.0", weights_sha256="ab" * 32, calibration=CALIBRATION.name, policy=POLICY.name)


@dataclass(frozen=True)
class Line:
    """One sentence of a made-up article and what the model is to say of it."""

    text: str
    attribution: str = "named"
    speculation: str = "none"
    caution: float = 0.0
    sourcing: float = 0.0
    speculating: float = 0.0
    sources: Sequence[PredictedSpan] = field(default=())


def text_of(lines: Sequence[Line]) -> str:
    return " ".join(line.text for line in lines)


def predict(lines: Sequence[Line], *, sourcing_bias: float = 0.0, speculating_bias: float = 0.0, sources: Sequence[PredictedSpan] = ()) -> Prediction:
    spans, start = [], 0
    for line in lines:
        spans.append(Span(start, start + len(line.text)))
        start += len(line.text) + 1
    return Prediction(
        sentences=tuple(spans),
        attribution=np.array([[0.9 if label == line.attribution else 0.02 for label in ATTRIBUTIONS] for line in lines]).reshape(-1, len(ATTRIBUTIONS)),
        speculation=np.array([[0.9 if label == line.speculation else 0.05 for label in SPECULATIONS] for line in lines]).reshape(-1, len(SPECULATIONS)),
        caution=np.array([line.caution for line in lines], dtype=float),
        sourcing=np.array([line.sourcing for line in lines], dtype=float),
        speculating=np.array([line.speculating for line in lines], dtype=float),
        sourcing_bias=sourcing_bias,
        speculating_bias=speculating_bias,
        sources=tuple(sources),
    )


def mention(text: str, words: str, *, kind: str = "named", type: str | None = "official", probability: float = 0.9, nth: int = 0) -> PredictedSpan:
    """The `nth` place where `words` stand in `text`, as a predicted source."""
    start = -1
    for _ in range(nth + 1):
        start = text.index(words, start + 1)
    return PredictedSpan(start, start + len(words), kind, type, probability)


LINES = (
    Line("The dam at Oslin will burst before spring.", "unattributed", "conjecture", 0.0, -0.5, 0.7),
    Line("A worker who asked not to be named said the wall had moved.", "anonymous", "none", 0.1, -0.9, 0.1),
    Line("Engineer Ada Prewitt told the council it was sound.", "named", "none", 0.1, 0.6, -0.3),
    Line("The claim has not been confirmed.", "no_claim", "none", 0.95, 0.0, 0.0),
)


def sample_report(lines: Sequence[Line] = LINES, *, reason: str | None = None) -> Report:
    text = text_of(lines)
    sources = [mention(text, "Engineer Ada Prewitt", type="expert")] if "Ada Prewitt" in text else []
    return build_report(
        text,
        predict(lines, sources=sources),
        policy=POLICY,
        calibration=CALIBRATION,
        model=MODEL,
        warnings=[],
        refused=None if reason is None else Refusal("no_prose", reason),
    )

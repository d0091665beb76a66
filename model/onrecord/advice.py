"""Advice: the few edits that would lower the risk most, estimated through the additive scores.

Each edit is a counterfactual that takes one harmful contribution of one sentence out of the sum and leaves the rest as it is:

- "Name the source": the sentence rests on an anonymous, vague or missing source and weakens the sourcing score. Its
  sourcing contribution becomes zero, that is, neutral. A good source would add more, so the estimate is conservative there.
- "Support or remove the conjecture": the sentence is conjecture and adds to the speculation score. That contribution becomes zero.

The model is not run again. A real edit would also move the attention that the other sentences get, so the number is an
estimate, not a promise, and the estimates of two edits do not simply add up in the risk itself (they do in its logit).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from onrecord.labels import ATTRIBUTIONS, SPECULATIONS
from onrecord.policy import RiskPolicy, sigmoid

if TYPE_CHECKING:
    from onrecord.calibration import Calibration
    from onrecord.prediction import Prediction

MAX_ADVICE: Final = 3
MIN_REDUCTION: Final = 0.01

_UNTRACEABLE: Final = frozenset({"anonymous", "vague", "unattributed"})
_EDITS: Final = {
    "name_source": "Name the source of sentence {number}",
    "support_conjecture": "Support or remove the conjecture in sentence {number}",
    "support_hedge": "Give the basis for the hedged claim in sentence {number}",
}


@dataclass(frozen=True, slots=True)
class Advice:
    """One edit to one sentence (by index) and the risk before and, by estimate, after it."""

    sentence: int
    action: str
    text: str
    risk_before: float
    risk_after: float


def risk_logit(prediction: "Prediction", policy: RiskPolicy) -> float:
    """The article's risk in logit space."""
    caution = float(prediction.caution.mean()) if len(prediction.caution) else 0.0
    return policy.logit(
        float(prediction.sourcing_bias + prediction.sourcing.sum()),
        float(prediction.speculating_bias + prediction.speculating.sum()),
        caution,
    )


def advise(prediction: "Prediction", policy: RiskPolicy, calibration: "Calibration") -> tuple[Advice, ...]:
    """The edits with the largest estimated reduction of risk, largest first; at most three, none below 0.01."""
    logit = risk_logit(prediction, policy)
    before = sigmoid(logit)
    edits = [(before - sigmoid(logit - saved), i, action) for i, action, saved in _edits(prediction, policy, calibration)]
    edits.sort(key=lambda edit: (-edit[0], edit[1]))
    return tuple(_advice(i, action, before, before - reduction) for reduction, i, action in edits[:MAX_ADVICE] if reduction >= MIN_REDUCTION)


def _edits(prediction: "Prediction", policy: RiskPolicy, calibration: "Calibration") -> Iterator[tuple[int, str, float]]:
    """Each possible edit with what it takes off the risk logit; below zero where the sentence helps as it is."""
    for i in range(len(prediction.sentences)):
        attribution = ATTRIBUTIONS[int(prediction.attribution[i].argmax())]
        speculation = SPECULATIONS[calibration.speculation_level(prediction.speculation[i])]
        if attribution in _UNTRACEABLE:
            yield i, "name_source", policy.sourcing * -float(prediction.sourcing[i])
        if speculation != "none":
            action = "support_conjecture" if speculation == "conjecture" else "support_hedge"
            yield i, action, policy.speculation * float(prediction.speculating[i])


def _advice(sentence: int, action: str, before: float, after: float) -> Advice:
    text = f"{_EDITS[action].format(number=sentence + 1)}: {before:.2f} → {after:.2f}"
    return Advice(sentence, action, text, before, after)

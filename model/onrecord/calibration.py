"""Calibration of one set of weights: what turns raw logits into probabilities, classes, bands and intervals."""

import json
import math
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from onrecord.errors import CheckpointError
from onrecord.labels import TOKEN_TAGS
from onrecord.policy import FloatArray, read_json_object


@dataclass(frozen=True)
class Calibration:
    """Everything that was fitted on the validation documents after training; saved as `calibration.json`.

    Attributes:
        name: identifies this calibration in reports.
        weights_sha256: the weights that it belongs to; another file beside it is refused.
        affine: for `sourcing` and `speculation` (articles) and `speculative`, `conjecture`, `caution` (sentences):
            slope (above 0) and intercept applied to the raw logit (Platt 1999). Slopes scale contributions, so sums stay exact.
        temperature: divides the attribution logits (Guo et al. 2017).
        speculation_thresholds: least probability of level > 0, and of level > 1 given that, for the label.
        caution_threshold: least probability at which a sentence counts as openly cautious.
        tag_thresholds: least probability for each token tag.
        appeal_threshold: least probability that a sentence appeals to a source (a measure for tests; not in reports).
        intervals: half-width of the 90% interval of each article score (split conformal, Vovk et al. 2005).
        bands: cuts low | some | high of each article score.
    """

    name: str
    weights_sha256: str
    affine: dict[str, tuple[float, float]]
    temperature: float
    speculation_thresholds: tuple[float, float]
    caution_threshold: float
    tag_thresholds: dict[str, float]
    appeal_threshold: float
    intervals: dict[str, float]
    bands: dict[str, tuple[float, float]]

    def __post_init__(self) -> None:
        expected = {
            "affine": {"sourcing", "speculation", "speculative", "conjecture", "caution"},
            "tag_thresholds": set(TOKEN_TAGS),
            "intervals": {"risk", "sourcing", "speculation"},
            "bands": {"risk", "sourcing", "speculation"},
        }
        for key, names in expected.items():
            found = getattr(self, key)
            if not isinstance(found, dict) or set(found) != names:
                raise CheckpointError(f"calibration: {key} is {found!r}; expected an object with the keys {sorted(names)}")
        for key in ("name", "weights_sha256"):
            if not isinstance(getattr(self, key), str):
                raise CheckpointError(f"calibration: {key} is {getattr(self, key)!r}; expected a string")
        for field in fields(self)[2:]:
            _check_numbers(field.name, getattr(self, field.name))
        if not self.temperature > 0 or not all(slope > 0 for slope, _ in self.affine.values()):
            raise CheckpointError("calibration: temperature and slopes must be above 0, or the order of scores would change")
        if any(low > high for low, high in self.bands.values()):
            raise CheckpointError(f"calibration: bands are {self.bands!r}; expected the lower cut first")

    def scale(self, name: str, logits: FloatArray) -> FloatArray:
        """Calibrated logits of one affine map."""
        slope, intercept = self.affine[name]
        return slope * logits + intercept

    def attribution(self, logits: FloatArray) -> FloatArray:
        """[n, 6] probabilities."""
        scaled = logits / self.temperature
        weights = np.exp(scaled - scaled.max(axis=1, keepdims=True, initial=-np.inf))
        probabilities: FloatArray = weights / weights.sum(axis=1, keepdims=True)
        return probabilities

    def speculation(self, logits: FloatArray) -> FloatArray:
        """[n, 3] probabilities of the levels, from the continuation-ratio logits [n, 2]."""
        above = expit(self.scale("speculative", logits[:, 0]))
        beyond = expit(self.scale("conjecture", logits[:, 1]))
        return np.stack([1 - above, above * (1 - beyond), above * beyond], axis=1)

    def caution(self, logits: FloatArray) -> FloatArray:
        """[n] probabilities."""
        return expit(self.scale("caution", logits))

    def speculation_level(self, probabilities: FloatArray) -> int:
        """Level 0, 1 or 2 of one sentence from its probabilities [3], by the thresholds chosen on the validation documents."""
        above = float(probabilities[1] + probabilities[2])
        if above < self.speculation_thresholds[0]:
            return 0
        return 2 if probabilities[2] >= self.speculation_thresholds[1] * above else 1

    def save(self, path: Path) -> None:
        """Write as JSON."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> "Calibration":
        """Read; raises `CheckpointError` on missing, unknown or malformed keys."""
        values: dict[str, Any] = {**read_json_object(path, {f.name for f in fields(cls)})}
        try:
            values["affine"] = {k: (float(a), float(b)) for k, (a, b) in values["affine"].items()}
            values["bands"] = {k: (float(a), float(b)) for k, (a, b) in values["bands"].items()}
            low, high = values["speculation_thresholds"]
            values["speculation_thresholds"] = (float(low), float(high))
            return cls(**values)
        except (AttributeError, TypeError, ValueError) as error:
            raise CheckpointError(f"{path}: malformed ({error}). Write it anew with: python -m training.calibrate") from error


def _check_numbers(key: str, found: object) -> None:
    """Refuse anything but finite numbers, at any depth: a NaN or a string would pass unseen until an article meets it."""
    if isinstance(found, dict | tuple):
        for item in found.values() if isinstance(found, dict) else found:
            _check_numbers(key, item)
    elif not isinstance(found, int | float) or not math.isfinite(found):
        raise CheckpointError(f"calibration: {key} holds {found!r}; expected a finite number")


def expit(x: FloatArray) -> FloatArray:
    """Logistic function of an array, without overflow."""
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + e), e / (1 + e))

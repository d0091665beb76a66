"""The published risk policy: two article scores and caution in, review priority out."""

import json
import math
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt

from onrecord.errors import CheckpointError

FloatArray = npt.NDArray[np.float64]


def sigmoid(x: float) -> float:
    """Logistic function, stable for any finite `x`; returns a value in [0, 1]."""
    if x >= 0:
        return 1.0 / (1.0 + math.exp(-x))
    e = math.exp(x)
    return e / (1.0 + e)


@dataclass(frozen=True)
class RiskPolicy:
    """`logit(risk) = bias - sourcing * logit(sourcing) + speculation * logit(speculation) - caution * caution`.

    `caution` is the mean caution probability over the article's sentences. The three weights are not negative,
    so better sourcing, less speculation and more open caution never raise the risk.
    """

    name: str
    bias: float
    sourcing: float
    speculation: float
    caution: float

    def __post_init__(self) -> None:
        for key in ("bias", "sourcing", "speculation", "caution"):
            value = getattr(self, key)
            if not isinstance(value, int | float) or not math.isfinite(value):
                raise CheckpointError(f"risk policy: {key} is {value!r}; expected a finite number")
        for key in ("sourcing", "speculation", "caution"):
            if getattr(self, key) < 0:
                raise CheckpointError(f"risk policy: weight {key} is {getattr(self, key)}; weights must not be negative, or the policy would not be monotone")

    def logit(self, sourcing_logit: float, speculation_logit: float, caution: float) -> float:
        """Risk in logit space, from the two scores' logits and mean caution in [0, 1]."""
        return self.bias - self.sourcing * sourcing_logit + self.speculation * speculation_logit - self.caution * caution

    def bias_for(self, sourcing_bias: float, speculation_bias: float) -> float:
        """The part of the risk logit that belongs to no sentence."""
        return self.bias - self.sourcing * sourcing_bias + self.speculation * speculation_bias

    def contributions(self, sourcing: FloatArray, speculation: FloatArray, caution: FloatArray) -> FloatArray:
        """Signed share of each sentence in the risk logit.

        Args:
            sourcing: shape [n], each sentence's contribution to the sourcing logit.
            speculation: shape [n], each sentence's contribution to the speculation logit.
            caution: shape [n], caution probabilities in [0, 1].

        Returns:
            Shape [n]; `bias_for(...) + sum` is the risk logit.
        """
        share = caution / max(len(caution), 1)
        return -self.sourcing * sourcing + self.speculation * speculation - self.caution * share

    def save(self, path: Path) -> None:
        """Write the policy as JSON."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> "RiskPolicy":
        """Read a policy; raises `CheckpointError` on missing, unknown or malformed keys."""
        # __post_init__ checks the types of what the file holds.
        return cls(**read_json_object(path, {f.name for f in fields(cls)}))  # type: ignore[arg-type]


def read_json_object(path: Path, keys: set[str]) -> dict[str, object]:
    """Read a JSON object that has exactly `keys`; raises `CheckpointError` otherwise."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path}: cannot be read as JSON ({error}). Expected an object with the keys {sorted(keys)}") from error
    if not isinstance(found, dict) or set(found) != keys:
        names = sorted(found) if isinstance(found, dict) else type(found).__name__
        raise CheckpointError(f"{path}: found {names}; expected exactly the keys {sorted(keys)}")
    return found

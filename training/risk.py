"""Fit the published risk policy to the annotators' own ratings: no model and no fake/real label is involved."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from onrecord.policy import RiskPolicy

# Ratings 1 and 5 stand for these probabilities, so that their logits are finite.
_LOWEST = 0.05
# "Openly flagged uncertainty lowers the risk a little" (codebook). Between articles the ratings cannot show it,
# because flagged articles are the doubtful ones; the codebook's rule is therefore kept as a floor.
CAUTION_FLOOR = 1.0


def rating_logit(rating: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Logit of a rating from 1 to 5, mapped to [0.05, 0.95]."""
    p = _LOWEST + (rating - 1) / 4 * (1 - 2 * _LOWEST)
    return np.log(p / (1 - p))


def fit_policy(rows: Iterable[dict[str, Any]], name: str) -> RiskPolicy:
    """Monotone logistic regression of the risk rating on the two other ratings and the share of caution sentences.

    Every corpus weighs the same, since each was rated by another annotator and they differ in size.
    """
    rated = [r for r in rows if r["ratings"]["risk"] is not None]
    ratings = np.array([[r["ratings"][k] for k in ("sourcing", "speculation", "risk")] for r in rated], dtype=np.float64)
    caution = np.array([np.mean([s["caution"] == 1 for s in r["sentences"]]) for r in rated])
    corpora = [r["corpus"] for r in rated]
    weight = np.array([1 / corpora.count(c) for c in corpora])
    features = np.stack([np.ones(len(rated)), -rating_logit(ratings[:, 0]), rating_logit(ratings[:, 1]), -caution], axis=1)
    target = (ratings[:, 2] - 1) / 4

    def loss(w: npt.NDArray[np.float64]) -> float:
        z = features @ w
        return float(np.average(np.logaddexp(0, z) - target * z, weights=weight))

    bounds = [(None, None), (0, None), (0, None), (CAUTION_FLOOR, None)]
    bias, sourcing, speculation, caution_weight = minimize(loss, np.array([0, 1, 1, CAUTION_FLOOR]), bounds=bounds).x.round(4)
    return RiskPolicy(name, float(bias), float(sourcing), float(speculation), float(caution_weight))

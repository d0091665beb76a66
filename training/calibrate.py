"""Fit `calibration.json` for a trained model on the validation documents; no test set is read.

    python -m training.calibrate runs/small-seed1/model

Fits Platt scaling of the article scores and of speculation and caution, a temperature for attribution, thresholds by F1,
and the 90% intervals. The policy's weights stay as the ratings gave them; its bias moves so that the mean risk is the annotators'. Run it after training; loading a model without it, or with that of other weights, is refused.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy.optimize import brentq, minimize
from sklearn.metrics import f1_score
from transformers import AutoTokenizer

from onrecord.calibration import Calibration, expit
from onrecord.checkpoint import WEIGHTS, hash_file
from onrecord.labels import TOKEN_TAGS
from onrecord.modeling import OnRecordModel
from onrecord.policy import RiskPolicy
from training.config import TrainingConfig
from training.examples import MASKED, Collator
from training.train import read_items
from training.validation import Collected, collect

Array = npt.NDArray[Any]

# Between the ratings 2 | 3 and 3 | 4 of the codebook, mapped to [0, 1].
BAND_CUTS = (0.375, 0.625)
COVERAGE = 0.9


def fit_affine(logits: Array, target: Array) -> tuple[float, float]:
    """Slope (at least 0.05) and intercept that minimise the cross-entropy with targets in [0, 1] (Platt 1999)."""

    def loss(w: Array) -> float:
        z = w[0] * logits + w[1]
        return float(np.mean(np.logaddexp(0, z) - target * z))

    slope, intercept = minimize(loss, np.array([1.0, 0.0]), bounds=[(0.05, None), (None, None)]).x
    return float(slope), float(intercept)


def fit_offset(logits: Array, target: Array) -> float:
    """What to add to the logits so that their mean probability is the mean target."""
    return float(brentq(lambda b: float(np.mean(expit(logits + b)) - target.mean()), -10, 10))


def fit_temperature(logits: Array, labels: Array) -> float:
    """Temperature that minimises the cross-entropy (Guo et al. 2017)."""

    def loss(w: Array) -> float:
        z = logits / w[0]
        z = z - z.max(axis=1, keepdims=True)
        return float(np.mean(np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(z)), labels]))

    return float(minimize(loss, np.array([1.0]), bounds=[(0.2, 5.0)]).x[0])


def best_threshold(probabilities: Array, positive: Array) -> float:
    """Threshold of the best F1: the middle of the stretch of grid values that come within 0.005 of the best.

    The middle of a plateau moves less from one sample to the next than its peak does.
    """
    grid = np.linspace(0.05, 0.95, 91)
    scores = np.array([f1_score(positive, probabilities >= t, zero_division=0) for t in grid])
    best = int(scores.argmax())
    good = scores >= scores[best] - 0.005
    low = high = best
    while low > 0 and good[low - 1]:
        low -= 1
    while high < len(grid) - 1 and good[high + 1]:
        high += 1
    return round(float((grid[low] + grid[high]) / 2), 3)


def _tag_threshold(probabilities: Array, labels: Array) -> float:
    return best_threshold(probabilities[labels != MASKED], labels[labels != MASKED] == 1)


def interval(value: Array, rating: Array) -> float:
    """Half-width that covers `COVERAGE` of the ratings, with split conformal's correction for a finite sample."""
    errors = np.sort(np.abs(value - (rating - 1) / 4))
    return float(errors[min(len(errors) - 1, int(np.ceil((len(errors) + 1) * COVERAGE)) - 1)])


def fit(found: Collected, policy: RiskPolicy, name: str, weights_sha256: str) -> tuple[Calibration, RiskPolicy]:
    """Calibration from validation logits and labels, and the policy with its bias moved so that the mean risk is right."""
    rated = ~np.isnan(found["rating_labels"][:, 0])
    ratings = found["rating_labels"][rated]
    speculation, caution = found["speculation_labels"], found["caution_labels"]
    leveled, flagged = speculation != MASKED, caution != MASKED
    beyond = speculation > 0
    affine = {
        "sourcing": fit_affine(found["sourcing_logits"][rated], (ratings[:, 0] - 1) / 4),
        "speculation": fit_affine(found["speculating_logits"][rated], (ratings[:, 1] - 1) / 4),
        "speculative": fit_affine(found["speculation"][leveled, 0], speculation[leveled] > 0),
        "conjecture": fit_affine(found["speculation"][beyond, 1], speculation[beyond] > 1),
        "caution": fit_affine(found["caution"][flagged], caution[flagged] == 1),
    }

    def probability(key: str, logits: Array) -> Array:
        slope, intercept = affine[key]
        return np.asarray(expit(slope * logits + intercept))

    attributed = found["attribution_labels"] != MASKED
    p_caution = probability("caution", found["caution"])
    p_tags = expit(found["tags"])
    known_appeal = found["appeal_labels"] != MASKED
    values = {
        "sourcing": probability("sourcing", found["sourcing_logits"][rated]),
        "speculation": probability("speculation", found["speculating_logits"][rated]),
    }
    risk = _risk_logits(found, policy, affine, p_caution)[rated]
    bias = fit_offset(risk, (ratings[:, 2] - 1) / 4)
    calibration = Calibration(
        name=name,
        weights_sha256=weights_sha256,
        affine=affine,
        temperature=fit_temperature(found["attribution"][attributed], found["attribution_labels"][attributed].astype(int)),
        speculation_thresholds=(
            best_threshold(probability("speculative", found["speculation"][leveled, 0]), speculation[leveled] > 0),
            best_threshold(probability("conjecture", found["speculation"][beyond, 1]), speculation[beyond] > 1),
        ),
        caution_threshold=best_threshold(p_caution[flagged], caution[flagged] == 1),
        tag_thresholds={tag: _tag_threshold(p_tags[:, i], found["tag_labels"][:, i]) for i, tag in enumerate(TOKEN_TAGS)},
        appeal_threshold=best_threshold(expit(found["appeal"][known_appeal]), found["appeal_labels"][known_appeal] == 1),
        intervals={
            "risk": interval(np.asarray(expit(risk + bias)), ratings[:, 2]),
            "sourcing": interval(values["sourcing"], ratings[:, 0]),
            "speculation": interval(values["speculation"], ratings[:, 1]),
        },
        bands=dict.fromkeys(("risk", "sourcing", "speculation"), BAND_CUTS),
    )
    return calibration, replace(policy, bias=round(policy.bias + bias, 4))


def _risk_logits(found: Collected, policy: RiskPolicy, affine: dict[str, tuple[float, float]], caution: Array) -> Array:
    document = found["document"].astype(int)
    count = np.bincount(document)
    mean_caution = np.bincount(document, weights=caution) / np.maximum(count, 1)
    sourcing = affine["sourcing"][0] * found["sourcing_logits"] + affine["sourcing"][1]
    speculating = affine["speculation"][0] * found["speculating_logits"] + affine["speculation"][1]
    return np.array([policy.logit(*row) for row in zip(sourcing, speculating, mean_caution, strict=True)])


def calibrate(folder: Path) -> Calibration:
    """Fit and save the calibration of the model in `folder`."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = OnRecordModel.from_pretrained(folder, dtype=torch.float32)  # as `onrecord.load` does, also with fp16 weights
    _, items = read_items("validation", tokenizer, TrainingConfig(window_tokens=model.config.window_tokens), join=False)
    digest = hash_file(folder / WEIGHTS)
    found = collect(model, items, Collator(tokenizer.pad_token_id))
    calibration, policy = fit(found, RiskPolicy.load(folder / "policy.json"), f"validation-{digest[:8]}", digest)
    calibration.save(folder / "calibration.json")
    policy.save(folder / "policy.json")
    return calibration


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m training.calibrate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, nargs="+", help="model folder written by training.train or training.export")
    for folder in parser.parse_args(arguments).model:
        print(folder, calibrate(folder))


if __name__ == "__main__":
    main(sys.argv[1:])

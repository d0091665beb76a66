"""Score a model on labelled items while it trains: what early stopping and checkpoint choice look at."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from scipy.stats import spearmanr
from sklearn.metrics import f1_score
from torch import Tensor

from onrecord.modeling import OnRecordModel
from onrecord.policy import RiskPolicy
from training.examples import MASKED, Collator, LabelledDocument


@dataclass
class Collected:
    """Predictions and labels of all batches, by task."""

    outputs: dict[str, list[Tensor]] = field(default_factory=dict)

    def add(self, **tensors: Tensor) -> None:
        """Keep one batch's tensors, by name."""
        for name, tensor in tensors.items():
            self.outputs.setdefault(name, []).append(tensor.float().cpu())

    def __getitem__(self, name: str) -> np.ndarray:
        return torch.cat(self.outputs[name]).numpy()


@torch.no_grad()
def collect(model: OnRecordModel, items: Sequence[list[LabelledDocument]], collator: Collator, batch: int = 8) -> Collected:
    """Run the model over the items, without dropout; token tags only where they are labelled."""
    was_training = model.training
    model.train(mode=False)
    found = Collected()
    documents = 0
    for i in range(0, len(items), batch):
        inputs = {k: v.to(model.device) for k, v in collator(items[i : i + batch]).items()}
        out = model(**inputs)
        tagged = (inputs["tag_labels"] != MASKED).any(dim=1)
        found.add(
            **{name: getattr(out, name) for name in ("attribution", "speculation", "caution", "appeal", "subjective", "certainty")},
            **{name: inputs[name] for name in inputs if name.endswith("_labels") and not name.startswith(("tag", "source", "driver"))},
            sourcing_logits=out.sourcing_logits,
            speculating_logits=out.speculating_logits,
            document=inputs["document"] + documents,
            tags=out.tags[tagged],
            tag_labels=inputs["tag_labels"][tagged],
        )
        documents += len(inputs["rating_labels"])
    model.train(was_training)
    return found


def validation_metrics(found: Collected, policy: RiskPolicy) -> dict[str, float]:
    """Headline metrics, and `selection`, their mean, by which checkpoints are compared."""
    metrics: dict[str, float] = {}
    known = found["attribution_labels"] != MASKED
    metrics["attribution_macro_f1"] = f1_score(found["attribution_labels"][known], found["attribution"][known].argmax(-1), average="macro")
    metrics["speculative_f1"] = _f1(found["speculation"][:, 0], found["speculation_labels"] > 0, found["speculation_labels"] != MASKED)
    metrics["caution_f1"] = _f1(found["caution"], found["caution_labels"] == 1, found["caution_labels"] != MASKED)
    rated = ~np.isnan(found["rating_labels"][:, 0])
    ratings = found["rating_labels"][rated]
    sourcing, speculating, caution = found["sourcing_logits"], found["speculating_logits"], _mean_caution(found)
    risk = -policy.sourcing * sourcing + policy.speculation * speculating - policy.caution * caution
    metrics["sourcing_spearman"] = _spearman(sourcing[rated], ratings[:, 0])
    metrics["speculation_spearman"] = _spearman(speculating[rated], ratings[:, 1])
    metrics["risk_spearman"] = _spearman(risk[rated], ratings[:, 2])
    if len(found["tags"]):
        metrics["tag_macro_f1"] = float(np.mean([_f1(found["tags"][:, i], labels == 1, labels != MASKED) for i, labels in enumerate(found["tag_labels"].T)]))
        metrics["appeal_f1"] = _f1(found["appeal"], found["appeal_labels"] == 1, found["appeal_labels"] != MASKED)
    metrics["selection"] = float(np.mean(list(metrics.values())))
    return {name: float(value) for name, value in metrics.items()}


def _mean_caution(found: Collected) -> np.ndarray:
    document = found["document"].astype(int)
    probability = 1 / (1 + np.exp(-found["caution"]))
    return np.bincount(document, weights=probability) / np.maximum(np.bincount(document), 1)


def _f1(logits: np.ndarray, positive: np.ndarray, known: np.ndarray) -> float:
    return float(f1_score(positive[known], logits[known] > 0, zero_division=0))


def _spearman(a: np.ndarray, b: np.ndarray) -> float:
    rho = float(spearmanr(a, b)[0]) if len(set(a.tolist())) > 1 and len(set(b.tolist())) > 1 else 0.0
    return 0.0 if np.isnan(rho) else rho

"""Masked multi-task losses: every corpus supervises the heads that it has labels for."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from onrecord.labels import ATTRIBUTIONS, TOKEN_TAGS
from onrecord.modeling import OnRecordOutput, segment_softmax
from onrecord.policy import RiskPolicy
from training.config import TrainingConfig
from training.examples import MASKED, LabelledDocument


@dataclass(frozen=True)
class ClassBalance:
    """Weights against class imbalance, counted on the training table: (negatives / positives) ** power, or its multi-class form."""

    attribution: Tensor
    speculation: Tensor
    caution: Tensor
    tags: Tensor

    @classmethod
    def count(cls, documents: Iterable[LabelledDocument], power: float) -> "ClassBalance":
        """Count labels; power 0 leaves the classes as they are, 1 makes them weigh the same."""
        attribution = torch.zeros(len(ATTRIBUTIONS))
        levels, caution, tags = torch.zeros(3), torch.zeros(2), torch.zeros(2, len(TOKEN_TAGS))
        for d in documents:
            for name, counts in (("attribution", attribution), ("speculation", levels), ("caution", caution)):
                for label in d.labels[name]:
                    if label != MASKED:
                        counts[label] += 1
            for w in d.windows:
                marks = torch.tensor(w.tags)
                tags += torch.stack([(marks == 0).sum(0), (marks == 1).sum(0)])
        attribution, levels, caution, tags = (c.clamp(min=1) for c in (attribution, levels, caution, tags))
        weights = attribution**-power
        weights *= attribution.sum() / (weights * attribution).sum()
        return cls(
            attribution=weights,
            speculation=torch.stack([levels[0] / (levels[1] + levels[2]), levels[1] / levels[2]]) ** power,
            caution=(caution[0] / caution[1]) ** power,
            tags=(tags[0] / tags[1]) ** power,
        )


class MultiTaskLoss:
    """Weighted sum of each task's mean loss over what is labelled in the batch."""

    def __init__(self, config: TrainingConfig, balance: ClassBalance, policy: RiskPolicy) -> None:
        self.config = config
        self.balance = balance
        self.policy = policy

    def __call__(self, out: OnRecordOutput, batch: dict[str, Tensor]) -> Tensor:
        """One differentiable number."""
        weights = self.config.loss_weights
        parts = self.tasks(out, batch)
        total = out.attribution.sum() * 0.0
        for name, loss in parts.items():
            total = total + getattr(weights, name) * loss
        return total

    def tasks(self, out: OnRecordOutput, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Mean loss of each task that has at least one label in the batch."""
        parts = {
            "attribution": self._attribution(out.attribution, batch["attribution_labels"]),
            "speculation": self._speculation(out.speculation, batch["speculation_labels"]),
            "caution": _binary(out.caution, batch["caution_labels"], self.balance.caution),
            "appeal": _binary(out.appeal, batch["appeal_labels"]),
            "subjective": _binary(out.subjective, batch["subjective_labels"]),
            "certainty": _graded(out.certainty, batch["certainty_labels"], low=1, high=6),
            "ratings": self._ratings(out, batch["rating_labels"]),
            "drivers": self._drivers(out, batch),
            "tags": self._tags(out, batch),
        }
        return {name: loss for name, loss in parts.items() if loss is not None}

    def _attribution(self, logits: Tensor, labels: Tensor) -> Tensor | None:
        if not (labels != MASKED).any():
            return None
        return functional.cross_entropy(
            logits.float(), labels, weight=self.balance.attribution.to(logits.device), ignore_index=MASKED, label_smoothing=self.config.label_smoothing
        )

    def _speculation(self, logits: Tensor, labels: Tensor) -> Tensor | None:
        """Continuation ratio (Fienberg 1980): is the level above 0; given that it is, is it above 1."""
        above = torch.where(labels == MASKED, labels, (labels > 0).long())
        beyond = torch.where(labels > 0, (labels > 1).long(), torch.full_like(labels, MASKED))
        losses = [_binary(logits[:, k], target, self.balance.speculation[k]) for k, target in enumerate((above, beyond))]
        present = [x for x in losses if x is not None]
        return torch.stack(present).sum() if present else None

    def _ratings(self, out: OnRecordOutput, ratings: Tensor) -> Tensor | None:
        losses = [_graded(out.sourcing_logits, ratings[:, 0], low=1, high=5), _graded(out.speculating_logits, ratings[:, 1], low=1, high=5)]
        present = [x for x in losses if x is not None]
        return torch.stack(present).sum() if present else None

    def _drivers(self, out: OnRecordOutput, batch: dict[str, Tensor]) -> Tensor | None:
        """Contributions to the risk should rank the annotators' drivers first, at either end."""
        document = batch["document"]
        documents = len(batch["rating_labels"])
        count = torch.bincount(document, minlength=documents).clamp(min=1)[document]
        policy = self.policy
        risk = -policy.sourcing * out.sourcing + policy.speculation * out.speculating - policy.caution * out.caution.sigmoid() / count
        # Shares shrink as an article grows; scaling by its length makes long and short ones alike to the softmax.
        risk = risk.float() * count
        losses = []
        for sign, labels in ((1.0, batch["driver_up_labels"]), (-1.0, batch["driver_down_labels"])):
            if labels.any():
                log_share = torch.log(segment_softmax(sign * risk, document, documents).clamp(min=1e-6))
                losses.append(-log_share[labels > 0].mean())
        return torch.stack(losses).sum() if losses else None

    def _tags(self, out: OnRecordOutput, batch: dict[str, Tensor]) -> Tensor | None:
        labels = batch["tag_labels"]
        known = labels != MASKED
        if not known.any():
            return None
        weight = self.balance.tags.to(labels.device).expand(labels.shape)[known]
        loss = functional.binary_cross_entropy_with_logits(out.tags[known].float(), labels[known].float(), pos_weight=weight)
        kind = _binary(out.source_kind, batch["source_kind_labels"])
        if kind is not None:
            loss = loss + 0.2 * kind
        types = batch["source_type_labels"]
        if (types != MASKED).any():
            loss = loss + 0.2 * functional.cross_entropy(out.source_type.float(), types, ignore_index=MASKED)
        return loss


def _binary(logits: Tensor, labels: Tensor, positive: Tensor | None = None) -> Tensor | None:
    known = labels != MASKED
    if not known.any():
        return None
    weight = None if positive is None else positive.to(logits.device)
    return functional.binary_cross_entropy_with_logits(logits[known].float(), labels[known].float(), pos_weight=weight)


def _graded(logits: Tensor, labels: Tensor, low: float, high: float) -> Tensor | None:
    """Cross-entropy with the grade, mapped to [0.02, 0.98], as a soft target; its minimum is at the mean grade."""
    known = ~labels.isnan()
    if not known.any():
        return None
    target = ((labels[known] - low) / (high - low)).clamp(0.02, 0.98)
    return functional.binary_cross_entropy_with_logits(logits[known].float(), target)

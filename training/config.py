"""Settings of one training run, read from a JSON file in `training/configs/`."""

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class LossWeights:
    """Weight of each task's mean loss in the sum."""

    attribution: float = 1.0
    speculation: float = 1.0
    caution: float = 1.0
    ratings: float = 1.0
    drivers: float = 0.2
    tags: float = 1.0
    appeal: float = 0.6
    subjective: float = 0.3
    certainty: float = 0.3


@dataclass(frozen=True)
class TrainingConfig:
    """All that decides a run, apart from the data; unknown keys in the file raise.

    Attributes:
        base_model: folder or hub id of the encoder that is fine-tuned.
        window_tokens: largest window, special tokens included.
        batch_documents: items per step; an item is one article or `single_sentences` stand-alone sentences.
        encoder_learning_rate, head_learning_rate: peaks of a linear warm-up and decay.
        patience: epochs without a better validation score before training stops.
        bf16: mixed precision (bfloat16); on CPUs with native support about twice as fast.
    """

    name: str = "small"
    base_model: str = "data/raw/base/all-MiniLM-L6-v2"
    seed: int = 1
    epochs: int = 5
    patience: int = 2
    window_tokens: int = 384
    pooled_size: int = 384
    head_dropout: float = 0.1
    batch_documents: int = 4
    single_sentences: int = 16
    encoder_learning_rate: float = 3e-4
    head_learning_rate: float = 1e-3
    warmup_share: float = 0.1
    weight_decay: float = 0.01
    label_smoothing: float = 0.05
    class_balance: float = 0.35
    bf16: bool = True
    loss_weights: LossWeights = field(default_factory=LossWeights)

    @classmethod
    def load(cls, path: Path) -> "TrainingConfig":
        """Read a JSON file; raises `ValueError` naming unknown keys."""
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        weights = values.pop("loss_weights", {})
        _check_keys(path, "", set(values), cls)
        _check_keys(path, "loss_weights.", set(weights), LossWeights)
        return cls(**values, loss_weights=LossWeights(**weights))

    def to_dict(self) -> dict[str, Any]:
        """The settings as plain JSON values."""
        return asdict(self)


def _check_keys(path: Path, prefix: str, found: set[str], cls: type) -> None:
    unknown = sorted(prefix + key for key in found - {f.name for f in fields(cls)})
    if unknown:
        raise ValueError(f"{path}: unknown keys {unknown}; expected some of {[f.name for f in fields(cls)]}")

"""Keep a running average of the weights while a model trains, and judge and ship that instead of the last step's.

Averages of weights lie in flatter places than any one of them and carry over better to texts of another make (Izmailov et al. 2018;
Cha et al. 2021).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

AVERAGE = "average.safetensors"


class WeightAverage:
    """Exponential moving average of a model's parameters; it starts as their mean, so that the first steps do not linger."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.steps = 0
        self.weights = {name: p.detach().clone() for name, p in model.named_parameters()}

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Take in the weights after one more step."""
        self.steps += 1
        share = max(1 - self.decay, 1 / self.steps)
        for name, parameter in model.named_parameters():
            self.weights[name].lerp_(parameter.detach(), share)

    @contextmanager
    def applied_to(self, model: nn.Module) -> Iterator[None]:
        """Let `model` have the average inside the block, and its own weights again after it."""
        own = {name: p.detach().clone() for name, p in model.named_parameters()}
        copy_into(model, self.weights)
        try:
            yield
        finally:
            copy_into(model, own)

    def save(self, folder: Path) -> None:
        """Write the average and its number of steps beside a checkpoint."""
        save_file({**self.weights, "steps": torch.tensor(self.steps)}, folder / AVERAGE)

    def restore(self, folder: Path) -> None:
        """Go on from what `save` wrote."""
        found = load_file(folder / AVERAGE)
        self.steps = int(found.pop("steps"))
        for name, weights in self.weights.items():
            weights.copy_(found[name])


class AveragingCallback(TrainerCallback):
    """Takes in the weights after every step of the optimizer."""

    def __init__(self, average: WeightAverage) -> None:
        self.average = average

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:  # noqa: ANN401 - signature of the base class
        """Update the average."""
        self.average.update(kwargs["model"])


@torch.no_grad()
def copy_into(model: nn.Module, weights: dict[str, Tensor]) -> None:
    """Overwrite a model's parameters."""
    for name, parameter in model.named_parameters():
        parameter.copy_(weights[name])

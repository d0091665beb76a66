"""The running average of the weights is what its formula says, and survives a checkpoint."""

from pathlib import Path

import pytest
import torch
from torch import nn

from training.averaging import WeightAverage


def model_of(value: float) -> nn.Linear:
    model = nn.Linear(1, 1, bias=False)
    nn.init.constant_(model.weight, value)
    return model


def averaged(values: list[float], decay: float) -> WeightAverage:
    average = WeightAverage(model_of(100.0), decay)
    for value in values:
        average.update(model_of(value))
    return average


def test_it_begins_as_the_mean_of_the_steps_and_goes_on_as_a_moving_average() -> None:
    assert averaged([1.0, 2.0, 6.0], 0.9).weights["weight"].item() == pytest.approx(3.0)
    assert averaged([0.0, 4.0, 8.0, 0.0], 0.5).weights["weight"].item() == pytest.approx(((0 + 4) / 2 + 8) / 2 / 2)


def test_a_model_has_the_average_inside_the_block_only_even_when_it_fails() -> None:
    model, average = model_of(7.0), averaged([3.0], 0.9)

    def fail_inside() -> None:
        with average.applied_to(model):
            assert model.weight.item() == 3.0
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_inside()
    assert model.weight.item() == 7.0


def test_it_goes_on_from_a_checkpoint_as_if_it_had_not_stopped(tmp_path: Path) -> None:
    values = [1.0, 2.0, 6.0, 5.0, 3.0]
    first = averaged(values[:2], 0.6)
    first.save(tmp_path)
    second = WeightAverage(model_of(0.0), 0.6)
    second.restore(tmp_path)
    for value in values[2:]:
        second.update(model_of(value))
    assert torch.equal(second.weights["weight"], averaged(values, 0.6).weights["weight"])

"""What every backend offers."""

from typing import Protocol

from torch import Tensor


class Backend(Protocol):
    """Runs the encoder, and nothing else: pooling and heads are the model's own, in single precision."""

    @property
    def name(self) -> str:
        """What reports and benchmarks call it."""

    @property
    def token_budget(self) -> int:
        """Most tokens, padding included, in one call; 0 for one window at a time, without padding."""

    def encode(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Token states [W, T, H] in float32 of windows [W, T], which are padded on the right."""

"""The encoder as torch runs it: in single precision on a CPU, in bfloat16 on a GPU."""

import torch
from torch import Tensor, nn

# One window at a time wastes nothing on padding, and makes scores independent of what else is scored to the last bit.
_ONE_BY_ONE = 0
_ON_A_GPU = 65_536


class TorchBackend:
    """Runs the model's own encoder where it lies."""

    def __init__(self, encoder: nn.Module) -> None:
        self.encoder = encoder

    @property
    def device(self) -> torch.device:
        """Where the encoder lies."""
        return next(self.encoder.parameters()).device

    @property
    def name(self) -> str:
        """Device and arithmetic."""
        return f"torch-{self.device.type}-{'bf16' if self._low_precision else 'fp32'}"

    @property
    def token_budget(self) -> int:
        """See `Backend`."""
        return _ONE_BY_ONE if self.device.type == "cpu" else _ON_A_GPU

    def encode(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """See `Backend`."""
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self._low_precision):
            states: Tensor = self.encoder(input_ids=input_ids.to(self.device), attention_mask=attention_mask.to(self.device)).last_hidden_state
        return states.float()

    @property
    def _low_precision(self) -> bool:
        return self.device.type == "cuda" and torch.cuda.is_bf16_supported()

"""Ways to run the encoder: the same weights, other arithmetic."""

from onrecord.backends.base import Backend
from onrecord.backends.pytorch import TorchBackend

__all__ = ["Backend", "TorchBackend"]

"""Which backend to use."""

from importlib.util import find_spec
from typing import Final

from transformers import PreTrainedTokenizerBase

from onrecord.backends.base import Backend
from onrecord.backends.pytorch import TorchBackend
from onrecord.errors import InputError
from onrecord.modeling import OnRecordModel

BACKENDS: Final = ("auto", "torch", "openvino")


def choose_backend(name: str, model: OnRecordModel, tokenizer: PreTrainedTokenizerBase, weights_sha256: str) -> Backend:
    """The backend of this name; "auto" is OpenVINO on a CPU where the extra `fast` is installed, else torch.

    Raises:
        InputError: there is no such backend, or the model lies on a GPU and OpenVINO was asked for.
        MissingExtraError: OpenVINO is not installed.
    """
    if name not in BACKENDS:
        raise InputError(f"found the backend {name!r}; expected one of {', '.join(BACKENDS)}")
    on_cpu = model.device.type == "cpu"
    if name == "openvino" and not on_cpu:
        raise InputError(f"the backend openvino runs on the CPU, but the model is on {model.device}; expected device='cpu', or the backend torch")
    if name == "openvino" or (name == "auto" and on_cpu and find_spec("openvino") and find_spec("nncf")):
        from onrecord.backends.openvino import OpenVinoBackend  # noqa: PLC0415 - an optional dependency

        return OpenVinoBackend(model, tokenizer, weights_sha256)
    return TorchBackend(model.encoder)

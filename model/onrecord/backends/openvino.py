"""The encoder on OpenVINO: int8 matrix products, and bfloat16 for the rest where the processor has it."""

from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from platformdirs import user_cache_path
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from onrecord.backends.derivation import ENCODER, RECIPE, derive, load_openvino
from onrecord.modeling import OnRecordModel

# Windows handed over together; each runs alone, without padding, on one of the streams.
_TOKEN_BUDGET: Final = 8_192


class OpenVinoBackend:
    """Runs a derived encoder; each window on a stream of its own, so that all cores are busy without padding."""

    def __init__(self, model: OnRecordModel, tokenizer: PreTrainedTokenizerBase, weights_sha256: str) -> None:
        """Take the int8 form of these weights from the cache folder, or derive it first (about half a minute, once).

        Raises:
            MissingExtraError: OpenVINO is not installed.
        """
        ov = load_openvino()
        core = ov.Core()
        folder = cache_folder(weights_sha256, ov.__version__)
        if not (folder / ENCODER).is_file():
            derive(model, tokenizer, folder)
        arithmetic = "bf16" if "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES") else "f32"
        options = {"PERFORMANCE_HINT": "THROUGHPUT", "INFERENCE_PRECISION_HINT": arithmetic, "INFERENCE_NUM_THREADS": torch.get_num_threads()}
        compiled = core.compile_model(core.read_model(folder / ENCODER), "CPU", options)
        self.name = f"openvino-int8-{arithmetic}"
        self.token_budget = _TOKEN_BUDGET
        self._hidden_size = model.config.encoder.hidden_size
        self._queue = ov.AsyncInferQueue(compiled, int(compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS")))
        self._queue.set_callback(_keep)

    def encode(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """See `Backend`."""
        ids = input_ids.numpy()
        states = np.zeros((*ids.shape, self._hidden_size), dtype=np.float32)
        for row, size in enumerate(attention_mask.sum(-1).tolist()):
            self._queue.start_async({0: ids[row : row + 1, :size]}, states[row, :size])
        self._queue.wait_all()
        return torch.from_numpy(states)


def _keep(request: Any, place: npt.NDArray[np.float32]) -> None:  # noqa: ANN401 - OpenVINO has no types
    place[:] = request.get_output_tensor(0).data[0]


def cache_folder(weights_sha256: str, version: str) -> Path:
    """Where the int8 form of these weights lies on this machine."""
    return user_cache_path("onrecord") / f"{weights_sha256[:16]}-int8-{RECIPE}-openvino-{version.split('-', maxsplit=1)[0]}"

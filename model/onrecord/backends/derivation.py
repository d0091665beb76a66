"""Derive the int8 form of an encoder on the user's machine.

Post-training quantisation of weights and activations with SmoothQuant (Xiao et al., 2023) and bias correction, as NNCF
does them for transformers, calibrated on articles of our own.
"""

import gzip
import json
import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from onrecord.errors import MissingExtraError
from onrecord.modeling import OnRecordModel
from onrecord.preparation import prepare

# Changes when the same weights would give another int8 form.
RECIPE: Final = "2"
ENCODER: Final = "encoder.xml"
_WINDOWS: Final = 128


class _Unmasked(nn.Module):
    """The encoder for windows without padding, which need no mask."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, input_ids: Tensor) -> Tensor:
        states: Tensor = self.encoder(input_ids=input_ids).last_hidden_state
        return states


def load_openvino() -> Any:  # noqa: ANN401 - it has no types
    """The module `openvino`.

    Raises:
        MissingExtraError: it is not installed.
    """
    # OpenVINO and NNCF report their use to an analytics service. OnRecord promises to work locally, and without this
    # module of theirs they do not: None makes its import fail.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    try:
        import nncf  # noqa: F401, PLC0415 - both come with the extra; one alone is of no use
        import openvino  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if error.name not in {"openvino", "nncf"}:
            raise
        raise MissingExtraError("The OpenVINO backend", error.name, "fast") from error
    return openvino


def derive(model: OnRecordModel, tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """Write the int8 encoder into `folder`, which appears only when it is whole."""
    ov = load_openvino()
    import nncf  # noqa: PLC0415 - an optional dependency

    windows = [np.array([ids]) for ids in islice(calibration_windows(tokenizer, model.config.window_tokens), _WINDOWS)]
    nncf.set_log_level(logging.ERROR)
    with _quiet():
        converted = ov.convert_model(_Unmasked(model.encoder), example_input=torch.from_numpy(windows[0]), input=[ov.PartialShape([1, -1])])
        quantised = nncf.quantize(converted, nncf.Dataset(windows), model_type=nncf.ModelType.TRANSFORMER, subset_size=len(windows))
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as unfinished:
        whole = Path(unfinished, "whole")
        whole.mkdir()
        ov.save_model(quantised, whole / ENCODER, compress_to_fp16=False)
        try:
            os.replace(whole, folder)
        except OSError:
            if not (folder / ENCODER).is_file():  # unless another process was faster
                raise


@contextmanager
def _quiet() -> Iterator[None]:
    """Progress bars go to standard error, for standard output belongs to results; warnings about the libraries' own code go nowhere."""
    with redirect_stdout(sys.stderr), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def calibration_windows(tokenizer: PreTrainedTokenizerBase, window_tokens: int) -> Iterator[list[int]]:
    """Token ids of the windows of our own articles."""
    packed = (files("onrecord.backends") / "calibration.jsonl.gz").read_bytes()
    texts: Sequence[str] = [json.loads(line) for line in gzip.decompress(packed).decode("utf-8").splitlines()]
    for article in prepare(texts, tokenizer, window_tokens):
        if article.tokenised is not None:
            for window in article.tokenised.windows:
                yield article.tokenised.ids(window, tokenizer)

"""Find, verify and load a checkpoint folder: the one place where weights enter the program."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from transformers import AutoTokenizer
from transformers.utils import logging

from onrecord.backends.choice import choose_backend
from onrecord.calibration import Calibration
from onrecord.configuration import OnRecordConfig
from onrecord.errors import CheckpointError
from onrecord.inference import Scorer
from onrecord.modeling import OnRecordModel
from onrecord.policy import RiskPolicy
from onrecord.report import ModelInfo

WEIGHTS = "model.safetensors"
FILES = ("config.json", WEIGHTS, "tokenizer.json", "tokenizer_config.json", "policy.json", "calibration.json")
SHIPPED = Path(__file__).parent / "weights" / "small"


def load(
    name_or_path: str | Path | None = None,
    *,
    local_files_only: bool = False,
    device: str | torch.device | None = None,
    policy: RiskPolicy | str | Path | None = None,
    backend: str = "torch",
) -> Scorer:
    """Load a model, ready to score.

    Args:
        name_or_path: a folder or a hub id; None is the model shipped with the package, which needs no network.
        local_files_only: for a hub id, use only what was downloaded before.
        device: where to run, e.g. "cuda"; None is the GPU if there is one, else the CPU.
        policy: a newsroom's own risk policy (or the path of its JSON), instead of the checkpoint's.
        backend: "torch", "openvino" (int8 on the CPU: faster, and a little off; the README has both figures), or "auto" (see `choose_backend`).

    Raises:
        CheckpointError: the checkpoint is missing, incomplete, unreadable or was changed.
    """
    folder = _find(name_or_path, local_files_only=local_files_only)
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise CheckpointError(f"{folder}: {missing} not found; expected all of {list(FILES)}. Train and calibrate a model first, or give another folder")
    calibration = Calibration.load(folder / "calibration.json")
    found = hash_file(folder / WEIGHTS)
    if found != calibration.weights_sha256:
        raise CheckpointError(
            f"{folder / WEIGHTS}: sha256 is {found}; calibration.json belongs to {calibration.weights_sha256}. "
            "The weights were changed or are from another model: restore them, or run: python -m training.calibrate"
        )
    chosen = policy if isinstance(policy, RiskPolicy) else RiskPolicy.load(folder / "policy.json" if policy is None else Path(policy))
    model = _read_model(folder)
    model.to(device or ("cuda" if torch.cuda.is_available() else "cpu"))  # type: ignore[arg-type]  # the library's wrapper hides the signature
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # the tokenizers library raises bare `Exception`, and any other on a file that is valid JSON but no tokenizer
        raise CheckpointError(f"{folder}: the tokenizer cannot be read ({error}). Copy the folder again from where it came") from error
    # A hub id, not the commit that names its folder in the cache.
    name = str(name_or_path) if name_or_path is not None and not Path(name_or_path).exists() else folder.resolve().name
    info = ModelInfo(name=name, version=model.config.release, weights_sha256=found, calibration=calibration.name, policy=chosen.name)
    return Scorer(model, tokenizer, calibration, chosen, info, backend=choose_backend(backend, model, tokenizer, found))


def hash_file(path: Path) -> str:
    """Sha256 of a file, in hexadecimal, read piece by piece."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def _find(name_or_path: str | Path | None, *, local_files_only: bool) -> Path:
    if name_or_path is None:
        return SHIPPED
    folder = Path(name_or_path)
    if folder.exists() or isinstance(name_or_path, Path):
        if not folder.is_dir():
            raise CheckpointError(f"{folder}: not a folder; expected a checkpoint folder with {list(FILES)}")
        return folder
    from huggingface_hub import snapshot_download  # noqa: PLC0415 - only a hub id needs it
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError  # noqa: PLC0415

    try:
        return Path(snapshot_download(str(name_or_path), allow_patterns=list(FILES), local_files_only=local_files_only))
    except (HFValidationError, HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise CheckpointError(
            f"{name_or_path!r} is neither a folder here nor a model that the hub gave us ({error}). Check the spelling and the network"
        ) from error


@contextmanager
def _without_progress_bar() -> Iterator[None]:
    """Half a second of loading needs no bar among a reader's reports; the user's own setting comes back afterwards."""
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]


def _read_model(folder: Path) -> OnRecordModel:
    """Weights in fp32 (they are stored in fp16); refuses a file that does not fill the model exactly."""
    try:
        found = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        kind = found.get("model_type") if isinstance(found, dict) else None
        if kind != OnRecordConfig.model_type:
            raise CheckpointError(f"{folder}: config.json is of type {kind!r}; expected {OnRecordConfig.model_type!r}")
        with _without_progress_bar():
            loaded: Any = OnRecordModel.from_pretrained(folder, dtype=torch.float32, use_safetensors=True, local_files_only=True, output_loading_info=True)
    except (SafetensorError, OSError, ValueError, RuntimeError, StrictDataclassError) as error:
        raise CheckpointError(f"{folder}: cannot be read ({error}). Copy the folder again from where it came") from error
    model: OnRecordModel
    model, report = loaded
    wrong = {kind: sorted(map(str, report[kind])) for kind in ("missing_keys", "unexpected_keys", "mismatched_keys") if report[kind]}
    if wrong:
        raise CheckpointError(f"{folder}: the weights do not fit config.json: {wrong}. Both must come from the same model")
    positions = getattr(model.config.encoder, "max_position_embeddings", model.config.window_tokens)
    if not 2 < model.config.window_tokens <= positions:
        raise CheckpointError(f"{folder}: config.json has window_tokens {model.config.window_tokens}; expected 3 to {positions}, the encoder's positions")
    return model

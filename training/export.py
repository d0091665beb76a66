"""Turn a trained run into a folder that users load: fp16 weights, tokenizer, config, policy, calibration.

    python -m training.export runs/small-seed1/model model/onrecord/weights/small --release 0.1.0

The calibration is fitted anew, on the rounded weights, so that it belongs to exactly what is shipped.
"""

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from onrecord.checkpoint import FILES, WEIGHTS
from onrecord.modeling import OnRecordModel
from training.calibrate import calibrate

MAX_BYTES = 50_000_000


def export(source: Path, target: Path, release: str) -> None:
    """Write `target` from the model folder `source`; raises `SystemExit` if the weights come out larger than 50 MB."""
    model = OnRecordModel.from_pretrained(source, dtype=torch.float32)
    model.config.release = release
    # Where the encoder lay on the machine that trained it means nothing to users.
    model.config.encoder.name_or_path = ""
    model.half()  # type: ignore[no-untyped-call]
    model.save_pretrained(target)
    for name in FILES:
        if name.startswith("tokenizer") or name == "policy.json":
            shutil.copyfile(source / name, target / name)
    (target / WEIGHTS).chmod(0o644)  # the library writes it for its owner alone
    size = (target / WEIGHTS).stat().st_size
    if size > MAX_BYTES:
        raise SystemExit(f"{target / WEIGHTS} has {size:,} bytes; at most {MAX_BYTES:,} may be shipped. Train a smaller encoder")
    calibrate(target)


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m training.export", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="model folder of a run")
    parser.add_argument("target", type=Path, help="folder to write")
    parser.add_argument("--release", required=True, help="version of these weights, shown in every report")
    options = parser.parse_args(arguments)
    export(options.source, options.target, options.release)


if __name__ == "__main__":
    main(sys.argv[1:])

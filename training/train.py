"""Fine-tune an encoder into an OnRecord model.

    python -m training.train --config training/configs/small.json

Reads the tables of `python -m data.prepare`; writes a run folder with checkpoints, the best model, its settings, the
git commit, hashes of the data and every metric. Stops early on the validation documents, never on a test set.
Run the same command again with `--resume` after an interruption: the result is the same to the bit.
"""

import argparse
import json
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, AutoTokenizer, EarlyStoppingCallback, PreTrainedTokenizerBase, Trainer, TrainingArguments, set_seed
from transformers.integrations.integration_utils import is_tensorboard_available

from data.prepare import PREPARED, load
from onrecord.configuration import OnRecordConfig
from onrecord.modeling import OnRecordModel
from onrecord.policy import RiskPolicy
from training.config import TrainingConfig
from training.examples import Collator, LabelledDocument, label_document, make_items
from training.losses import ClassBalance, MultiTaskLoss
from training.passages import join_sentences
from training.risk import fit_policy
from training.validation import collect, validation_metrics

Items = list[list[LabelledDocument]]


class ItemDataset(torch.utils.data.Dataset[list[LabelledDocument]]):
    """A list of items, in the form that the Trainer wants."""

    def __init__(self, items: Items) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> list[LabelledDocument]:
        return self.items[index]


class OnRecordTrainer(Trainer):
    """transformers' Trainer with the multi-task loss, two learning rates and document-level validation."""

    def __init__(self, *, config: TrainingConfig, loss: MultiTaskLoss, validation: Items, **kwargs: Any) -> None:  # noqa: ANN401 - the Trainer's own
        super().__init__(**kwargs)
        self.config = config
        self.multi_task_loss = loss
        self.validation = validation

    def compute_loss(self, model: nn.Module, inputs: dict[str, Tensor], return_outputs: bool = False, num_items_in_batch: Tensor | int | None = None) -> Any:  # noqa: ANN401 - signature of the base class
        """Forward pass and masked loss."""
        out = model(**inputs)
        loss = self.multi_task_loss(out, inputs)
        return (loss, out) if return_outputs else loss

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        """AdamW: a low rate for the pretrained encoder, a higher one for the new heads; no decay on biases and norms."""
        module = self.model if model is None else model
        assert module is not None
        if self.optimizer is None:
            groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
            for name, parameter in module.named_parameters():
                groups.setdefault((name.startswith("encoder."), parameter.ndim > 1), []).append(parameter)
            self.optimizer = torch.optim.AdamW(
                [
                    {
                        "params": parameters,
                        "lr": self.config.encoder_learning_rate if encoder else self.config.head_learning_rate,
                        "weight_decay": self.config.weight_decay if decay else 0.0,
                    }
                    for (encoder, decay), parameters in groups.items()
                ],
                fused=True,
            )
        return self.optimizer

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:  # noqa: ANN401 - signature of the base class
        """Validation metrics; they also drive early stopping and the choice of the best checkpoint."""
        assert isinstance(self.model, OnRecordModel)
        assert isinstance(self.data_collator, Collator)
        with self.compute_loss_context_manager():
            found = collect(self.model, self.validation, self.data_collator)
        metrics = {f"eval_{name}": value for name, value in validation_metrics(found, self.multi_task_loss.policy).items()}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics


def new_model(config: TrainingConfig) -> OnRecordModel:
    """Pretrained encoder, fresh heads."""
    # Without dropout on attention weights torch runs its fused attention kernel: twice the speed of the whole step on a CPU.
    encoder = AutoConfig.from_pretrained(config.base_model, attention_probs_dropout_prob=0.0)
    model = OnRecordModel(OnRecordConfig(encoder=encoder, window_tokens=config.window_tokens, pooled_size=config.pooled_size, head_dropout=config.head_dropout))
    # fp32 master weights, whatever precision the base checkpoint was stored in.
    model.encoder = AutoModel.from_pretrained(config.base_model, config=encoder, add_pooling_layer=False, dtype=torch.float32)
    return model


def training_arguments(config: TrainingConfig, folder: Path) -> TrainingArguments:
    """The Trainer's settings for a run in `folder`."""
    return TrainingArguments(
        output_dir=str(folder / "checkpoints"),
        num_train_epochs=config.epochs,
        per_device_train_batch_size=config.batch_documents,
        learning_rate=config.encoder_learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=config.warmup_share,
        max_grad_norm=1.0,
        bf16=config.bf16,
        seed=config.seed,
        data_seed=config.seed,
        eval_strategy="epoch",
        save_strategy="epoch",
        save_total_limit=2,
        load_best_model_at_end=True,
        metric_for_best_model="selection",
        greater_is_better=True,
        restore_callback_states_from_checkpoint=True,
        remove_unused_columns=False,
        logging_steps=20,
        report_to=["tensorboard"] if is_tensorboard_available() else [],  # type: ignore[no-untyped-call]
        use_cpu=not torch.cuda.is_available(),
        dataloader_pin_memory=torch.cuda.is_available(),
    )


def read_items(table: str, tokenizer: PreTrainedTokenizerBase, config: TrainingConfig, *, join: bool) -> tuple[list[dict[str, Any]], Items]:
    """Rows of a prepared table and the items made of them; `join` puts some stand-alone sentences into passages."""
    rows = list(load(table))
    shaped = join_sentences(rows, config.single_sentences) if join else rows
    return rows, make_items((label_document(row, tokenizer, config.window_tokens) for row in shaped), config.single_sentences)


def describe_run(config: TrainingConfig) -> dict[str, Any]:
    """What somebody needs to repeat the run."""
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False).stdout.strip()
    changed = subprocess.run(["git", "status", "--porcelain", "--untracked-files=no"], capture_output=True, text=True, check=False).stdout.strip()
    return {
        "config": config.to_dict(),
        "git_commit": commit or None,
        "git_clean": not changed,
        "data": {name: table["sha256"] for name, table in json.loads((PREPARED / "manifest.json").read_text(encoding="utf-8"))["tables"].items()},
        "versions": {"python": platform.python_version(), "torch": torch.__version__, "transformers": transformers.__version__},
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else f"CPU, {torch.get_num_threads()} threads",
    }


def train(config: TrainingConfig, folder: Path, *, resume: bool) -> dict[str, float]:
    """Train one model into `folder`; returns the best validation metrics."""
    if not resume and (folder / "checkpoints").exists():
        raise SystemExit(f"{folder} already holds a run. Go on with it by --resume, or choose another folder with --out.")
    folder.mkdir(parents=True, exist_ok=True)
    set_seed(config.seed)
    tokenizer = AutoTokenizer.from_pretrained(config.base_model)
    rows, items = read_items("train", tokenizer, config, join=True)
    _, validation = read_items("validation", tokenizer, config, join=False)
    policy = fit_policy(rows, name=f"{config.name}-ratings")
    loss = MultiTaskLoss(config, ClassBalance.count([d for item in items for d in item], config.class_balance), policy)
    (folder / "run.json").write_text(json.dumps(describe_run(config), indent=2) + "\n", encoding="utf-8")
    trainer = OnRecordTrainer(
        config=config,
        loss=loss,
        validation=validation,
        model=new_model(config),
        args=training_arguments(config, folder),
        data_collator=Collator(tokenizer.pad_token_id),
        train_dataset=ItemDataset(items),
        # The Trainer wants one to schedule evaluation; `evaluate` reads `validation` itself.
        eval_dataset=ItemDataset(validation),
        processing_class=tokenizer,
        callbacks=[EarlyStoppingCallback(config.patience)],
    )
    begun = time.monotonic()
    trainer.train(resume_from_checkpoint=resume)
    metrics = trainer.evaluate()
    assert isinstance(trainer.model, OnRecordModel)
    save(trainer.model, tokenizer, policy, folder / "model")
    history = {"seconds": time.monotonic() - begun, "best": metrics, "log": trainer.state.log_history}
    (folder / "metrics.json").write_text(json.dumps(history, indent=2) + "\n", encoding="utf-8")
    return metrics


def save(model: OnRecordModel, tokenizer: PreTrainedTokenizerBase, policy: RiskPolicy, folder: Path) -> None:
    """Weights, config, tokenizer and policy; `training.calibrate` adds calibration.json."""
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    policy.save(folder / "policy.json")


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m training.train", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, required=True, help="settings, e.g. training/configs/small.json")
    parser.add_argument("--seed", type=int, help="instead of the one in the settings")
    parser.add_argument("--out", type=Path, help="run folder (default: runs/NAME-seedSEED)")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint in the run folder")
    options = parser.parse_args(arguments)
    config = TrainingConfig.load(options.config)
    if options.seed is not None:
        config = replace(config, seed=options.seed)
    metrics = train(config, options.out or Path("runs") / f"{config.name}-seed{config.seed}", resume=options.resume)
    print(json.dumps(metrics, indent=2))


if __name__ == "__main__":
    main(sys.argv[1:])

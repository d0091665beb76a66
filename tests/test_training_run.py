"""A whole training run: it learns, resumes to the bit, stops in time, and ends in a folder that loads."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from datasets import Dataset
from safetensors.torch import load_file
from transformers import AutoModel, AutoTokenizer, PreTrainedTokenizerBase

import onrecord
from data.schema import FEATURES, Document, to_dataset
from onrecord.checkpoint import FILES, WEIGHTS, hash_file
from onrecord.modeling import OnRecordModel
from tests.training_samples import KINDS, POLICY, article
from training import train as training
from training.calibrate import calibrate
from training.config import TrainingConfig
from training.examples import Collator
from training.export import export
from training.losses import ClassBalance, MultiTaskLoss
from training.risk import fit_policy

if TYPE_CHECKING:
    from tests.conftest import Tiny


@pytest.fixture(scope="module")
def base(tiny: "Tiny", tokenizer: PreTrainedTokenizerBase, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base")
    torch.manual_seed(3)
    AutoModel.from_config(tiny.encoder()).save_pretrained(folder)  # type: ignore[no-untyped-call]
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture
def settings(base: Path) -> TrainingConfig:
    return TrainingConfig(
        name="tiny",
        base_model=str(base),
        epochs=2,
        window_tokens=48,
        pooled_size=16,
        batch_documents=4,
        encoder_learning_rate=3e-3,
        head_learning_rate=1e-2,
        bf16=False,
    )


@pytest.fixture(autouse=True)
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Synthetic tables in place of the prepared ones; lists which are read."""
    random = np.random.default_rng(11)

    def made(part: str, count: int) -> list[Document]:
        return [article(f"{part}-{i}", random.permutation(6)[: random.integers(3, 7)].tolist()) for i in range(count)]

    parts = {"train": to_dataset(made("train", 16)), "validation": to_dataset(made("validation", 6))}
    assert parts["train"].features == FEATURES
    read: list[str] = []

    def load(name: str) -> Dataset:
        read.append(name)
        return parts[name]

    (tmp_path / "manifest.json").write_text(json.dumps({"tables": {name: {"sha256": "0" * 64} for name in parts}}))
    monkeypatch.setattr(training, "load", load)
    monkeypatch.setattr(training, "PREPARED", tmp_path)
    return read


def test_a_run_learns_and_records_itself_and_reads_no_test_table(settings: TrainingConfig, tables: list[str], tmp_path: Path) -> None:
    metrics = training.train(replace(settings, epochs=14, patience=14), tmp_path / "run", resume=False)
    assert set(tables) == {"train", "validation"}
    log = json.loads((tmp_path / "run/metrics.json").read_text())["log"]
    scores = [entry["eval_selection"] for entry in log if "eval_selection" in entry]
    assert scores[-1] == metrics["eval_selection"] == max(scores), "the best checkpoint is kept"
    assert metrics["eval_selection"] > scores[0] + 0.3
    assert metrics["eval_attribution_macro_f1"] > 0.9
    run = json.loads((tmp_path / "run/run.json").read_text())
    assert run["config"]["epochs"] == 14
    assert run["data"] == {"train": "0" * 64, "validation": "0" * 64}
    with pytest.raises(SystemExit, match="--resume"):
        training.train(settings, tmp_path / "run", resume=False)


def test_the_loss_falls(settings: TrainingConfig, tokenizer: PreTrainedTokenizerBase, tmp_path: Path) -> None:
    rows, items = training.read_items("train", tokenizer, settings, join=True)
    batch = Collator(tokenizer.pad_token_id)(items)
    loss = MultiTaskLoss(settings, ClassBalance.count([d for item in items for d in item], 0.5), fit_policy(rows, "t"))
    torch.manual_seed(settings.seed)
    before = training.new_model(settings).train(mode=False)
    training.train(replace(settings, epochs=4), tmp_path / "run", resume=False)
    after = OnRecordModel.from_pretrained(tmp_path / "run/model").train(mode=False)
    with torch.no_grad():
        was, now = loss.tasks(before(**batch), batch), loss.tasks(after(**batch), batch)
    assert all(now[name] < was[name] for name in ("attribution", "speculation", "caution", "ratings", "drivers", "tags")), (was, now)


def test_a_run_killed_and_resumed_ends_like_one_that_was_not(settings: TrainingConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = replace(settings, epochs=3)
    straight = training.train(settings, tmp_path / "straight", resume=False)

    save = training.OnRecordTrainer._save_checkpoint

    def save_and_die(self: training.OnRecordTrainer, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - passed on
        save(self, *arguments, **options)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(training.OnRecordTrainer, "_save_checkpoint", save_and_die)
        with pytest.raises(KeyboardInterrupt):
            training.train(settings, tmp_path / "killed", resume=False)
    assert len(list((tmp_path / "killed/checkpoints").glob("checkpoint-*"))) == 1
    torch.manual_seed(12345)
    resumed = training.train(settings, tmp_path / "killed", resume=True)
    assert resumed == straight
    one, other = (load_file(tmp_path / run / "model" / WEIGHTS) for run in ("straight", "killed"))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
    last = [sorted((tmp_path / run / "checkpoints").glob("checkpoint-*"), key=lambda p: int(p.name.split("-")[1]))[-1] for run in ("straight", "killed")]
    assert last[0].name == last[1].name
    assert hash_file(last[0] / WEIGHTS) == hash_file(last[1] / WEIGHTS)


def test_another_seed_gives_another_model_and_the_same_seed_the_same(settings: TrainingConfig, tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        training.train(replace(settings, epochs=1, seed=seed), tmp_path / name, resume=False)
    a, b, c = (hash_file(tmp_path / name / "model" / WEIGHTS) for name in "abc")
    assert a == b != c


def test_training_stops_when_validation_no_longer_improves(settings: TrainingConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scores = iter([0.5, 0.7, 0.6, 0.6, 0.9, 0.9, 0.9])
    monkeypatch.setattr(training, "validation_metrics", lambda found, policy: {"selection": next(scores)})
    training.train(replace(settings, epochs=7, patience=2), tmp_path / "run", resume=False)
    log = json.loads((tmp_path / "run/metrics.json").read_text())["log"]
    assert max(entry["epoch"] for entry in log if "eval_selection" in entry) == 4
    best = hash_file(tmp_path / "run/checkpoints/checkpoint-8" / WEIGHTS)
    assert hash_file(tmp_path / "run/model" / WEIGHTS) == best, "the weights of the second epoch, the best one"


def test_calibrate_and_export_make_a_small_folder_that_loads(settings: TrainingConfig, tables: list[str], tmp_path: Path) -> None:
    run, target = tmp_path / "run/model", tmp_path / "small"
    training.train(settings, tmp_path / "run", resume=False)
    calibrate(run)
    export(run, target, "0.1.0")
    assert set(tables) == {"train", "validation"}
    assert {p.name for p in target.iterdir()} >= set(FILES)
    assert (target / WEIGHTS).stat().st_size <= 50_000_000
    assert {t.dtype for t in load_file(target / WEIGHTS).values()} == {torch.float16}
    full, small = onrecord.load(run, device="cpu"), onrecord.load(target, device="cpu")
    assert small.info.version == "0.1.0"
    text = " ".join(words for words, *_ in KINDS * 3)
    a, b = full.score(text), small.score(text)
    assert a.risk.value == pytest.approx(b.risk.value, abs=0.02)
    for full_sentence, small_sentence in zip(a.sentences, b.sentences, strict=True):
        assert small_sentence.probabilities["attribution"] == pytest.approx(full_sentence.probabilities["attribution"], abs=0.05)


def test_the_calibration_of_half_precision_weights_is_fitted_in_the_precision_that_users_compute_in(settings: TrainingConfig, tmp_path: Path) -> None:
    training.train(replace(settings, epochs=1), tmp_path / "run", resume=False)
    export(tmp_path / "run/model", tmp_path / "half", "0.1.0")
    OnRecordModel.from_pretrained(tmp_path / "half", dtype=torch.float32).save_pretrained(tmp_path / "full")
    for name in FILES:
        if not (tmp_path / "full" / name).exists() and name != "calibration.json":
            (tmp_path / "full" / name).write_bytes((tmp_path / "half" / name).read_bytes())
    half, full = asdict(calibrate(tmp_path / "half")), asdict(calibrate(tmp_path / "full"))
    # The same sums in another memory layout differ in the seventh digit; half precision would differ in the third.
    for name, (slope, intercept) in half["affine"].items():
        assert (slope, intercept) == pytest.approx(full["affine"][name], rel=1e-4), name
    for key in ("caution_threshold", "speculation_thresholds", "intervals", "temperature"):
        assert half[key] == pytest.approx(full[key], rel=1e-4), key


def test_weights_too_large_to_ship_are_refused(settings: TrainingConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    training.save(training.new_model(settings), AutoTokenizer.from_pretrained(settings.base_model), POLICY, tmp_path / "model")
    monkeypatch.setattr("training.export.MAX_BYTES", 1000)
    with pytest.raises(SystemExit, match="at most 1,000"):
        export(tmp_path / "model", tmp_path / "out", "1")

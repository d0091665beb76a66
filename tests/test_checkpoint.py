"""Loading: complete, untouched and matching, or refused with the reason; never random weights, never a pickle."""

import json
import pickle
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

import onrecord
from onrecord.checkpoint import FILES, WEIGHTS, hash_file
from onrecord.errors import CheckpointError
from onrecord.policy import RiskPolicy

Object = dict[str, Any]


def edit(path: Path, change: Callable[[Object], object]) -> None:
    values = json.loads(path.read_text(encoding="utf-8"))
    change(values)
    path.write_text(json.dumps(values), encoding="utf-8")


def rehash(folder: Path) -> None:
    """Make the calibration accept the weights as they are, so that what comes after is tested."""
    edit(folder / "calibration.json", lambda c: c.update(weights_sha256=hash_file(folder / WEIGHTS)))


def refused(folder: Path | str, *words: str) -> None:
    with pytest.raises(CheckpointError) as caught:
        onrecord.load(folder, device="cpu")
    for word in words:
        assert word in str(caught.value)


def test_a_good_folder_loads_and_says_what_it_is(changeable: Path, article: str, network: list[str]) -> None:
    scorer = onrecord.load(str(changeable), device="cpu")
    report = scorer.score(article)
    assert report.risk.value is not None
    assert (report.model.version, report.model.policy, report.model.calibration) == ("0.0.test", "tiny-policy", "tiny-calibration")
    assert report.model.weights_sha256 == hash_file(changeable / WEIGHTS)
    assert next(scorer.model.parameters()).dtype == torch.float32
    assert not network


def test_a_folder_is_found_by_its_name_wherever_it_is_given_from(changeable: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(changeable)
    assert onrecord.load(".", device="cpu").info.name == "checkpoint"


def test_half_precision_weights_are_computed_in_full_precision(changeable: Path) -> None:
    save_file({k: v.half() for k, v in load_file(changeable / WEIGHTS).items()}, changeable / WEIGHTS, metadata={"format": "pt"})
    edit(changeable / "config.json", lambda c: c.update(dtype="float16"))
    rehash(changeable)
    assert {p.dtype for p in onrecord.load(changeable, device="cpu").model.parameters()} == {torch.float32}


# --- Missing or not what it should be -------------------------------------------------------------------------------


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    refused(tmp_path / "nowhere", "nowhere", "not a folder")


def test_a_file_instead_of_a_folder(checkpoint: Path) -> None:
    refused(checkpoint / WEIGHTS, "not a folder")
    refused(str(checkpoint / WEIGHTS), "not a folder")


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(changeable: Path, name: str) -> None:
    (changeable / name).unlink()
    refused(changeable, name, "not found")


def test_an_unknown_hub_id_without_network_is_a_clear_error(network: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    refused("nobody/has-this-model", "nobody/has-this-model", "Check the spelling and the network")
    assert network, "a hub id that is not cached is asked for over the network"
    network.clear()
    with pytest.raises(CheckpointError, match="nobody/has-this-model"):
        onrecord.load("nobody/has-this-model", local_files_only=True)
    assert not network


def test_a_name_that_is_no_hub_id_is_a_clear_error() -> None:
    refused("models/small/no/such", "models/small/no/such")


# --- Weights --------------------------------------------------------------------------------------------------------


def test_one_changed_byte_in_the_weights_is_refused_with_both_hashes(changeable: Path) -> None:
    expected = hash_file(changeable / WEIGHTS)
    data = bytearray((changeable / WEIGHTS).read_bytes())
    data[-1] ^= 1
    (changeable / WEIGHTS).write_bytes(data)
    refused(changeable, expected, hash_file(changeable / WEIGHTS))


def test_the_calibration_of_other_weights_is_refused(changeable: Path) -> None:
    edit(changeable / "calibration.json", lambda c: c.update(weights_sha256="0" * 64))
    refused(changeable, "0" * 64, hash_file(changeable / WEIGHTS))


@pytest.mark.parametrize("damage", [lambda data: data[: len(data) // 2], lambda data: b"", lambda data: b"\x93 not tensors at all" * 50])
def test_truncated_or_garbage_weights_are_refused_even_if_their_hash_is_expected(changeable: Path, damage: Callable[[bytes], bytes]) -> None:
    (changeable / WEIGHTS).write_bytes(damage((changeable / WEIGHTS).read_bytes()))
    rehash(changeable)
    refused(changeable, "checkpoint", "cannot be read")


@pytest.mark.parametrize(("drop", "add"), [("attribution.weight", None), ("encoder.embeddings.word_embeddings.weight", None), (None, "extra.weight")])
def test_weights_that_do_not_fill_the_model_exactly_are_refused(changeable: Path, drop: str | None, add: str | None) -> None:
    tensors = load_file(changeable / WEIGHTS)
    if drop:
        del tensors[drop]
    if add:
        tensors[add] = torch.zeros(2)
    save_file(tensors, changeable / WEIGHTS, metadata={"format": "pt"})
    rehash(changeable)
    refused(changeable, drop or add or "")


def test_a_pickle_is_never_read(changeable: Path, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
            return (Path.touch, (tmp_path / "executed",))  # type: ignore[return-value]

    (changeable / "pytorch_model.bin").write_bytes(pickle.dumps(Evil()))
    onrecord.load(changeable, device="cpu")
    (changeable / WEIGHTS).unlink()
    refused(changeable, WEIGHTS)
    assert not (tmp_path / "executed").exists()


# --- config.json and tokenizer --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda c: c.update(pooled_size=48), "checkpoint"),
        (lambda c: c["encoder"].update(hidden_size=64), "checkpoint"),
        (lambda c: c["encoder"].update(num_hidden_layers=3), "encoder.encoder.layer.2"),
        (lambda c: c["encoder"].update(num_hidden_layers=1), "encoder.encoder.layer.1"),
        (lambda c: c.update(pooled_size="wide"), "pooled_size"),
        (lambda c: c.update(pool_size=24), "pool_size"),
        (lambda c: c.update(model_type="bert"), "onrecord"),
        (lambda c: c.update(model_type="no-such-model"), "onrecord"),
        (lambda c: c.update(window_tokens=4096), "window_tokens"),
        (lambda c: c.update(encoder={"model_type": "no-such-model"}), "checkpoint"),
    ],
)
def test_a_config_that_does_not_fit_is_refused(changeable: Path, change: Callable[[Object], object], word: str) -> None:
    edit(changeable / "config.json", change)
    refused(changeable, word)


@pytest.mark.parametrize("content", [b"", b"[1, 2]", b"{", b"\xff\xfe\x00"])
@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "tokenizer_config.json", "policy.json", "calibration.json"])
def test_a_garbage_file_is_refused(changeable: Path, name: str, content: bytes) -> None:
    (changeable / name).write_bytes(content)
    refused(changeable, "checkpoint")


def test_code_in_a_checkpoint_is_never_run(changeable: Path, tmp_path: Path) -> None:
    (changeable / "evil.py").write_text(f"import pathlib\npathlib.Path({str(tmp_path / 'executed')!r}).touch()\nclass Evil: pass\n")
    for name in ("config.json", "tokenizer_config.json"):
        edit(changeable / name, lambda c: c.update(auto_map={"AutoConfig": "evil.Evil", "AutoModel": "evil.Evil", "AutoTokenizer": ["evil.Evil", "evil.Evil"]}))
    edit(changeable / "tokenizer_config.json", lambda c: c.update(tokenizer_class="Evil"))
    try:
        onrecord.load(changeable, device="cpu")
    except CheckpointError:
        pass
    assert not (tmp_path / "executed").exists()


# --- policy.json and calibration.json -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda p: p.update(topic=1.0), "topic"),
        (lambda p: p.pop("caution"), "caution"),
        (lambda p: p.update(sourcing=-0.1), "sourcing"),
        (lambda p: p.update(bias=float("nan")), "bias"),
        (lambda p: p.update(speculation="0.5"), "speculation"),
    ],
)
def test_a_malformed_policy_is_refused_by_key(changeable: Path, change: Callable[[Object], object], word: str) -> None:
    edit(changeable / "policy.json", change)
    refused(changeable, word)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda c: c.update(seed=1), "seed"),
        (lambda c: c.pop("temperature"), "temperature"),
        (lambda c: c.update(temperature=0), "temperature"),
        (lambda c: c.update(temperature="warm"), "calibration"),
        (lambda c: c["affine"].update(sourcing=[-1.0, 0.0]), "slopes"),
        (lambda c: c["affine"].update(sourcing=[1.0]), "calibration.json"),
        (lambda c: c["affine"].pop("caution"), "affine"),
        (lambda c: c["tag_thresholds"].pop("source"), "tag_thresholds"),
        (lambda c: c["tag_thresholds"].update(source="half"), "tag_thresholds"),
        (lambda c: c["intervals"].update(risk=None), "intervals"),
        (lambda c: c["intervals"].update(risk=float("inf")), "intervals"),
        (lambda c: c["bands"].update(risk=[0.2]), "calibration.json"),
        (lambda c: c["bands"].update(risk=[0.7, 0.3]), "bands"),
        (lambda c: c.update(caution_threshold="0.5"), "caution_threshold"),
        (lambda c: c.update(speculation_thresholds=[0.5]), "calibration.json"),
        (lambda c: c.update(bands=[]), "calibration.json"),
        (lambda c: c.update(name=3), "name"),
    ],
)
def test_a_malformed_calibration_is_refused_by_key(changeable: Path, change: Callable[[Object], object], word: str) -> None:
    edit(changeable / "calibration.json", change)
    refused(changeable, word)


def test_a_newsrooms_own_policy_replaces_the_checkpoints(checkpoint: Path, tmp_path: Path, article: str) -> None:
    own = RiskPolicy(name="daily-planet", bias=1.0, sourcing=0.0, speculation=0.0, caution=0.0)
    own.save(tmp_path / "own.json")
    for policy in (own, tmp_path / "own.json", str(tmp_path / "own.json")):
        report = onrecord.load(checkpoint, device="cpu", policy=policy).score(article)
        assert report.model.policy == "daily-planet"
        assert report.risk.value == pytest.approx(1 / (1 + 2.718281828459045**-1))
    theirs = onrecord.load(checkpoint, device="cpu").score(article)
    assert theirs.model.policy == "tiny-policy"
    assert theirs.sourcing == report.sourcing


def test_an_own_policy_is_enough_when_the_checkpoints_policy_cannot_be_used(changeable: Path) -> None:
    (changeable / "policy.json").write_text("{}")
    with pytest.raises(CheckpointError, match=re.escape("policy.json")):
        onrecord.load(changeable, device="cpu")
    assert onrecord.load(changeable, device="cpu", policy=RiskPolicy("own", 0.0, 1.0, 1.0, 0.0)).policy.name == "own"


def test_a_moved_folder_still_loads(changeable: Path, tmp_path: Path, article: str, scorer: onrecord.Scorer) -> None:
    moved = Path(shutil.move(changeable, tmp_path / "elsewhere"))
    report = onrecord.load(moved, device="cpu").score(article)
    assert (report.risk, report.sentences) == (scorer.score(article).risk, scorer.score(article).sentences)

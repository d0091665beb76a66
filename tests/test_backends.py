"""Backends: other arithmetic, the same reading of an article, and nothing leaves the machine."""

import sys
from pathlib import Path

import numpy as np
import pytest

import onrecord
from onrecord.backends import TorchBackend, derivation
from onrecord.backends.choice import choose_backend
from onrecord.backends.openvino import OpenVinoBackend, cache_folder
from onrecord.errors import InputError, MissingExtraError
from onrecord.inference import Scorer


@pytest.fixture(scope="module")
def openvino(checkpoint: Path) -> Scorer:
    """A scorer whose int8 form is derived once for all tests."""
    return onrecord.load(checkpoint, device="cpu", backend="openvino")


def test_int8_scores_are_close_to_single_precision_and_sum_exactly(openvino: Scorer, scorer: Scorer, article: str) -> None:
    assert openvino.backend.name.startswith("openvino-int8-")
    for text in (article, article * 6):
        fast, exact = openvino.score(text), scorer.score(text)
        assert [(s.start, s.end) for s in fast.sentences] == [(s.start, s.end) for s in exact.sentences]
        for name in ("risk", "sourcing", "speculation"):
            value = getattr(fast, name).value
            assert value == pytest.approx(getattr(exact, name).value, abs=0.1), "random weights spread further than trained ones"
            logit = getattr(fast.biases, name) + sum(getattr(s.contributions, name) for s in fast.sentences)
            assert value == pytest.approx(1 / (1 + np.exp(-logit)), abs=1e-9)


def test_int8_scores_do_not_depend_on_company(openvino: Scorer, article: str) -> None:
    alone = openvino.score(article)
    together = openvino.score([article * 5, article[: len(article) // 2], article, "short", article * 2])[2]
    np.testing.assert_allclose([s.contributions.risk for s in together.sentences], [s.contributions.risk for s in alone.sentences], atol=1e-4)


def test_the_int8_form_is_derived_once_and_only_whole(openvino: Scorer, checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def again(*_: object) -> None:
        raise AssertionError("derived a second time")

    monkeypatch.setattr("onrecord.backends.openvino.derive", again)
    same = onrecord.load(checkpoint, device="cpu", backend="openvino")
    assert same.backend.name == openvino.backend.name


def test_a_derivation_that_is_stopped_leaves_nothing_behind(scorer: Scorer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    ov = derivation.load_openvino()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ov, "save_model", full)
    with pytest.raises(OSError, match="No space"):
        OpenVinoBackend(scorer.model, scorer.tokenizer, "0" * 64)
    folder = cache_folder("0" * 64, ov.__version__)
    assert list(folder.parent.iterdir()) == []


def test_the_libraries_that_report_their_use_are_kept_from_it() -> None:
    derivation.load_openvino()
    assert sys.modules["openvino_telemetry"] is None


def test_calibration_articles_are_ours_and_fill_the_windows(scorer: Scorer) -> None:
    windows = list(derivation.calibration_windows(scorer.tokenizer, scorer.model.config.window_tokens))
    assert len(windows) >= 128
    assert max(map(len, windows)) <= scorer.model.config.window_tokens


def test_auto_takes_openvino_on_a_cpu_when_it_is_installed(scorer: Scorer, openvino: Scorer, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = (scorer.model, scorer.tokenizer, scorer.info.weights_sha256)
    assert choose_backend("auto", *arguments).name == openvino.backend.name
    monkeypatch.setattr("onrecord.backends.choice.find_spec", lambda name: None)
    assert choose_backend("auto", *arguments).name == "torch-cpu-fp32"
    assert isinstance(choose_backend("torch", *arguments), TorchBackend)


def test_a_backend_that_is_unknown_or_not_installed_is_told(scorer: Scorer, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = (scorer.model, scorer.tokenizer, scorer.info.weights_sha256)
    with pytest.raises(InputError, match="expected one of auto, torch, openvino"):
        choose_backend("onnx", *arguments)
    monkeypatch.setitem(sys.modules, "nncf", None)
    with pytest.raises(MissingExtraError, match=r"nncf.*onrecord\[fast\]"):
        choose_backend("openvino", *arguments)

"""What many tests share: a network guard, and a tiny checkpoint with random weights, made offline."""

import shutil
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, PreTrainedTokenizerBase, PreTrainedTokenizerFast

import onrecord
from onrecord.calibration import Calibration
from onrecord.checkpoint import WEIGHTS, hash_file
from onrecord.inference import Scorer
from onrecord.labels import TOKEN_TAGS
from onrecord.modeling import OnRecordModel
from onrecord.policy import RiskPolicy

WINDOW_TOKENS = 48
LOOPBACK = ("127.", "::1", "localhost")
WORDS = "the and of to that said was for it in on by a mayor report officials harbor may not have been confirmed according witness bridge closed water".split()
ARTICLE = (
    "The mayor of Port Alden said on Tuesday that the harbor bridge was closed for repairs. "
    "According to a report by the county engineer, two of the four cables have been weakened by salt water. "
    "Officials who did not want to be named said that it may be months before it opens again. "
    "Some people believe that the whole bridge could fall in the next storm. "
    "That claim has not been confirmed by anyone. "
    'Ilse Varga, who has run the ferry for 30 years, said: "We will carry everyone who asks." '
    "The council meets again on Friday."
)


@pytest.fixture(autouse=True)
def network(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Every connection beyond this machine fails, and fails the test too, even where the program got over it.

    A test of what happens without a network clears the list that it gets.
    """
    attempts: list[str] = []

    def guard(name: str, host_of: Callable[..., Any]) -> None:
        real = getattr(socket, name) if name == "getaddrinfo" else getattr(socket.socket, name)

        def guarded(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - stands for any of three functions
            host = host_of(*arguments, **options)
            if host is not None and not str(host).startswith(LOOPBACK):
                attempts.append(f"{name}({host})")
                raise OSError(f"the tests have no network: {name}({host})")
            return real(*arguments, **options)

        monkeypatch.setattr(socket if name == "getaddrinfo" else socket.socket, name, guarded)

    def peer(own: socket.socket, address: Any) -> Any:  # noqa: ANN401 - an address of any family
        return address[0] if own.family in (socket.AF_INET, socket.AF_INET6) else None

    guard("getaddrinfo", lambda host, *_, **__: host)
    guard("connect", peer)
    guard("connect_ex", peer)
    yield attempts
    assert not attempts, f"this test reached for the network: {attempts}"


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What tests derive and keep goes here and not into the cache of who runs them."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield folder


@dataclass(frozen=True)
class Tiny:
    """Makers of the smallest things that behave like the real ones."""

    folder: Path

    def tokenizer(self) -> PreTrainedTokenizerBase:
        """WordPiece over letters, digits, signs and a few words."""
        special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        letters = [chr(c) for c in range(33, 127) if not chr(c).isupper()]
        vocabulary = [*special, *letters, *(f"##{c}" for c in letters if c.isalnum()), *(w for w in WORDS if len(w) > 1)]
        inner = Tokenizer(models.WordPiece({token: i for i, token in enumerate(vocabulary)}, unk_token="[UNK]"))
        inner.normalizer = normalizers.BertNormalizer(lowercase=True)
        inner.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        inner.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
        names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), special, strict=True))
        tokenizer: PreTrainedTokenizerBase = PreTrainedTokenizerFast(tokenizer_object=inner, **names)  # type: ignore[no-untyped-call]
        return tokenizer

    def encoder(self) -> BertConfig:
        """Two layers of two heads."""
        return BertConfig(
            vocab_size=len(self.tokenizer()), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, max_position_embeddings=64
        )

    def model(self, seed: int = 7) -> OnRecordModel:
        """Random weights, large enough for scores to differ from one text to the next."""
        torch.manual_seed(seed)
        model = OnRecordModel(onrecord.OnRecordConfig(encoder=self.encoder(), window_tokens=WINDOW_TOKENS, pooled_size=24, release="0.0.test"))
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if "orm" not in name:
                    parameter.normal_(std=0.3)
            model.tags.bias[TOKEN_TAGS.index("source")] += 3.0  # so that any article has sources
        model.train(mode=False)
        return model


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    return Tiny(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def tokenizer(tiny: Tiny) -> PreTrainedTokenizerBase:
    return tiny.tokenizer()


@pytest.fixture(scope="session")
def model(tiny: Tiny) -> OnRecordModel:
    """Never to be changed by a test."""
    return tiny.model()


@pytest.fixture(scope="session")
def checkpoint(tiny: Tiny, model: OnRecordModel, tokenizer: PreTrainedTokenizerBase) -> Path:
    """A complete checkpoint folder; a test that changes files works on `changeable`."""
    folder = tiny.folder / "checkpoint"
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    RiskPolicy(name="tiny-policy", bias=-0.2, sourcing=0.7, speculation=0.5, caution=1.0).save(folder / "policy.json")
    Calibration(
        name="tiny-calibration",
        weights_sha256=hash_file(folder / WEIGHTS),
        affine={"sourcing": (0.8, 0.3), "speculation": (1.2, -0.4), "speculative": (1.1, 0.1), "conjecture": (0.9, 0.0), "caution": (1.0, -0.5)},
        temperature=1.3,
        speculation_thresholds=(0.4, 0.5),
        caution_threshold=0.5,
        tag_thresholds=dict.fromkeys(TOKEN_TAGS, 0.5),
        appeal_threshold=0.5,
        intervals={"risk": 0.2, "sourcing": 0.15, "speculation": 0.1},
        bands=dict.fromkeys(("risk", "sourcing", "speculation"), (0.375, 0.625)),
    ).save(folder / "calibration.json")
    return folder


@pytest.fixture
def changeable(checkpoint: Path, tmp_path: Path) -> Path:
    """A copy of the checkpoint that a test may damage."""
    return Path(shutil.copytree(checkpoint, tmp_path / "checkpoint"))


@pytest.fixture(scope="session")
def scorer(checkpoint: Path) -> Scorer:
    return onrecord.load(checkpoint, device="cpu")


@pytest.fixture(scope="session")
def article() -> str:
    return ARTICLE

"""The whole evaluation on a tiny data set, from table rows to files."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from data.schema import FEATURES, SPAN_TAGS, Ratings, Sentence, TaggedSpan, to_dataset
from data.schema import Document as Row
from onrecord.labels import TOKEN_TAGS
from training import evaluate
from training.evaluation.baselines import MajoritySystem, TfidfSystem
from training.evaluation.documents import Document, documents_from
from training.evaluation.systems import Offsets, Reading

SENTENCES = {
    0: ("The dam is safe, engineer Ana Ruiz said.", 0, 0),
    1: ("A report by the water board found small cracks.", 0, 0),
    2: ("Officials said the gates may be opened.", 1, 0),
    3: ("Rumour has it that the dam was secretly drained.", 2, 0),
    4: ("The valley was dry all summer, but it is unclear whether that matters.", 0, 1),
    5: ("What comes next?", 0, 0),
}


def article(key: str, classes: list[int], corpus: str) -> Row:
    text, sentences, spans = "", [], []
    for c in classes:
        part, speculation, caution = SENTENCES[c]
        sentences.append(Sentence(len(text), len(text) + len(part), c, speculation, caution, appeal=int(c < 3), subjective=int(c == 3), certainty=float(6 - c)))
        spans.append(TaggedSpan(len(text), len(text) + len(part) - 1, SPAN_TAGS.index("source" if c < 3 else "fact_without_appeal")))
        text += part + " "
    mean = float(np.mean(classes))
    return Row(
        key,
        corpus,
        text,
        sentences,
        spans=spans,
        spans_labelled=tuple(range(len(TOKEN_TAGS))),
        ratings=Ratings(5 - mean * 4 / 5, 1 + mean * 4 / 5, 1 + mean * 4 / 5),
    )


def rows(corpus: str, seed: int, n: int = 12) -> list[Document]:
    rng = np.random.default_rng(seed)
    made = [article(f"{corpus}-{i}", rng.integers(6, size=6).tolist(), "panel/horne-x" if corpus == "panel" and i < 4 else corpus) for i in range(n)]
    return documents_from(to_dataset(made))


@pytest.fixture(scope="module")
def train() -> list[Document]:
    return rows("authored", 1, 24)


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch, train: list[Document]) -> None:
    names = ["validation", "factappeal", "certainty", "newssd", "polnear"]
    loaded = {"train": train, "panel_annotator_1": rows("panel", 2), "panel_annotator_2": rows("panel", 2)} | {
        name: rows(name, i) for i, name in enumerate(names)
    }
    monkeypatch.setattr(evaluate, "load_documents", loaded.__getitem__)


class HalfSplitter:
    """Stands in for the transformer: cuts every text in two, ignoring the gold sentences."""

    name = "halves"

    def read(self, texts: Sequence[str], sentences: Sequence[Sequence[Offsets]]) -> list[Reading]:
        halves = [[(0, len(t) // 2), (len(t) // 2, len(t))] for t in texts]
        return [
            Reading(h, np.array([0, 3]), np.array([0, 2]), np.array([True, False]), {"sourcing": len(t) / 1e3, "speculation": 0.2, "risk": 0.4})
            for h, t in zip(halves, texts, strict=True)
        ]


@pytest.fixture
def entrants(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate, "transformers", lambda paths, backend: [evaluate.Entrant(path.name, HalfSplitter(), "model") for path in paths])


@pytest.fixture
def manifest(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "data" / "prepared").mkdir(parents=True)
    (tmp_path / "data" / "prepared" / "manifest.json").write_text('{"left_out": []}')
    monkeypatch.setattr(evaluate, "ROOT", tmp_path)


@pytest.fixture
def seeds(tmp_path: Path) -> list[Path]:
    folders = [tmp_path / "seed-1", tmp_path / "seed-2"]
    for folder in folders:
        folder.mkdir()
        (folder / "config.json").write_text("{}")
    return folders


@pytest.mark.usefixtures("tables", "entrants", "manifest")
def test_two_seeds_beside_the_baselines_on_every_test_set(tmp_path: Path, seeds: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [part for folder in seeds for part in ("--model", str(folder))]
    assert evaluate.main([*arguments, "--out", str(tmp_path / "a")]) == 0
    text = (tmp_path / "a" / "results.md").read_text(encoding="utf-8")
    assert text.strip() in capsys.readouterr().out
    for title in ("Panel: mean", "Panel without the strata", "Validation split", "FactAppeal", "Certainty", "NewsSD", "PolNeAR"):
        assert title in text
    for system in ("majority", "cue-word lexicon", "TF-IDF, linear", "mean of 2 seeds", "seed-1", "seed-2", "floor: always yes", "annotators, each"):
        assert system in text

    results = json.loads((tmp_path / "a" / "results.json").read_text(encoding="utf-8"))
    assert list(results["provenance"]["models"][str(seeds[0])]["files"]) == ["config.json"]
    main = {row["system"]: row["values"] for row in results["tables"][0]["rows"]}
    assert main["annotators, each against the other"]["attribution.macro_f1"]["value"] == 1.0
    assert main["TF-IDF, linear"]["attribution.macro_f1"]["value"] > main["majority"]["attribution.macro_f1"]["value"]

    assert evaluate.main([*arguments, "--out", str(tmp_path / "b")]) == 0
    again = json.loads((tmp_path / "b" / "results.json").read_text(encoding="utf-8"))
    assert again["tables"] == results["tables"]


@pytest.mark.usefixtures("tables", "entrants", "manifest")
def test_without_baselines_only_the_models_are_shown(tmp_path: Path, seeds: list[Path]) -> None:
    assert evaluate.main(["--model", str(seeds[0]), "--out", str(tmp_path / "a"), "--without-baselines"]) == 0
    text = (tmp_path / "a" / "results.md").read_text(encoding="utf-8")
    assert "seed-1" in text
    assert "TF-IDF" not in text
    assert "floor:" not in text


@pytest.mark.usefixtures("tables", "entrants", "manifest")
def test_corpora_that_were_not_fetched_are_left_out_and_named(tmp_path: Path, seeds: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "data/prepared/manifest.json").write_text('{"left_out": ["polnear", "panel"]}')
    assert evaluate.main(["--model", str(seeds[0]), "--out", str(tmp_path / "a"), "--without-baselines"]) == 0
    text = (tmp_path / "a" / "results.md").read_text(encoding="utf-8")
    assert "## Panel" not in text
    assert "## PolNeAR" not in text
    assert "## FactAppeal" in text
    assert "not fetched: polnear, panel" in text
    assert "data.fetch --only panel" in capsys.readouterr().err


def test_a_missing_checkpoint_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate.main(["--model", str(tmp_path / "nowhere")]) == 2
    assert "nowhere" in capsys.readouterr().err


def test_documents_keep_masks_and_numbers() -> None:
    features = to_dataset([Row("x", "newssd", "Hello there.", [Sentence(0, 12, subjective=1)])])
    assert features.features == FEATURES
    (document,) = documents_from(features)
    assert document.labels["attribution"].tolist() == [-1]
    assert document.labels["subjective"].tolist() == [1]
    assert np.isnan(document.certainty).all()
    assert np.isnan(document.ratings["risk"])


def test_majority_gives_the_commonest_class_and_the_mean_rating(train: list[Document]) -> None:
    system = MajoritySystem.fit(train)
    counts = np.bincount(np.concatenate([d.labels["attribution"] for d in train]))
    (reading,) = system.read(["Any text."], [[(0, 9)]])
    assert reading.attribution.tolist() == [int(counts.argmax())]
    assert reading.ratings["risk"] == pytest.approx(np.mean([(d.ratings["risk"] - 1) / 4 for d in train]), abs=1e-6)


def test_tfidf_learns_the_toy_sentences_and_their_words(train: list[Document]) -> None:
    system = TfidfSystem(train)
    unseen = rows("x", 77, 4)
    readings = system.read([d.text for d in unseen], [d.sentences for d in unseen])
    for document, reading in zip(unseen, readings, strict=True):
        assert reading.attribution.tolist() == document.labels["attribution"].tolist()
        assert (reading.caution == (document.labels["caution"] == 1)).all()
        assert set(reading.ratings) == {"sourcing", "speculation", "risk"}
    assert {tag for reading in readings for _, _, tag in reading.spans} == {"source", "fact_without_appeal"}


def test_tfidf_without_some_labels_leaves_those_outputs_out() -> None:
    plain = [Sentence(0, 12, attribution=4, speculation=0, caution=0), Sentence(13, 27, attribution=5, speculation=0, caution=0)]
    made = documents_from(to_dataset([Row(f"d{i}", "authored", "Gates opened. Who is next ?", plain) for i in range(4)]))
    (reading,) = TfidfSystem(made).read(["Gates opened."], [[(0, 13)]])
    assert reading.appeal is None
    assert reading.certainty is None
    assert reading.ratings == {}
    assert reading.spans == []
    assert reading.speculation.tolist() == [0]

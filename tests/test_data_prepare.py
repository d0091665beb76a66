"""Prepared tables: nothing of a test set is trained on, and the same inputs give the same bytes."""

import json
from pathlib import Path
from typing import Any

import pytest

from data import prepare
from data.checksums import FetchError
from data.corpora import CORPORA
from data.dedup import Text, near_duplicates
from data.prepare import Tables, in_validation, label_counts, load, read_corpora, remove_duplicates, report, split, write
from data.schema import FEATURES, CorpusError, Document, Sentence, to_dataset, whole_text

NAMES = ("Ode", "Rasmus", "Imke", "Bo", "Tove", "Jens", "Alva", "Per")


def article(seed: int, words: int = 160) -> str:
    """Return an article whose five-word sequences no other seed gives."""
    return " ".join(f"{NAMES[(position * 7 + seed) % 8]} {'saw' if position % 3 else 'heard'} item{seed}x{position}." for position in range(words // 3))


def found(candidate: str, reference: str) -> bool:
    return bool(near_duplicates([Text("candidate", candidate)], [Text("other", article(99)), Text("reference", reference)]))


class TestNearDuplicates:
    SENTENCE = "The harbour council voted late on Tuesday to close the old wooden pier for two winters."

    def test_report_says_what_resembles_what(self) -> None:
        (duplicate,) = near_duplicates([Text("a", article(1)), Text("b", article(2))], [Text("c", article(3)), Text("d", article(1).upper())])
        assert (duplicate.id, duplicate.of, duplicate.overlap) == ("a", "d", 1.0)

    def test_edited_article_is_found(self) -> None:
        assert found(article(1).replace("heard", "heard about", 12), article(1))

    def test_article_inside_a_longer_one_is_found(self) -> None:
        assert found(article(1), f"{article(2)} {article(1)} {article(3)}")

    def test_article_sharing_a_quotation_is_kept(self) -> None:
        quotation = article(4, words=30)
        assert not found(f"{article(1)} {quotation}", f"{article(2)} {quotation}")

    def test_sentence_of_an_article_is_found(self) -> None:
        assert found(self.SENTENCE, f"{article(1)} {self.SENTENCE} {article(2)}")
        assert found(f"{article(1)} {self.SENTENCE} {article(2)}", self.SENTENCE)

    def test_same_sentence_with_other_punctuation_and_case_is_found(self) -> None:
        assert found(self.SENTENCE, "“" + self.SENTENCE.upper().replace(" TO ", " — to, ") + "”")

    def test_other_sentence_on_the_same_event_is_kept(self) -> None:
        assert not found(self.SENTENCE, "Late on Tuesday the council of the harbour voted that the old pier of wood stays shut until 2031.")

    def test_stock_phrase_in_an_article_is_kept_but_equal_short_sentences_are_found(self) -> None:
        phrase = "She did not reply to a request for comment."
        assert not found(phrase, f"{article(1)} {phrase}")
        assert found(phrase, phrase.lower())

    def test_texts_without_words_are_no_trouble(self) -> None:
        assert not found("…", article(1))


def row(key: str, text: str, corpus: str = "wikinews") -> dict[str, Any]:
    """Return the row of a document of one sentence."""
    found: dict[str, Any] = to_dataset([Document(key, corpus, text, whole_text(text, caution=1))])[0]
    return found


class TestRemoval:
    LEAKED = "The ferry to the northern island leaves twice a day from the new quay in summer."

    def tables(self) -> Tables:
        facts = row("fact/train", self.LEAKED, "factappeal")
        return Tables(
            train=[row("t1", article(1)), row("t2", article(2)), facts],
            validation=[row("v1", article(3)), row("v2", article(2) + " One more word."), row("v3", article(5))],
            tests={
                "panel_annotator_1": [row("p1", article(1))],
                "panel_annotator_2": [row("p1", article(1))],
                "factappeal": [row("fact/test/0", self.LEAKED), row("fact/test/1", article(7))],
                "newssd": [row("n1", article(3))],
            },
        )

    def test_each_table_loses_what_it_must_and_nothing_else(self) -> None:
        tables, _ = remove_duplicates(self.tables())
        assert [kept["id"] for kept in tables.train] == ["t2", "fact/train"]
        assert [kept["id"] for kept in tables.validation] == ["v3"]
        assert [kept["id"] for kept in tables.tests["factappeal"]] == ["fact/test/1"]
        assert len(tables.tests["panel_annotator_1"]) == len(tables.tests["panel_annotator_2"]) == 1

    def test_what_was_removed_is_told(self) -> None:
        _, removed = remove_duplicates(self.tables())
        pairs = {what: [(duplicate.id, duplicate.of) for duplicate in duplicates] for what, duplicates in removed.items() if duplicates}
        assert pairs == {
            "leaked sentences: factappeal test, also in factappeal train": [("fact/test/0", "fact/train")],
            "train, near panel_annotator_1": [("t1", "p1")],
            "validation, near newssd": [("v1", "n1")],
            "validation, near train": [("v2", "t2")],
        }


class TestSplit:
    def test_share_and_stability_of_validation(self) -> None:
        chosen = [number for number in range(5000) if in_validation(f"a{number}")]
        assert 0.10 < len(chosen) / 5000 < 0.14
        assert chosen[:5] == [50, 51, 56, 60, 64]

    def test_own_splits_are_kept_and_tests_of_absent_corpora_do_not_exist(self) -> None:
        whole = {"all": [row("a1", "x y")]}
        parts = {"train": [row("s1", "a b")], "validation": [row("s2", "c d")], "test": [row("s3", "e f")]}
        tables = split({"authored": whole, "wikinews": {"all": []}, "horne": {"all": []}, "factappeal": parts, "certainty": parts, "newssd": parts})
        assert sum(found["id"] == "a1" for found in (*tables.train, *tables.validation)) == 1
        assert [found["id"] for found in tables.train if found["id"] != "a1"] == ["s1"] * 3
        assert [found["id"] for found in tables.validation if found["id"] != "a1"] == ["s2"] * 3
        assert sorted(tables.tests) == ["certainty", "factappeal", "newssd"]


class TestTables:
    TABLES = Tables(train=[row("t1", "The pier closed.")], validation=[row("v1", "Ode spoke.")], tests={"panel_annotator_1": [row("p1", "Ferries run.")]})

    def test_two_runs_give_the_same_bytes(self, tmp_path: Path) -> None:
        for folder in ("one", "two"):
            write(self.TABLES, {}, [], tmp_path / folder)
        files = [path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.*")]
        assert len(files) == 4
        assert all((tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes() for file in files)

    def test_table_loads_typed_and_whole(self, tmp_path: Path) -> None:
        write(self.TABLES, {}, [], tmp_path)
        table = load("panel_annotator_1", tmp_path)
        assert table.features == FEATURES
        assert table.to_list() == self.TABLES.tests["panel_annotator_1"]

    def test_table_of_an_earlier_run_does_not_linger(self, tmp_path: Path) -> None:
        write(self.TABLES, {}, [], tmp_path)
        write(Tables(self.TABLES.train, self.TABLES.validation, {}), {}, ["panel"], tmp_path)
        with pytest.raises(CorpusError, match="there are: train, validation"):
            load("panel_annotator_1", tmp_path)

    def test_manifest_names_what_was_left_out(self, tmp_path: Path) -> None:
        manifest = write(self.TABLES, {}, ["polnear"], tmp_path)
        assert json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8")) == manifest
        assert not any(name.startswith("polnear/") for name in manifest["inputs"])
        assert "LEFT OUT: polnear" in report(manifest)

    def test_masked_labels_are_not_counted(self) -> None:
        text = "The pier closed. Ode spoke."
        rows = to_dataset([Document("a1", "panel/pier", text, (Sentence(0, 16, attribution=4), Sentence(17, 27)))]).to_list()
        assert label_counts(rows) == {"panel": {"documents": 1, "sentences": 2, "attribution=unattributed": 1}}


class TestMissingInputs:
    def test_missing_training_corpus_is_an_error_with_the_command(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert prepare.main(["--raw", str(tmp_path), "--to", str(tmp_path / "prepared")]) == 1
        assert "python -m data.fetch --only wikinews" in capsys.readouterr().err

    def test_missing_evaluation_corpus_is_left_out(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(prepare, "CORPORA", {name: CORPORA[name] for name in ("authored", "polnear", "panel")})
        corpora, left_out = read_corpora(tmp_path)
        assert list(corpora) == ["authored"]
        assert left_out == ["polnear", "panel"]

    def test_changed_raw_file_is_refused(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(prepare, "CORPORA", {"certainty": CORPORA["certainty"]})
        (tmp_path / "certainty").mkdir()
        (tmp_path / "certainty" / "sentence-level-certainty.jsonl").write_text("{}\n", encoding="utf-8")
        with pytest.raises(FetchError, match="corrupt or has changed"):
            read_corpora(tmp_path)

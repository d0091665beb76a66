"""Corpus readers: every label lands on the words that it belongs to, and a bad row is refused with its place."""

import gzip
import json
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from data.corpora import CORPORA, authored, certainty, factappeal, horne, newssd, polnear, wikinews
from data.corpora._base import sha256
from data.corpora.labelled import SentenceLabels, join_labels, read_articles
from data.schema import FEATURES, MASKED, SPAN_TAGS, CorpusError, Document, Sentence, TaggedSpan, to_dataset
from onrecord.labels import SOURCE_KINDS, TOKEN_TAGS

LABELS = Path(authored.__file__).parents[1] / "labels"
AUTHORED = {"authored": (400, 9264), "authored-web": (607, 10070), "authored-pages": (798, 24276)}  # articles, sentences


def tagged(annotation: str) -> list[tuple[str, str]]:
    text, spans = factappeal.parse(annotation, "here")
    return [(SPAN_TAGS[span.tag], text[span.start : span.end]) for span in spans]


class TestFactAppealTags:
    def test_spans_cover_the_tagged_words(self) -> None:
        annotation = (
            "<Source:Named:Official>Mayor Lind</Source:Named:Official> told <Recipient>the council</Recipient> "
            "<Fact_Appeal:Indirect_Quote>the bridge is safe</Fact_Appeal:Indirect_Quote>."
        )
        assert tagged(annotation) == [("source", "Mayor Lind"), ("recipient", "the council"), ("fact_indirect_quote", "the bridge is safe")]

    def test_nested_tags_give_both_spans(self) -> None:
        annotation = "<Fact_Appeal:Direct_Quote>“No,” <Source:Unnamed:Witness>a diver</Source:Unnamed:Witness> said</Fact_Appeal:Direct_Quote>"
        assert tagged(annotation) == [("fact_direct_quote", "“No,” a diver said"), ("source", "a diver")]

    def test_kind_and_type_of_a_source(self) -> None:
        _, spans = factappeal.parse("<Source:Unnamed:Expert_Document>A thesis</Source:Unnamed:Expert_Document> says so.", "here")
        features = FEATURES["spans"].feature
        assert (features["kind"].int2str(spans[0].kind), features["type"].int2str(spans[0].type)) == ("unnamed", "document")

    def test_undetermined_type_is_masked(self) -> None:
        _, spans = factappeal.parse("<Source:Named:null>Ode</Source:Named:null> left.", "here")
        assert spans[0].type == MASKED
        assert spans[0].kind != MASKED

    def test_white_space_is_single_and_outside_spans(self) -> None:
        text, spans = factappeal.parse("  On <Appeal_Time> Monday \n</Appeal_Time>  the <Fact_No_Appeal>\n pier\t closed. </Fact_No_Appeal> ", "here")
        assert text == "On Monday the pier closed."
        assert [text[span.start : span.end] for span in spans] == ["Monday", "pier closed."]

    def test_comparison_signs_are_text(self) -> None:
        assert factappeal.parse("Values < 3 and > 1 <i>held</i>.", "here") == ("Values < 3 and > 1 <i>held</i>.", ())

    @pytest.mark.parametrize(
        ("annotation", "message"),
        [
            ("<Recipient>the crowd", "<Recipient> is never closed"),
            ("the crowd</Recipient>", "found </Recipient>; expected no closing tag"),
            ("<Recipient>a <Appeal_Time>b</Recipient> c</Appeal_Time>", "found </Recipient>; expected </Appeal_Time>"),
            ("<Fact>x</Fact>", "found the tag <Fact>"),
            ("<Source:Named>x</Source:Named>", "expected <Source:KIND:TYPE>"),
            ("<Source:Named:Wizard>x</Source:Named:Wizard>", "found the label 'wizard'"),
        ],
    )
    def test_malformed_tags_are_refused_with_their_place(self, annotation: str, message: str) -> None:
        with pytest.raises(CorpusError) as error:
            factappeal.parse(annotation, "train.csv, line 7")
        assert message in str(error.value)
        assert "train.csv, line 7" in str(error.value)

    def test_annotation_of_another_sentence_is_refused(self, tmp_path: Path) -> None:
        write_splits(tmp_path, "factappeal", "sentence,annotation\nThe pier closed.,The pier opened.\n")
        with pytest.raises(CorpusError, match=r"train\.csv, line 2: .*expected 'The pier closed\.', found 'The pier opened\.'"):
            factappeal.read(tmp_path)


def write_splits(folder: Path, corpus: str, content: str) -> None:
    (folder / corpus).mkdir()
    for split in ("train", "val", "test"):
        (folder / corpus / f"{split}.csv").write_text(content, encoding="utf-8")


@pytest.fixture
def no_sentence_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Our labels belong to the real sentences; made-up ones have none."""
    (tmp_path / "none.jsonl").touch()
    for module in (factappeal, newssd, certainty):
        monkeypatch.setattr(module, "LABELS", tmp_path / "none.jsonl")


@pytest.mark.usefixtures("no_sentence_labels")
class TestMaskedLabels:
    def test_factappeal_has_spans_and_appeal_only(self, tmp_path: Path) -> None:
        content = "sentence,annotation\nThe pier closed.,<Fact_No_Appeal>The pier closed.</Fact_No_Appeal>\nOde said no.,<Source:Named:null>Ode</Source:Named:null> said no.\n"
        write_splits(tmp_path, "factappeal", content)
        rows = factappeal.read(tmp_path)["test"].to_list()
        assert [row["sentences"][0]["appeal"] for row in rows] == [0, 1]
        assert rows[0]["spans_labelled"] == list(range(len(TOKEN_TAGS)))
        assert all(rows[0]["sentences"][0][head] == MASKED for head in ("attribution", "speculation", "caution", "subjective"))
        assert rows[0]["sentences"][0]["certainty"] is None
        assert rows[0]["ratings"] == {"sourcing": None, "speculation": None, "risk": None}
        assert not rows[0]["drivers_labelled"]

    def test_newssd_has_subjectivity_only(self, tmp_path: Path) -> None:
        write_splits(tmp_path, "newssd", 'Sentence,Label,Solved conflict\n"The pier, sadly, closed.\n",SUBJ,False\n')
        row = newssd.read(tmp_path)["validation"][0]
        assert row["text"] == "The pier, sadly, closed."
        assert row["sentences"][0]["subjective"] == 1
        assert row["sentences"][0]["attribution"] == MASKED
        assert not row["spans_labelled"]

    def test_certainty_has_a_grade_only_and_keeps_its_splits(self, tmp_path: Path) -> None:
        rows = [
            {"id": number, "finding": "Piers may rust .", "sentence-level-certainty": 2.5, "split": split}
            for number, split in enumerate(("train", "val", "test"))
        ]
        write_certainty(tmp_path, rows)
        splits = certainty.read(tmp_path)
        assert {split: table["id"] for split, table in ((name, splits[name].to_dict()) for name in splits)} == {
            "train": ["certainty/train/0"],
            "validation": ["certainty/val/1"],
            "test": ["certainty/test/2"],
        }
        assert splits["train"][0]["sentences"][0]["certainty"] == 2.5
        assert splits["train"][0]["sentences"][0]["caution"] == MASKED

    @pytest.mark.parametrize("grade", [0.5, 7, "high", None])
    def test_certainty_outside_its_scale_is_refused_with_its_place(self, tmp_path: Path, grade: object) -> None:
        write_certainty(tmp_path, [{"id": 0, "finding": "Piers rust.", "sentence-level-certainty": grade, "split": "train"}])
        with pytest.raises(CorpusError, match=r"\.jsonl, line 1: found the certainty"):
            certainty.read(tmp_path)


def write_certainty(folder: Path, rows: list[dict[str, Any]]) -> None:
    (folder / "certainty").mkdir()
    (folder / certainty.FILE).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


class TestLabelledArticles:
    TEXT = "The pier closed. Ode said it will reopen."

    def row(self, **changes: object) -> dict[str, Any]:
        sentences = [
            {"start": 0, "end": 16, "attribution": "unattributed", "speculation": "none", "caution": False},
            {"start": 17, "end": 41, "attribution": "named", "speculation": "hedged", "caution": True},
        ]
        ratings = {"sourcing": 3, "speculation": 2, "risk": 1}
        return {"id": "a1", "text_sha256": sha256(self.TEXT), "ratings": ratings, "sentences": sentences, "drivers_up": [0], "drivers_down": [1]} | changes

    @pytest.fixture
    def join(self, tmp_path: Path) -> Callable[..., list[Document]]:
        def run(**changes: object) -> list[Document]:
            labels = tmp_path / "labels.jsonl"
            labels.write_text("\n" + json.dumps(self.row(**changes)) + "\n", encoding="utf-8")
            return join_labels({"a1": self.TEXT}, labels, "tiny")

        return run

    def test_labels_arrive(self, join: Callable[..., list[Document]]) -> None:
        row = to_dataset(join())[0]
        sentence = row["sentences"][1]
        features = FEATURES["sentences"].feature
        assert row["text"][sentence["start"] : sentence["end"]] == "Ode said it will reopen."
        assert [features[head].int2str(sentence[head]) for head in ("attribution", "speculation", "caution")] == ["named", "hedged", "yes"]
        assert row["ratings"] == {"sourcing": 3.0, "speculation": 2.0, "risk": 1.0}
        assert row["drivers_labelled"]
        assert (row["drivers_up"], row["drivers_down"]) == ([0], [1])

    def test_changed_text_is_refused_with_both_hashes(self, join: Callable[..., list[Document]]) -> None:
        with pytest.raises(CorpusError) as error:
            join(text_sha256="0" * 64)
        assert "0" * 64 in str(error.value)
        assert sha256(self.TEXT) in str(error.value)

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"id": "a2"}, "no text has the id 'a2'"),
            ({"ratings": {"sourcing": 9, "speculation": 1, "risk": 1}}, "found the sourcing rating 9"),
            ({"drivers_up": [2]}, "has driver 2"),
            ({"sentences": [{"start": 0, "end": 99, "attribution": "named", "speculation": "none", "caution": False}]}, r"offsets \[0, 99\)"),
            ({"sentences": [{"start": 0, "end": 9, "attribution": "rumour", "speculation": "none", "caution": False}]}, "found the label 'rumour'"),
            ({"sentences": [{"start": 0, "end": 9}]}, "the field 'attribution' is missing"),
        ],
    )
    def test_bad_row_is_refused_with_its_place(self, join: Callable[..., list[Document]], changes: dict[str, Any], message: str) -> None:
        with pytest.raises(CorpusError, match=rf"labels\.jsonl, line 2: .*{message}"):
            join(**changes)

    def test_broken_json_is_refused_with_its_place(self, tmp_path: Path) -> None:
        (tmp_path / "articles.jsonl").write_text('{"id": "a1", "text": "x"}\n{"id": \n', encoding="utf-8")
        with pytest.raises(CorpusError, match=r"articles\.jsonl, line 2: not a JSON object"):
            read_articles(tmp_path / "articles.jsonl")

    def test_truncated_archive_is_refused_by_name(self, tmp_path: Path) -> None:
        (tmp_path / "articles.jsonl.gz").write_bytes(gzip.compress(b'{"id": "a1"}\n')[:-9])
        with pytest.raises(CorpusError, match=r"articles\.jsonl\.gz: cannot be read"):
            read_articles(tmp_path / "articles.jsonl.gz")

    def test_overlapping_sentences_are_refused(self) -> None:
        document = Document("a1", "tiny", self.TEXT, (Sentence(0, 16), Sentence(15, 20)))
        with pytest.raises(CorpusError, match=r"sentence 1 has offsets \[15, 20\)"):
            document.check("here")


class TestSentenceLabels:
    """Our labels for single sentences of others, joined by id."""

    def labels(self, folder: Path, **changes: object) -> SentenceLabels:
        sentence = {"start": 0, "end": 10, "attribution": "vague", "speculation": "hedged", "caution": True}
        row = {"id": "newssd/train/0", "text_sha256": sha256("They fell."), "sentences": [sentence]} | changes
        (folder / "labels.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
        return SentenceLabels.read(folder / "labels.jsonl")

    def test_labels_reach_their_sentence_and_no_other(self, tmp_path: Path) -> None:
        found = self.labels(tmp_path)
        assert found.of("newssd/train/0", "They fell.") == {"attribution": 3, "speculation": 1, "caution": 1}
        assert found.of("newssd/train/1", "They fell.") == {}

    def test_another_text_than_the_labelled_one_is_refused_with_both_hashes(self, tmp_path: Path) -> None:
        with pytest.raises(CorpusError, match=rf"line 1: .*'newssd/train/0'.*{sha256('They fell.')}.*{sha256('They rose.')}"):
            self.labels(tmp_path).of("newssd/train/0", "They rose.")


class TestSources:
    TEXT = "Ode said no. It rained."

    def row(self, **more: object) -> dict[str, Any]:
        sentence = {"attribution": "named", "speculation": "none", "caution": False}
        return {
            "id": "a1",
            "text_sha256": sha256(self.TEXT),
            "ratings": {"sourcing": 3, "speculation": 1, "risk": 2},
            "sentences": [{"start": 0, "end": 12, **sentence}, {"start": 13, "end": 23, **sentence}],
            "drivers_up": [],
            "drivers_down": [0],
            **more,
        }

    def read(self, folder: Path, row: dict[str, Any]) -> Document:
        (folder / "labels.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
        (document,) = join_labels({"a1": self.TEXT}, folder / "labels.jsonl", "authored")
        return document

    def test_marked_sources_become_spans_and_no_other_tag_counts_as_marked(self, tmp_path: Path) -> None:
        source = SPAN_TAGS.index("source")
        document = self.read(tmp_path, self.row(sources=[{"start": 0, "end": 3, "kind": "named", "type": None}]))
        assert document.spans == (TaggedSpan(0, 3, source, SOURCE_KINDS.index("named"), MASKED),)
        assert document.spans_labelled == (source,)

    def test_an_article_without_sources_differs_from_one_whose_sources_nobody_marked(self, tmp_path: Path) -> None:
        assert self.read(tmp_path, self.row(sources=[])).spans_labelled
        assert not self.read(tmp_path, self.row()).spans_labelled

    def test_a_source_outside_the_text_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(CorpusError, match=r"line 1: document 'a1', span 0 has offsets \[0, 99\)"):
            self.read(tmp_path, self.row(sources=[{"start": 0, "end": 99, "kind": "named", "type": "expert"}]))


class TestCommittedData:
    def test_all_authored_articles_load_with_offsets_on_whole_sentences(self, tmp_path: Path) -> None:
        table = CORPORA["authored"].read(tmp_path)["all"]
        assert table.features == FEATURES
        assert Counter(table["corpus"]) == {name: articles for name, (articles, _) in AUTHORED.items()}
        sentences = [row["text"][sentence["start"] : sentence["end"]] for row in table for sentence in row["sentences"]]
        assert len(sentences) == sum(count for _, count in AUTHORED.values())
        assert all(sentence == sentence.strip() for sentence in sentences)

    @pytest.mark.parametrize(("name", "documents"), [("wikinews", 294), ("horne", 250), ("panel-dev.annotator-1", 138), ("panel-dev.annotator-2", 138)])
    def test_committed_labels_are_whole_and_hold_no_text(self, name: str, documents: int) -> None:
        rows = [json.loads(line) for line in (LABELS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]
        assert len({row["id"] for row in rows}) == documents
        assert all(row.keys() == {"id", "text_sha256", "ratings", "sentences", "drivers_up", "drivers_down"} for row in rows)
        assert all(sentence.keys() == {"start", "end", "attribution", "speculation", "caution"} for row in rows for sentence in row["sentences"])

    @pytest.mark.parametrize("batch", authored.BATCHES)
    def test_every_authored_article_has_a_plan_and_labels(self, batch: str) -> None:
        articles, labels = authored.BATCHES[batch]
        plan = [json.loads(line)["id"] for line in (LABELS / f"{batch}-plan.jsonl").read_text(encoding="utf-8").splitlines()]
        assert sorted(plan) == sorted(read_articles(articles)) == sorted(json.loads(line)["id"] for line in labels.read_text(encoding="utf-8").splitlines())

    @pytest.mark.parametrize(("name", "sentences"), [("factappeal", 2739), ("newssd", 830), ("certainty", 1415)])
    def test_committed_sentence_labels_are_whole_and_hold_no_text(self, name: str, sentences: int) -> None:
        rows = [json.loads(line) for line in (LABELS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]
        assert len({row["id"] for row in rows}) == sentences
        assert not [row["id"] for row in rows if "/test/" in row["id"]], "a test set is never labelled for training"
        assert all(row.keys() == {"id", "text_sha256", "sentences"} for row in rows)
        assert all(s.keys() == {"start", "end", "attribution", "speculation", "caution"} for row in rows for s in row["sentences"])


class TestCleaning:
    """Offsets of committed labels count characters of cleaned texts, so cleaning is pinned."""

    def test_wikinews_row_becomes_title_and_body_without_dateline(self, tmp_path: Path) -> None:
        body = "Monday, May 4, 2020 \r\n\r\n\r\nThe\xa0pier  closed. \r\n" + "Ferries ran late. " * 20
        (tmp_path / "wikinews_2020.csv").write_text(f'title,url,text\nPier shut ,u,"{body}"\nShort,u,"Too short to keep."\n', encoding="utf-8", newline="")
        texts = wikinews.texts(tmp_path / "wikinews_2020.csv")
        assert list(texts.values()) == ["Pier shut\n\nThe pier closed.\n" + " ".join(["Ferries ran late."] * 20)]

    def test_horne_archive_gives_cleaned_articles_only(self, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "public.zip", "w") as archive:
            archive.writestr("Public Data/Buzz Set/Fake/1_Fake.txt", b"The \xffpier\r\n\r\n\r\nclosed. ")
            archive.writestr("Public Data/Buzz Set/Fake_titles/1_Fake.txt", b"A title")
            archive.writestr("__MACOSX/Public Data/Buzz Set/Fake/._1_Fake.txt", b"junk")
        assert list(horne.texts(tmp_path / "public.zip").values()) == ["The \ufffdpier\n\nclosed."]

    def test_long_horne_article_is_cut_at_a_paragraph(self, tmp_path: Path) -> None:
        paragraphs = ["word " * 299 + "end." for _ in range(3)]
        with zipfile.ZipFile(tmp_path / "public.zip", "w") as archive:
            archive.writestr("Public Data/Random Set/Real/2.txt", "\n".join(paragraphs))
        (text,) = horne.texts(tmp_path / "public.zip").values()
        assert text == "\n".join(paragraphs[:2])

    def test_archive_without_a_labelled_article_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "labels.jsonl").write_text('{"id": "a1"}\n{"id": "a2"}\n', encoding="utf-8")
        with pytest.raises(CorpusError, match="1 of 2 labelled articles are not there, the first 'a2'"):
            horne.pack({"a1": "The pier closed."}, tmp_path / "labels.jsonl")


class TestPolnear:
    TEXT = "Ode spoke. The pier, she said, will close. Ferries run."

    def test_discontinuous_content_gives_one_span_per_fragment(self, tmp_path: Path) -> None:
        document = self.document(
            tmp_path, "T1\tContent 11 19;31 42\tThe pier will close.\nT2\tSource 21 24\tshe\nT3\tCue 25 29\tsaid\nT4\tDiscard 0 3\tOde\nE1\tx\n"
        )
        spans = [(SPAN_TAGS[span.tag], self.TEXT[span.start : span.end]) for span in document.spans]
        assert spans == [("content", "The pier"), ("source", "she"), ("cue", "said"), ("content", "will close.")]

    def test_sentences_say_whether_an_attribution_has_a_part_in_them(self, tmp_path: Path) -> None:
        document = self.document(tmp_path, "T1\tContent 11 19;31 42\tThe pier will close.\n")
        assert [(self.TEXT[sentence.start : sentence.end], sentence.appeal) for sentence in document.sentences] == [
            ("Ode spoke.", 0),
            ("The pier, she said, will close.", 1),
            ("Ferries run.", 0),
        ]

    @pytest.mark.parametrize(("line", "message"), [("T1\tSource zero 3\tOde", "line 1: found 'T1"), ("T1\tSource 0 99\tOde", r"span 0 has offsets \[0, 99\)")])
    def test_bad_annotation_is_refused_by_name(self, tmp_path: Path, line: str, message: str) -> None:
        with pytest.raises(CorpusError, match=rf"a_1\.ann.*{message}"):
            self.document(tmp_path, line)

    def document(self, folder: Path, annotations: str) -> Document:
        (folder / "a.txt").write_text(self.TEXT, encoding="utf-8")
        (folder / "a_1.ann").write_text(annotations, encoding="utf-8")
        return polnear.document(folder / "a.txt", folder / "a_1.ann")


def test_only_corpora_of_open_licence_may_train_what_is_shipped() -> None:
    assert {name for name, corpus in CORPORA.items() if corpus.use == "evaluate"} == {"panel", "polnear"}

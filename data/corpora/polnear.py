"""Sources, cues and contents of attributions in US political news (PolNeAR; evaluation only, publishers' text).

Only the test compartment is used. Annotations are in brat's standoff format. A discontinuous annotation becomes one span per
fragment. Two articles were annotated by all six annotators; the first one by file name is taken, so that each article counts once.
Sentences are ours (`onrecord.sentences`); `appeal` says whether an attribution has a part in the sentence.
"""

import re
from pathlib import Path

import datasets

from data.corpora._base import Corpus, open_text
from data.schema import SPAN_TAGS, CorpusError, Document, Sentence, TaggedSpan, to_dataset
from onrecord.sentences import split_sentences

_TAGS = {"Source": "source", "Cue": "cue", "Content": "content"}
_LABELLED = tuple(SPAN_TAGS.index(tag) for tag in _TAGS.values())
_LINE = re.compile(r"T\d+\t(\S+) (\d+ \d+(?:;\d+ \d+)*)\t")


def parse_annotations(annotations: str, path: Path) -> tuple[TaggedSpan, ...]:
    """Return the source, cue and content spans of a brat file; `path` is named when a line is malformed."""
    spans: set[TaggedSpan] = set()
    for number, line in enumerate(annotations.split("\n"), start=1):
        if not line.startswith("T"):
            continue
        match = _LINE.match(line)
        if match is None:
            raise CorpusError(f"{path}, line {number}: found {line[:60]!r}; expected 'T<number> TAB <tag> <start> <end>[;<start> <end>…] TAB <text>'")
        if match[1] in _TAGS:
            tag = SPAN_TAGS.index(_TAGS[match[1]])
            fragments = (fragment.split(" ") for fragment in match[2].split(";"))
            spans.update(TaggedSpan(int(start), int(end), tag) for start, end in fragments)
    return tuple(sorted(spans, key=lambda span: (span.start, -span.end, span.tag)))


def document(text_path: Path, annotation_path: Path) -> Document:
    """Return one article with its spans, and with sentences that say whether an attribution has a part in them."""
    text = open_text(text_path)
    spans = parse_annotations(open_text(annotation_path), annotation_path)
    sentences = []
    for sentence in split_sentences(text):
        appeal = any(span.start < sentence.end and sentence.start < span.end for span in spans)
        sentences.append(Sentence(sentence.start, sentence.end, appeal=int(appeal)))
    found = Document(f"polnear/{text_path.stem}", "polnear", text, tuple(sentences), spans=spans, spans_labelled=_LABELLED)
    found.check(str(annotation_path))
    return found


def read(folder: Path) -> datasets.DatasetDict:
    """Return the corpus's split "test"."""
    annotations = [name for name in CORPUS.files if name.endswith(".ann")]
    documents = []
    for name in (name for name in CORPUS.files if name.endswith(".txt")):
        stem = Path(name).stem
        mine = min(other for other in annotations if Path(other).stem.startswith(f"{stem}_"))
        documents.append(document(folder / name, folder / mine))
    return datasets.DatasetDict({"test": to_dataset(documents)})


CORPUS = Corpus(name="polnear", use="evaluate", read=read)

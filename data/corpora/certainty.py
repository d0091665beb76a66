"""Graded certainty (1 to 6) of sentences from science news and abstracts (Pei & Jurgens, EMNLP 2021).

Attribution, speculation and caution of the training and validation sentences are ours.
"""

from pathlib import Path

import datasets

from data.corpora._base import DATA, Corpus, field, read_jsonl
from data.corpora.labelled import SentenceLabels
from data.schema import CorpusError, Document, to_dataset, whole_text

LABELS = DATA / "labels" / "certainty.jsonl"
FILE = "certainty/sentence-level-certainty.jsonl"
# "ext" marks sentences outside the three splits; its documentation does not say more. They are trained on.
_SPLITS = {"train": "train", "ext": "train", "val": "validation", "test": "test"}


def read(folder: Path) -> datasets.DatasetDict:
    """Return the corpus's own splits "train", "validation" and "test"."""
    labels = SentenceLabels.read(LABELS)
    splits: dict[str, list[Document]] = {"train": [], "validation": [], "test": []}
    for where, row in read_jsonl(folder / FILE):
        split, grade = field(row, "split", where), field(row, "sentence-level-certainty", where)
        text = str(field(row, "finding", where)).strip()
        if split not in _SPLITS or not text:
            raise CorpusError(f"{where}: found the split {split!r} and {len(text)} characters; expected a text and one of {', '.join(_SPLITS)}")
        if not isinstance(grade, int | float) or not 1 <= grade <= 6:
            raise CorpusError(f"{where}: found the certainty {grade!r}; expected a number from 1 to 6")
        key = f"certainty/{split}/{field(row, 'id', where)}"
        splits[_SPLITS[split]].append(Document(key, "certainty", text, whole_text(text, certainty=float(grade), **labels.of(key, text))))
    return datasets.DatasetDict({name: to_dataset(documents) for name, documents in splits.items()})


CORPUS = Corpus(name="certainty", use="ship", read=read)

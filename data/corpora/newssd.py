"""Objective and subjective news sentences (NewsSD-ENG; Antici et al., LREC-COLING 2024).

Attribution, speculation and caution of the training and validation sentences are ours.
"""

from pathlib import Path

import datasets

from data.corpora._base import DATA, Corpus, read_csv
from data.corpora.labelled import SentenceLabels
from data.schema import CorpusError, Document, label_id, to_dataset, whole_text

LABELS = DATA / "labels" / "newssd.jsonl"
_SPLITS = {"train": "newssd/train.csv", "validation": "newssd/val.csv", "test": "newssd/test.csv"}


def _documents(path: Path, split: str, labels: SentenceLabels) -> list[Document]:
    documents = []
    for number, (where, row) in enumerate(read_csv(path, ("Sentence", "Label"))):
        text = row["Sentence"].strip()
        if not text:
            raise CorpusError(f"{where}: the sentence is empty")
        subjective = label_id(("OBJ", "SUBJ"), row["Label"], where)
        key = f"newssd/{split}/{number}"
        documents.append(Document(key, "newssd", text, whole_text(text, subjective=subjective, **labels.of(key, text))))
    return documents


def read(folder: Path) -> datasets.DatasetDict:
    """Return the corpus's own splits "train", "validation" and "test"."""
    labels = SentenceLabels.read(LABELS)
    return datasets.DatasetDict({split: to_dataset(_documents(folder / name, split, labels)) for split, name in _SPLITS.items()})


CORPUS = Corpus(name="newssd", use="ship", read=read)

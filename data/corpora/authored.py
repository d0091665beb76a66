"""Articles written for this project over a grid of sourcing and speculation; they and their labels lie in this repository."""

from pathlib import Path

import datasets

from data.corpora._base import DATA, Corpus
from data.corpora.labelled import join_labels, read_articles
from data.schema import to_dataset

ARTICLES = DATA / "authored" / "articles.jsonl.gz"
LABELS = DATA / "labels" / "authored.jsonl"


def read(_folder: Path) -> datasets.DatasetDict:
    """Return the split "all"; nothing has to be fetched."""
    return datasets.DatasetDict({"all": to_dataset(join_labels(read_articles(ARTICLES), LABELS, "authored"))})


CORPUS = Corpus(name="authored", use="ship", read=read)

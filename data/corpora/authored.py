"""Articles written for this project; they and their labels lie in this repository.

"authored" covers a grid of sourcing and speculation in tidy prose; "authored-web" imitates how real web pages read; "authored-pages" adds
the calm majority of their sentences in every style (gossip, partisan, satirical, health, broadsheet …), with the spans of their sources.
"""

from pathlib import Path

import datasets

from data.corpora._base import DATA, Corpus
from data.corpora.labelled import join_labels, read_articles
from data.schema import to_dataset

# Batches by name: their articles and their labels. Each was labelled by other annotators, who did not know the plan.
BATCHES = {
    "authored": (DATA / "authored" / "articles.jsonl.gz", DATA / "labels" / "authored.jsonl"),
    "authored-web": (DATA / "authored" / "web.jsonl.gz", DATA / "labels" / "authored-web.jsonl"),
    "authored-pages": (DATA / "authored" / "pages.jsonl.gz", DATA / "labels" / "authored-pages.jsonl"),
}


def read(_folder: Path) -> datasets.DatasetDict:
    """Return the split "all"; nothing has to be fetched."""
    documents = [d for name, (articles, labels) in BATCHES.items() for d in join_labels(read_articles(articles), labels, name)]
    return datasets.DatasetDict({"all": to_dataset(documents)})


CORPUS = Corpus(name="authored", use="ship", read=read)

"""Real articles of several news sets, annotated twice, independently (evaluation only; texts are not ours and not in this repository).

The `corpus` of a document is "panel/" and the set that the article comes from, so that results can be given with and without one.
"""

from dataclasses import replace
from pathlib import Path

import datasets

from data.corpora._base import DATA, Corpus, field, read_jsonl
from data.corpora.labelled import join_labels, read_articles
from data.schema import to_dataset

FILE = "panel/panel-dev.jsonl.gz"
ANNOTATORS = ("annotator-1", "annotator-2")


def read(folder: Path) -> datasets.DatasetDict:
    """Return the splits "annotator_1" and "annotator_2": the same articles, in the same order."""
    path = folder / FILE
    articles = read_articles(path)
    strata = {str(row["id"]): str(field(row, "corpus", where)) for where, row in read_jsonl(path)}
    splits = {}
    for annotator in ANNOTATORS:
        documents = join_labels(articles, DATA / "labels" / f"panel-dev.{annotator}.jsonl", "panel", annotator)
        documents.sort(key=lambda document: document.id)
        splits[annotator.replace("-", "_")] = to_dataset(replace(document, corpus=f"panel/{strata[document.id]}") for document in documents)
    return datasets.DatasetDict(splits)


CORPUS = Corpus(name="panel", use="evaluate", read=read)

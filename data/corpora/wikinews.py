"""Full Wikinews articles of 2019 and 2020 (text CC BY 2.5, not in this repository; labels ours)."""

import re
from pathlib import Path

import datasets

from data.corpora._base import DATA, Corpus, read_csv
from data.corpora._clean import article_id, clean, first_paragraphs, universal_newlines
from data.corpora.labelled import join_labels
from data.schema import to_dataset

FILES = ("wikinews/wikinews_2019.csv", "wikinews/wikinews_2020.csv")
LABELS = DATA / "labels" / "wikinews.jsonl"
_DATELINE = re.compile(r"^(Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, \w+ \d+, \d{4} *\n+")


def texts(path: Path) -> dict[str, str]:
    """Return {id: cleaned text} of one year's file; the id counts rows of the raw file."""
    year = path.stem.rpartition("_")[2]
    found = {}
    for number, (_where, row) in enumerate(read_csv(path, ("title", "text"))):
        body = _DATELINE.sub("", clean(universal_newlines(row["text"])))
        if len(body.split()) >= 60:
            title = universal_newlines(row["title"]).strip()
            found[article_id(f"wikinews/{year}-{number:03d}")] = clean(f"{title}\n\n{first_paragraphs(body, 700)}")
    return found


def read(folder: Path) -> datasets.DatasetDict:
    """Return the split "all"."""
    articles = {key: text for name in FILES for key, text in texts(folder / name).items()}
    return datasets.DatasetDict({"all": to_dataset(join_labels(articles, LABELS, "wikinews"))})


CORPUS = Corpus(name="wikinews", use="ship", read=read)

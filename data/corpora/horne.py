"""Real, fabricated and satirical political news of 2016 (Horne & Adali 2017; text not in this repository; labels ours).

The public archive holds more articles than were labelled. `unpack` turns it into the one file that is read: the labelled
articles, cleaned, one JSON object per line, sorted by id, so that its sha256 is known however the archive was obtained.
"""

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import datasets

from data.corpora._base import DATA, Corpus, read_jsonl
from data.corpora._clean import article_id, clean, first_paragraphs, universal_newlines
from data.corpora.labelled import join_labels, read_articles
from data.schema import CorpusError, to_dataset

FILE = "horne/articles.jsonl"
LABELS = DATA / "labels" / "horne.jsonl"
_VERACITIES = ("Real", "Fake", "Satire")


def texts(archive: Path) -> dict[str, str]:
    """Return {id: cleaned text} of every article in the public archive."""
    try:
        with zipfile.ZipFile(archive) as file:
            members = [PurePosixPath(name) for name in file.namelist() if _is_article(PurePosixPath(name))]
            return {_id(member): _text(file.read(str(member))) for member in members}
    except zipfile.BadZipFile as error:
        raise CorpusError(f"{archive}: cannot be unpacked ({error}). Delete it and run: python -m data.fetch --only horne") from error


def _is_article(member: PurePosixPath) -> bool:
    return len(member.parts) >= 3 and member.parts[-2] in _VERACITIES and "__MACOSX" not in member.parts and member.suffix == ".txt"


def _id(member: PurePosixPath) -> str:
    group = ("buzzfeed" if "Buzz" in member.parts[-3] else "random") + "-" + member.parts[-2].lower()
    return article_id(f"horne-{group}{group}-{member.stem}")


def _text(content: bytes) -> str:
    return clean(first_paragraphs(universal_newlines(content.decode("utf-8", errors="replace")), 600))


def pack(articles: Mapping[str, str], labels: Path = LABELS) -> bytes:
    """Return the file that is read: the labelled ones of these articles, in one canonical form."""
    keys = sorted(str(row["id"]) for _where, row in read_jsonl(labels))
    missing = [key for key in keys if key not in articles]
    if missing:
        raise CorpusError(
            f"horne: {len(missing)} of {len(keys)} labelled articles are not there, the first {missing[0]!r}; expected the archive named in data/checksums.json"
        )
    return "".join(json.dumps({"id": key, "text": articles[key]}, ensure_ascii=False) + "\n" for key in keys).encode()


def unpack(path: Path) -> bytes:
    """Return the file that is read, from the public zip archive or from a JSON-lines file of cleaned articles."""
    return pack(texts(path) if path.suffix == ".zip" else read_articles(path))


def read(folder: Path) -> datasets.DatasetDict:
    """Return the split "all"."""
    return datasets.DatasetDict({"all": to_dataset(join_labels(read_articles(folder / FILE), LABELS, "horne"))})


CORPUS = Corpus(name="horne", use="ship", read=read)

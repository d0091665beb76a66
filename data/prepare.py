"""Build the training, validation and test tables: `python -m data.prepare`, after `python -m data.fetch`.

Takes about ten seconds and writes about 2 MB into `data/prepared/`: `train.parquet`, `validation.parquet`,
`tests/*.parquet` and `manifest.json` (counts, what was removed, sha256 of every input and table). The same inputs give the same bytes.

Validation is 12% of the documents of authored, wikinews and horne, chosen by a hash of the id, and the own validation splits of
factappeal, certainty and newssd. No document of training or validation is a near-duplicate of a test document, and none of
validation of a training document (`data.dedup`). FactAppeal's own test split shares sentences with its training split; those
leave the test. A missing corpus that is only evaluated is left out, loudly; a missing one that is trained on is an error.
"""

import argparse
import hashlib
import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import datasets
import pyarrow as pa
import pyarrow.parquet as pq

from data.checksums import DATA, RAW, FetchError, entries, verify
from data.corpora import CORPORA
from data.dedup import Duplicate, Text, near_duplicates
from data.schema import FEATURES, MASKED, CorpusError
from onrecord.checkpoint import hash_file

PREPARED: Final = DATA / "prepared"
VALIDATION_SHARE: Final = 0.12
_WITHOUT_SPLITS: Final = ("authored", "wikinews", "horne")
_WITH_SPLITS: Final = ("factappeal", "certainty", "newssd")
_TESTS: Final = {
    "panel_annotator_1": ("panel", "annotator_1"),
    "panel_annotator_2": ("panel", "annotator_2"),
    "factappeal": ("factappeal", "test"),
    "certainty": ("certainty", "test"),
    "newssd": ("newssd", "test"),
    "polnear": ("polnear", "test"),
}
Row = dict[str, Any]
Rows = list[Row]


@dataclass(frozen=True, slots=True)
class Tables:
    """Rows of every table."""

    train: Rows
    validation: Rows
    tests: dict[str, Rows]

    def named(self) -> dict[str, Rows]:
        """Return every table under the name that `load` takes."""
        return {"train": self.train, "validation": self.validation, **self.tests}


def load(name: str, folder: Path = PREPARED) -> datasets.Dataset:
    """Return a prepared table: "train", "validation", or a test such as "panel_annotator_1".

    Raises:
        CorpusError: The table is not there.
    """
    path = _path(name, folder)
    if not path.is_file():
        there = sorted(file.stem for file in folder.rglob("*.parquet"))
        raise CorpusError(
            f"no prepared table {name!r} in {folder}; there are: {', '.join(there) or 'none'}. Run: python -m data.fetch, then python -m data.prepare"
        )
    return datasets.Dataset(pq.read_table(path))


def _path(name: str, folder: Path) -> Path:
    return folder / f"{name}.parquet" if name in ("train", "validation") else folder / "tests" / f"{name}.parquet"


def read_corpora(raw: Path) -> tuple[dict[str, dict[str, Rows]], list[str]]:
    """Return {corpus: {split: rows}} of every corpus whose files are there and right, and the names of those left out.

    Raises:
        FetchError: A corpus that is trained on is missing, or a file is not the expected one.
    """
    read: dict[str, dict[str, Rows]] = {}
    left_out = []
    for name, corpus in CORPORA.items():
        absent = [file for file in corpus.files if not (raw / file).is_file()]
        if absent and corpus.use == "ship":
            raise FetchError(
                f"{name} is trained on, but {len(absent)} of its files are missing, the first {raw / absent[0]}. Run: python -m data.fetch --only {name}"
            )
        if absent:
            left_out.append(name)
            continue
        _verify(name, raw)
        read[name] = {split: table.to_list() for split, table in corpus.read(raw).items()}
    return read, left_out


def _verify(corpus: str, raw: Path) -> None:
    for entry in (entry for entry in entries() if entry.corpus == corpus):
        verify(raw / entry.name, entry.sha256, str(raw / entry.name), f"Delete it and run: python -m data.fetch --only {corpus}")


def in_validation(key: str) -> bool:
    """Say whether a document belongs to validation; depends on nothing but its id."""
    return int(hashlib.sha256(key.encode()).hexdigest()[:8], 16) < VALIDATION_SHARE * 2**32


def split(corpora: Mapping[str, Mapping[str, Rows]]) -> Tables:
    """Return the tables before anything is removed."""
    train: Rows = []
    validation: Rows = []
    for name in _WITHOUT_SPLITS:
        for row in corpora[name]["all"]:
            (validation if in_validation(row["id"]) else train).append(row)
    for name in _WITH_SPLITS:
        train += corpora[name]["train"]
        validation += corpora[name]["validation"]
    tests = {test: list(corpora[name][part]) for test, (name, part) in _TESTS.items() if name in corpora}
    return Tables(train, validation, tests)


def remove_duplicates(tables: Tables) -> tuple[Tables, dict[str, list[Duplicate]]]:
    """Return the tables without near-duplicates, and what was removed from which because of which.

    Leaked sentences leave FactAppeal's test; what resembles a test leaves training and validation; what resembles training leaves validation.
    """
    removed: dict[str, list[Duplicate]] = {}

    def without(what: str, rows: Rows, references: Rows) -> Rows:
        removed[what] = near_duplicates(_texts(rows), _texts(references))
        ids = {duplicate.id for duplicate in removed[what]}
        return [row for row in rows if row["id"] not in ids]

    train, validation, tests = tables.train, tables.validation, dict(tables.tests)
    own = [row for row in train if row["corpus"] == "factappeal"]
    tests["factappeal"] = without("leaked sentences: factappeal test, also in factappeal train", tests["factappeal"], own)
    for test, rows in tests.items():
        if test != "panel_annotator_2":  # the same texts as annotator 1
            train = without(f"train, near {test}", train, rows)
            validation = without(f"validation, near {test}", validation, rows)
    validation = without("validation, near train", validation, train)
    return Tables(train, validation, tests), removed


def _texts(rows: Rows) -> list[Text]:
    return [Text(row["id"], row["text"]) for row in rows]


def label_counts(rows: Sequence[Row]) -> dict[str, dict[str, int]]:
    """Return how often each label occurs, by corpus; masked labels are not counted."""
    counts: dict[str, Counter[str]] = {}
    sentence, span = FEATURES["sentences"].feature, FEATURES["spans"].feature
    for row in rows:
        mine = counts.setdefault(row["corpus"].partition("/")[0], Counter())
        mine.update(documents=1, sentences=len(row["sentences"]), rated=row["ratings"]["risk"] is not None)
        for item in row["sentences"]:
            mine.update(
                f"{head}={sentence[head].int2str(item[head])}"
                for head in ("attribution", "speculation", "caution", "appeal", "subjective")
                if item[head] != MASKED
            )
            mine["certainty"] += item["certainty"] is not None
        for item in row["spans"]:
            mine.update(f"span {head}={span[head].int2str(item[head])}" for head in ("tag", "kind", "type") if item[head] != MASKED)
    return {corpus: {label: count for label, count in sorted(mine.items()) if count} for corpus, mine in counts.items()}


def write(tables: Tables, removed: Mapping[str, Sequence[Duplicate]], left_out: Sequence[str], folder: Path) -> dict[str, Any]:
    """Write the tables and the manifest, and return the manifest. Tables of an earlier run that are not made now are deleted."""
    (folder / "tests").mkdir(parents=True, exist_ok=True)
    named = tables.named()
    written = {}
    for stale in {*folder.rglob("*.parquet")} - {_path(name, folder) for name in named}:
        stale.unlink()
    for name, rows in named.items():
        path = _path(name, folder)
        schema = FEATURES.arrow_schema
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), path, compression="zstd")
        written[name] = {
            "documents": len(rows),
            "sentences": sum(len(row["sentences"]) for row in rows),
            "sha256": hash_file(path),
            "labels": label_counts(rows),
        }
    committed = [*sorted((DATA / "authored").glob("*.jsonl.gz")), *sorted((DATA / "labels").glob("*.jsonl"))]
    manifest = {
        "tables": written,
        "left_out": list(left_out),
        "removed": {what: [asdict(duplicate) for duplicate in duplicates] for what, duplicates in removed.items()},
        "inputs": {entry.name: entry.sha256 for entry in entries() if entry.corpus not in left_out}
        | {path.relative_to(DATA).as_posix(): hash_file(path) for path in committed},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return manifest


def report(manifest: Mapping[str, Any]) -> str:
    """Return what was removed and how often each label occurs, for people."""
    lines = ["Removed as near-duplicates:"]
    for what, duplicates in manifest["removed"].items():
        lines.append(f"  {len(duplicates):4d}  {what}")
        lines += [f"          {duplicate['id']} ~ {duplicate['of']} ({duplicate['overlap']:.2f})" for duplicate in duplicates]
    for name, table in manifest["tables"].items():
        lines.append(f"{name}: {table['documents']} documents, {table['sentences']} sentences, sha256 {table['sha256'][:12]}")
        for corpus, counts in table["labels"].items():
            lines.append(f"  {corpus}: " + ", ".join(f"{label} {count}" for label, count in counts.items()))
    for corpus in manifest["left_out"]:
        lines.append(f"LEFT OUT: {corpus} (evaluation only) was not fetched, so its test tables do not exist. Run: python -m data.fetch --only {corpus}")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m data.prepare", description="Build the training, validation and test tables.")
    parser.add_argument("--raw", type=Path, default=RAW, help="folder of the fetched files (default: %(default)s)")
    parser.add_argument("--to", type=Path, default=PREPARED, help="folder to write to (default: %(default)s)")
    options = parser.parse_args(arguments)
    try:
        corpora, left_out = read_corpora(options.raw)
    except (FetchError, CorpusError) as error:
        print(error, file=sys.stderr)
        return 1
    tables, removed = remove_duplicates(split(corpora))
    print(report(write(tables, removed, left_out, options.to)))
    return 0


if __name__ == "__main__":
    sys.exit(main())

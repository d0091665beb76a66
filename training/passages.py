"""Join stand-alone sentences of a corpus into passages, so that their labels are also learnt amid other sentences."""

from collections.abc import Iterable, Sequence
from typing import Any

Row = dict[str, Any]


def join_sentences(rows: Iterable[Row], size: int) -> list[Row]:
    """Return the rows with every third group of `size` one-sentence rows of a corpus joined into one row.

    Corpora of single sentences are the only ones with most of the token tags; learnt on single sentences alone, the tags are rough
    inside articles. The others stay as they are, because users also score one sentence. Ratings and drivers, which
    such corpora do not have, stay masked; all other labels are kept.
    """
    kept: list[Row] = []
    singles: dict[str, list[Row]] = {}
    for row in rows:
        if len(row["sentences"]) == 1 and row["ratings"]["risk"] is None:
            singles.setdefault(row["corpus"], []).append(row)
        else:
            kept.append(row)
    for corpus in singles.values():
        for number, start in enumerate(range(0, len(corpus), size)):
            group = corpus[start : start + size]
            kept += [_join(group)] if number % 3 == 2 else group
    return kept


def _join(rows: Sequence[Row]) -> Row:
    text = ""
    sentences: list[Row] = []
    spans: list[Row] = []
    for row in rows:
        text += " " if text else ""
        for found, joined in ((row["sentences"], sentences), (row["spans"], spans)):
            joined += [{**item, "start": item["start"] + len(text), "end": item["end"] + len(text)} for item in found]
        text += row["text"]
    return {**rows[0], "id": f"{rows[0]['id']} to {rows[-1]['id']}", "text": text, "sentences": sentences, "spans": spans}

"""What the tests of archive readers share."""

from collections.abc import Iterable
from typing import Any

from onrecord.archive.readers import find_inputs, read_rows
from onrecord.archive.rows import BadRow, Row


def read(*patterns: str, **options: Any) -> list[Row | BadRow]:  # noqa: ANN401 - those of read_rows
    """All rows of the files, after a look at what holds for any rows."""
    rows = list(read_rows(find_inputs(patterns), **options))
    assert [row.position for row in rows] == list(range(len(rows)))
    for row in rows:
        if isinstance(row, BadRow):
            assert row.message.startswith(f"{row.place}: ")
            assert "\n" not in row.message
    return rows


def brief(rows: Iterable[Row | BadRow]) -> list[tuple[str, str, str]]:
    """Per row its place and either ("id", text) or the code of what is wrong."""
    return [(row.place, row.id, row.text) if isinstance(row, Row) else (row.place, row.id or "-", f"!{row.code}") for row in rows]

"""What a reader gives for each row of an archive: an article, or why there is none."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One article.

    Attributes:
        position: place in the whole input, from 0; bad rows are counted too.
        place: file and line, row or name, for people.
        id: the row's own id, or its place.
        text: the article.
    """

    position: int
    place: str
    id: str
    text: str


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that holds no article.

    Attributes:
        position: place in the whole input, from 0.
        place: file and line, row or name, for people.
        id: the row's own id, where it could be read.
        code: stable, machine-readable name of what is wrong.
        message: one line: what was found, what was expected.
    """

    position: int
    place: str
    id: str | None
    code: str
    message: str

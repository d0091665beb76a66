"""From the fields of a row to its article."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import count, islice
from typing import Final

from onrecord.archive.inputs import printable
from onrecord.archive.rows import BadRow, Row
from onrecord.archive.streams import Flaw

USUAL_ID: Final = "id"  # the field that holds a row's id where the caller names none
_TYPES: Final = {dict: "an object", list: "a list", str: "a string", bool: "true or false", int: "a number", float: "a number", type(None): "null"}
_SHOWN: Final = 8


@dataclass(frozen=True, slots=True)
class Fields:
    """Which fields of a row matter.

    Attributes:
        text: name of the field with the article.
        id: name of the field with the id; None: `USUAL_ID` in rows that have it, else the row's place.
    """

    text: str
    id: str | None

    @property
    def id_name(self) -> str:
        """The field to look for an id in."""
        return USUAL_ID if self.id is None else self.id


class RowMaker:
    """Numbers the rows of the whole input and says of each what it holds.

    Attributes:
        fields: which fields of a row matter.
        last_place: where the last row was found; "" before the first.
    """

    def __init__(self, fields: Fields) -> None:
        self.fields = fields
        self.last_place = ""
        self._positions = count()

    def row(self, place: str, values: Callable[[], Mapping[str, object]]) -> Row | BadRow:
        """The article in `values()`, or what is wrong with it where that raises `Flaw`."""

        def found() -> tuple[str, str]:
            fields = values()
            own_id = _own_id(fields, self.fields)
            return own_id or place, _text(fields, self.fields, own_id)

        return self._made(place, found)

    def article(self, place: str, text: Callable[[], str]) -> Row | BadRow:
        """A row without fields, whose id is its place."""
        return self._made(place, lambda: (place, text()))

    def flawed(self, place: str, flaw: Flaw) -> BadRow:
        """A row that could not be read at all."""
        self.last_place = place
        message = " ".join(printable(word) for word in flaw.message.split())
        return BadRow(next(self._positions), place, flaw.id, flaw.code, f"{place}: {message}")

    def _made(self, place: str, found: Callable[[], tuple[str, str]]) -> Row | BadRow:
        try:
            own_id, text = found()
        except Flaw as flaw:
            return self.flawed(place, flaw)
        self.last_place = place
        return Row(next(self._positions), place, own_id, text)


def type_name(value: object) -> str:
    """What `value` is, for people."""
    return _TYPES.get(type(value), f"a value of type {type(value).__name__}")


def listed(names: Iterable[object]) -> str:
    """The first few names, quoted, none of them long."""
    shown = [repr(name) if len(str(name)) <= 40 else f"{str(name)[:40]!r}…" for name in islice(names, _SHOWN + 1)]
    return ", ".join([*shown[:_SHOWN], "…"] if len(shown) > _SHOWN else shown) or "none"


def _own_id(values: Mapping[str, object], fields: Fields) -> str | None:
    name = fields.id_name
    value = values.get(name)
    if value is None or value == "":  # CSV has no other way to say null
        if fields.id is None:
            return None
        if name not in values:
            raise _missing(values, name, "--id-field")
        raise Flaw("null", f"the field {name!r} is {'null' if value is None else 'empty'}; expected an id")
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise Flaw("wrong_type", f"found {type_name(value)} in the field {name!r}; expected a string or an integer as id")
    own_id = str(value)
    try:
        own_id.encode()
    except UnicodeEncodeError as error:
        raise Flaw("undecodable", f"half a surrogate pair in the field {name!r} ({own_id[:40]!r}); expected valid Unicode as id") from error
    return own_id


def _text(values: Mapping[str, object], fields: Fields, own_id: str | None) -> str:
    value = values.get(fields.text)
    if isinstance(value, str):
        return value
    if fields.text not in values:
        raise _missing(values, fields.text, "--text-field", own_id)
    if value is None:
        raise Flaw("null", f"the field {fields.text!r} is null; expected the article as a string", own_id)
    raise Flaw("wrong_type", f"found {type_name(value)} in the field {fields.text!r}; expected the article as a string", own_id)


def _missing(values: Mapping[str, object], name: str, option: str, own_id: str | None = None) -> Flaw:
    return Flaw("missing_field", f"no field {name!r}; found {listed(values)}. Name another with {option}, or mend the row", own_id)

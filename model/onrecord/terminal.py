"""A report as text for a terminal."""

import os
import textwrap
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TextIO

from onrecord.report import Report, Score, Sentence

_LONGEST_QUOTE: Final = 160
_RULE: Final = "─"
_TITLES: Final = {"risk": "Review priority", "sourcing": "Sourcing strength", "speculation": "Speculation"}
_MEANINGS: Final = {
    "risk": {"low": "no special need to check it", "some": "worth a check", "high": "check it before it spreads"},
    "sourcing": {
        "low": "most claims cannot be traced to anyone",
        "some": "some claims can be traced, others cannot",
        "high": "the key claims can be traced to identifiable sources",
    },
    "speculation": {"low": "little or no conjecture", "some": "a good part is hedged or conjecture", "high": "mostly conjecture, rumour or prediction"},
}
_ATTRIBUTION_WORDS: Final = {
    "named": "named source",
    "document": "document",
    "anonymous": "anonymous source",
    "vague": "hearsay",
    "unattributed": "no source given",
    "no_claim": "no claim",
}
_COLOURS: Final = {"bold": "1", "red": "31", "green": "32", "yellow": "33"}
_DROPPED: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})  # control, invisible format and direction marks, surrogates, no character


def printable(text: str) -> str:
    """`text` on one line, without the characters that could steer a terminal or hide or reorder what it shows."""
    return "".join(c for c in " ".join(text.split()) if unicodedata.category(c) not in _DROPPED)


def wants_colour(stream: TextIO) -> bool:
    """Whether to colour: only on a terminal that can, and not when NO_COLOR is set."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def render(report: Report, text: str, name: str, *, width: int = 80, colour: bool = False) -> str:
    """Lay a report out for people.

    Args:
        report: what to show.
        text: the text that was scored; the report's offsets point into it.
        name: what to call the text, such as its file name.
        width: longest line, in characters; at least 40.
        colour: emphasise with ANSI colours. The words say the same without them.
    """
    page = _Page(report, text, max(40, width), colour)
    return "\n".join(page.lines(name)) + "\n"


@dataclass(frozen=True)
class _Page:
    report: Report
    text: str
    width: int
    colour: bool

    def lines(self, name: str) -> Iterator[str]:
        report = self.report
        yield from (self._paint(line, "bold") for line in self._wrap(f"{printable(name)}: {report.words} words, {len(report.sentences)} sentences"))
        yield _RULE * self.width
        if report.reason is None:
            for key in _TITLES:
                yield from self._score(key)
        else:
            yield from self._wrap(f"Not judged: {printable(report.reason)}")
        yield from self._section("Why (share in the review priority's logit: + raises it, - lowers it)", self._drivers())
        yield from self._section("Who speaks", self._sources())
        yield from self._section("What would help (estimates of the review priority)", self._advice())
        yield from self._section("Warnings", (line for w in report.warnings for line in self._item(f"{printable(w.message)} [{w.code}]")))
        yield ""
        yield from self._wrap(self._model())

    def _score(self, key: str) -> Iterator[str]:
        score: Score = getattr(self.report, key)
        if score.value is None or score.band is None or score.interval is None:
            return
        low, high = score.interval
        lines = self._wrap(f"{_TITLES[key]} {score.value:.2f} ({score.band}): {_MEANINGS[key][score.band]} [90% interval {low:.2f} to {high:.2f}]", indent="  ")
        bands = ("green", "yellow", "red") if key != "sourcing" else ("red", "yellow", "green")
        yield from (self._paint(line, bands[("low", "some", "high").index(score.band)]) for line in lines)

    def _drivers(self) -> Iterator[str]:
        for driver in self.report.drivers:
            sentence = self.report.sentences[driver.sentence]
            head = f"{driver.contribution:+.2f}  sentence {driver.sentence + 1}: {self._class(sentence)}"
            colour = "red" if driver.contribution > 0 else "green"
            yield from (self._paint(line, colour) for line in self._wrap(head, start="  ", indent="         "))
            yield from self._wrap(self._quote(sentence), start="         ", indent="         ")

    def _class(self, sentence: Sentence) -> str:
        words = [_ATTRIBUTION_WORDS[sentence.attribution]]
        if sentence.speculation != "none":
            words.append(sentence.speculation)
        if sentence.caution >= self.report.caution_threshold:
            words.append("openly unverified")
        return ", ".join(words)

    def _quote(self, sentence: Sentence) -> str:
        return textwrap.shorten(printable(self.text[sentence.start : sentence.end]), _LONGEST_QUOTE, placeholder=" …")

    def _sources(self) -> Iterator[str]:
        for source in self.report.sources:
            kind = source.kind if source.type is None else f"{source.kind}, {source.type.replace('_', ' ')}"
            count = len(source.mentions)
            surface = textwrap.shorten(printable(source.text), _LONGEST_QUOTE, placeholder=" …")
            yield from self._item(f"{surface} ({kind}): {count} mention{'s' if count > 1 else ''}")

    def _advice(self) -> Iterator[str]:
        for advice in self.report.advice:
            yield from self._item(advice.text)

    def _model(self) -> str:
        model = self.report.model
        return printable(f"Model {model.name} {model.version} ({model.weights_sha256[:12]}), calibration {model.calibration}, policy {model.policy}")

    def _section(self, title: str, body: Iterator[str]) -> Iterator[str]:
        first = next(body, None)
        if first is None:
            return
        yield ""
        yield from (self._paint(line, "bold") for line in self._wrap(title))
        yield first
        yield from body

    def _item(self, words: str) -> list[str]:
        return self._wrap(words, start="  - ", indent="    ")

    def _wrap(self, words: str, start: str = "", indent: str = "") -> list[str]:
        return textwrap.wrap(words, self.width, initial_indent=start, subsequent_indent=indent, break_on_hyphens=False)

    def _paint(self, line: str, colour: str) -> str:
        return f"\x1b[{_COLOURS[colour]}m{line}\x1b[0m" if self.colour else line

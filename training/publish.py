"""Write the measured tables into README.md: no figure there is typed by hand.

    python -m training.publish

Reads training/results/seeds/results.json (`python -m training.evaluate --model … --model … --model …`), shipped/results.json (the shipped
weights), and footprint.json, backends.json, throughput.json, growth.json and sentence_splitters.json (`python -m tests.benchmarks.NAME`), and replaces
what stands between the markers.
`--check` only says whether README.md is up to date.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from onrecord.report import SCORES
from training.evaluation.render import DASH, section_lines

RESULTS = Path("training/results")
README = Path("README.md")
# Test sets in the README, with the sections that a reader wants first; everything else is in the Markdown files beside the JSON.
SHOWN = (
    ("panel", 2),
    ("panel_without_horne", 1),
    ("factappeal", 1),
    ("certainty", 1),
    ("newssd", 1),
    ("polnear", 1),
    ("validation", 1),
)


def results_block(results: dict[str, Any]) -> str:
    """The headline tables of one evaluation."""
    tables = {table["name"]: table for table in results["tables"]}
    lines: list[str] = []
    for key, sections in SHOWN:
        table = tables[key]
        lines += [f"**{table['title']}**: {table['documents']:,} documents, {table['sentences']:,} sentences.", ""]
        for section in table["sections"][:sections]:
            lines += [*section_lines(table, section), ""]
        lines += [line for note in table["notes"] for line in (note, "")]
    return "\n".join(lines).rstrip()


def grid(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A Markdown table, line by line."""
    first, *others = ("|" + "|".join(f" {cell} " if cell else " " for cell in cells) + "|" for cells in (head, *rows))
    return [first, "|" + "---|" * len(head), *others]


def footprint_block(figures: dict[str, Any]) -> str:
    """Size, time and memory, as measured."""
    rows = (
        ("installed, with all core dependencies", f"{figures['installed_mb']:,.0f} MB"),
        ("of which our weights", f"{figures['weights_mb']:.0f} MB"),
        ("`import onrecord`", f"{figures['import_seconds']:.1f} s"),
        ("`onrecord.load()`", f"{figures['load_seconds']:.1f} s"),
        ("one article of 160 words, once warm", f"{figures['article_seconds'] * 1000:.0f} ms"),
        ("peak memory of all that", f"{figures['peak_memory_mb']:,.0f} MB"),
    )
    return "\n".join([f"Median of {figures['runs']} fresh processes on {figures['machine']}:", "", *grid(("", ""), rows)])


def splitters_block(figures: dict[str, Any]) -> str:
    """Our sentence splitter beside two others."""
    shown = (row for row in figures["results"] if row["texts"] == "passages")
    rows = ((row["splitter"], f"{row['exact']:.0%} of {row['count']}", f"{row['f1']:.2f}") for row in shown)
    return "\n".join(grid(("splitter", "passages split exactly", "boundary F1"), rows))


def backends_block(figures: dict[str, Any]) -> str:
    """OpenVINO beside torch: speed and how far the scores are off."""
    fast, exact = figures["backends"]
    speeds = dict(zip((fast, exact), figures["articles a second"], strict=True))
    low, high = figures["range over the rounds"]
    ratio = figures["times as fast, median of the rounds"]
    lines = [
        f"`{fast}` beside `{exact}`, the same threads, in turn ({figures['machine']}): {speeds[fast]} and {speeds[exact]} articles a second, "
        f"{ratio} times as fast (range over the rounds {low} to {high}). Over {figures['articles']} articles the scores differ:",
        "",
    ]
    rows = ((kind, *(f"{figures[score][kind]:.3f}" for score in SCORES)) for kind in ("mean", "max"))
    return "\n".join([*lines, *grid(("", *SCORES), rows)])


def throughput_block(figures: dict[str, Any]) -> str:
    """Articles a second beside what people run today, and the share of the machine that we reach."""
    speeds, ranges = figures["articles a second"], figures["range"]
    rows = ((name, f"{speeds[name]:,.1f}", "{:,.1f} to {:,.1f}".format(*ranges[name])) for name in speeds)
    (ratio,) = (value for name, value in figures["openvino, times as fast as"].items() if name.startswith("(a)"))
    return "\n".join(
        [
            f"Articles a second, median of {figures['rounds']} rounds in turn over {figures['articles']} real articles of mixed length ({figures['machine']}):",
            "",
            *grid(("", "articles a second", "range"), rows),
            "",
            f"(a) reads at most 512 tokens of an article, and our OpenVINO path is {ratio} times as fast; (b) to (d) give no reports. In torch we reach "
            f"{figures['share of it in useful tokens, torch']:.0%} of what",
            f"this machine's matrix product in single precision gives ({figures['matrix product, billion multiply-adds a second']} billion multiply-adds a "
            "second), counting useful tokens only.",
        ]
    )


def growth_block(figures: dict[str, Any]) -> str:
    """What a job costs as its archive grows."""
    lines = [
        f"A job as its archive grows ({figures['machine']}, articles cut to {figures['words of each article']} words, backend {figures['backend']}); "
        "the speed is that of the rows",
        "beyond the size before, without the start of the process:",
        "",
    ]
    rows = (
        (f"{run['rows']:,}", str(run.get("rows a second, beyond the size before", DASH)), f"{run['peak memory, MB']:,} MB", f"{run['ledger, MB']} MB")
        for run in figures["runs"]
    )
    return "\n".join([*lines, *grid(("rows", "rows a second", "peak memory", "ledger"), rows)])


def replace(text: str, name: str, block: str) -> str:
    """`text` with `block` between the markers of `name`; raises `ValueError` when they are not there exactly once."""
    pattern = re.compile(rf"(<!-- {name}:start -->\n).*?(\n<!-- {name}:end -->)", re.DOTALL)
    text, count = pattern.subn(lambda m: m[1] + block + m[2], text)
    if count != 1:
        raise ValueError(f"README.md: found the markers of {name!r} {count} times; expected once")
    return text


def published(text: str) -> str:
    """README text with every block renewed."""
    for name, file, block in (
        ("seeds", "seeds/results.json", results_block),
        ("shipped", "shipped/results.json", results_block),
        ("footprint", "footprint.json", footprint_block),
        ("splitters", "sentence_splitters.json", splitters_block),
        ("backends", "backends.json", backends_block),
        ("throughput", "throughput.json", throughput_block),
        ("growth", "growth.json", growth_block),
    ):
        text = replace(text, name, block(json.loads((RESULTS / file).read_text(encoding="utf-8"))))
    return text


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; exit code 1 when `--check` finds README.md out of date."""
    parser = argparse.ArgumentParser(prog="python -m training.publish", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; exit with 1 if README.md is out of date")
    options = parser.parse_args(arguments)
    before = README.read_text(encoding="utf-8")
    after = published(before)
    if options.check:
        print("README.md is up to date" if after == before else "README.md is out of date: run python -m training.publish")
        return int(after != before)
    README.write_text(after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

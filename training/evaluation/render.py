"""Results as Markdown: the tables of README and model card are made here."""

from typing import Any

DASH = "\N{EN DASH}"
_ROLES = {"published": "†", "annotators": "‡"}


def number(value: float | None) -> str:
    """Two decimals; a dash for nothing."""
    return DASH if value is None else f"{value:.2f}"


def estimate(value: dict[str, float | None] | None) -> str:
    """`0.72 [0.69, 0.75]`, or the value alone when it has no interval."""
    if value is None or value["value"] is None:
        return DASH
    if value["low"] is None or value["high"] is None:
        return number(value["value"])
    return f"{number(value['value'])} [{number(value['low'])}, {number(value['high'])}]"


def spread(value: dict[str, float] | None) -> str:
    """The seeds' range and standard deviation, as in `SD 0.016`."""
    return DASH if value is None else f"{number(value['min'])}{DASH}{number(value['max'])}, SD {value['sd']:.3f}"


def section_lines(table: dict[str, Any], section: dict[str, Any]) -> list[str]:
    """One Markdown table: a row per system, and under the mean of several seeds a row with their spread."""
    keys = [key for key, _ in section["columns"]]
    lines = ["| | " + " | ".join(heading for _, heading in section["columns"]) + " |", "|---" * (len(keys) + 1) + "|"]
    for row in table["rows"]:
        if not any(key in row["values"] for key in keys):
            continue
        lines.append(_line(row["system"] + _ROLES.get(row["role"], ""), [estimate(row["values"].get(key)) for key in keys], strong=row["role"] == "mean"))
        if "spread" in row:
            lines.append(_line("range over the seeds", [spread(row["spread"].get(key)) for key in keys]))
    return lines


def table_lines(table: dict[str, Any]) -> list[str]:
    """A test set with its notes and all of its sections."""
    lines = [f"## {table['title']}", "", f"{table['documents']:,} documents, {table['sentences']:,} sentences.", ""]
    for note in [*table["notes"], *_unmatched_notes(table)]:
        lines += [note, ""]
    for section in table["sections"]:
        lines += [f"### {section['title']}", "", *section_lines(table, section), ""]
    return lines


def markdown(results: dict[str, Any]) -> str:
    """The whole report."""
    about = results["provenance"]
    lines = ["# Evaluation", "", f"Commit {about['git_commit']}; data {about['data_sha256'][:12]}.", ""]
    resamples = f"{about['bootstrap']['resamples']:,}"
    lines += [
        f"Value [95% interval over {resamples} bootstrap resamples of documents]; {DASH} where a system gives no such output or the metric is undefined.",
        "",
    ]
    lines += ["† published figure. ‡ the ceiling: one annotator scored against the other.", ""]
    if results["left_out"]:
        lines += [f"Left out, because not fetched: {', '.join(results['left_out'])}.", ""]
    for table in results["tables"]:
        lines += table_lines(table)
    return "\n".join(lines).rstrip() + "\n"


def _line(name: str, cells: list[str], *, strong: bool = False) -> str:
    mark = "**" if strong else ""
    return f"| {mark}{name.replace('|', '/')}{mark} | " + " | ".join(cells) + " |"


def _unmatched_notes(table: dict[str, Any]) -> list[str]:
    return [
        f"{row['system']}: {row['unmatched']:,} gold sentences had no sentence of the system's own and were scored as unattributed, not speculative, without caution."
        for row in table["rows"]
        if row["unmatched"]
    ]

"""The published JSON Schema of a report."""

import json
from importlib.resources import files
from typing import Any


def report_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) that every `Report.to_dict()` satisfies."""
    schema: dict[str, Any] = json.loads((files("onrecord") / "report.schema.json").read_text(encoding="utf-8"))
    return schema

"""Rows of results, and the JSON tables made of them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np

from training.evaluation.resampling import Estimate, mean_draws
from training.evaluation.systems import FloatArray, Reading

Role = Literal["published", "floor", "baseline", "model", "mean", "annotators"]
Draws = dict[str, FloatArray]


@dataclass(frozen=True)
class Entry:
    """A system's readings of one test set."""

    system: str
    role: Role
    readings: list[Reading]


@dataclass(frozen=True)
class Row:
    """A system's metrics on one test set; `unmatched` counts the gold sentences that it had no sentence for."""

    system: str
    role: Role
    draws: Draws
    unmatched: int = 0


@dataclass(frozen=True)
class Section:
    """One printed table: a title and its columns as (metric, heading)."""

    title: str
    columns: list[tuple[str, str]]


@dataclass(frozen=True)
class Table:
    """All results on one test set or one view of it."""

    name: str
    title: str
    documents: int
    sentences: int
    sections: list[Section]
    rows: list[Row]
    notes: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Plain data; where several models (seeds) ran, a row with their mean and spread stands before them."""
        models = [row for row in self.rows if row.role == "model"]
        rows = []
        for row in self.rows:
            if len(models) > 1 and row is models[0]:
                rows.append(_mean_row(models))
            rows.append(_row(row))
        return {
            "name": self.name,
            "title": self.title,
            "notes": self.notes,
            "documents": self.documents,
            "sentences": self.sentences,
            "sections": [{"title": s.title, "columns": [list(c) for c in s.columns]} for s in self.sections],
            "rows": rows,
        }


def _value(draws: FloatArray) -> dict[str, float | None]:
    """An estimate for JSON, which has no NaN."""
    return {key: value if np.isfinite(value) else None for key, value in asdict(Estimate.of(draws)).items()}


def _row(row: Row) -> dict[str, Any]:
    return {"system": row.system, "role": row.role, "unmatched": row.unmatched, "values": {k: _value(d) for k, d in row.draws.items()}}


def _mean_row(models: Sequence[Row]) -> dict[str, Any]:
    keys = [key for key in models[0].draws if all(key in model.draws for model in models)]
    mean = {key: mean_draws([model.draws[key] for model in models]) for key in keys}
    spread = {}
    for key in keys:
        values = np.array([model.draws[key][0] for model in models])
        if np.isfinite(values).all():
            spread[key] = {"min": float(values.min()), "max": float(values.max()), "sd": float(values.std(ddof=1))}
    unmatched = round(sum(model.unmatched for model in models) / len(models))
    return _row(Row(f"OnRecord, mean of {len(models)} seeds", "mean", mean, unmatched)) | {"spread": spread}

"""Score the batches of a distributed data set: `ray.data`'s `map_batches`, Spark's `mapInPandas`, or plain pandas.

>>> from onrecord.ray import Scorer
>>> dataset.map_batches(Scorer, batch_size=64, compute=ray.data.ActorPoolStrategy(size=8))
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from onrecord.archive.parts import Result
from onrecord.archive.rows import Row
from onrecord.archive.scoring import score_rows
from onrecord.checkpoint import load
from onrecord.report import SCORES


class Scorer:
    """Adds the scores of its text column to a batch; the model is loaded once for each worker. Needs neither Ray nor Spark itself.

    The columns that it adds:

    - `risk`, `sourcing`, `speculation`: float64 in [0, 1], NaN for a row without scores;
    - `report`: the whole report as JSON text; empty for a row without scores;
    - `code`, `message`: why a row has no scores; empty for a row with scores.
    """

    def __init__(self, model: str | Path | None = None, *, policy: str | Path | None = None, backend: str = "auto", text_column: str = "text") -> None:
        """Load the model; the arguments but the last are those of `onrecord.load`.

        Raises:
            CheckpointError: see `onrecord.load`.
        """
        self.scorer = load(model, policy=policy, backend=backend)
        self.text_column = text_column

    def __call__(self, batch: Any) -> Any:  # noqa: ANN401 - pandas is not ours to import
        """Return the batch, a mapping of column names to arrays or a pandas DataFrame, with the columns added.

        Raises:
            KeyError: the batch has no text column of this name.
        """
        if self.text_column not in batch:
            raise KeyError(f"the batch has the columns {sorted(batch)}; expected the texts in {self.text_column!r}. Name them: Scorer(text_column=...)")
        added = self.columns(batch[self.text_column])
        return {**batch, **added} if isinstance(batch, Mapping) else batch.assign(**added)

    def columns(self, texts: Any) -> dict[str, npt.NDArray[Any]]:  # noqa: ANN401 - a list, an array or a pandas Series
        """The added columns, in the order of the texts; a text that is no string gets the code `wrong_type`."""
        given = list(texts)
        scored = iter(score_rows(((b"", Row(i, "", "", text)) for i, text in enumerate(given) if isinstance(text, str)), self.scorer))
        results = [next(scored) if isinstance(text, str) else _no_text(text) for text in given]
        reports = [None if result.report is None else _scores(result.report) for result in results]
        numbers = {name: np.array([np.nan if found is None else found[name] for found in reports], dtype=np.float64) for name in SCORES}
        return {**numbers, **{name: np.array([getattr(result, name) or "" for result in results], dtype=object) for name in ("report", "code", "message")}}


def _no_text(value: object) -> Result:
    return Result(b"", "", code="wrong_type", message=f"found {type(value).__name__}; expected a string")


def _scores(report: str) -> dict[str, float]:
    found = json.loads(report)
    return {name: found[name]["value"] for name in SCORES}

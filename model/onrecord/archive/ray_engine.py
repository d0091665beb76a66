"""Score the rows of a job on Ray: on the cores of this machine, or on a cluster, with the same ledger.

The job reads its input and keeps its ledger in this process, as always; the articles go in waves through `ray.data` to a pool of
actors, each with a model of its own. Ray starts a worker that was killed again and repeats its batch. Results may come back in any
order; they are known by their keys.
"""

import importlib
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final

import torch

from onrecord.archive.parts import FEATURE, Result, storable, to_table
from onrecord.archive.rows import Row
from onrecord.archive.scoring import KeyedRow, fingerprint, score_rows
from onrecord.archive.streams import pyarrow
from onrecord.checkpoint import load
from onrecord.errors import CheckpointError, InputError, MissingExtraError, OnRecordError
from onrecord.inference import Scorer

# Articles that an actor gets at once: enough to sort windows by length, few enough that a killed worker repeats seconds of work.
_BATCH: Final = 64
# A wave lies whole in Ray's object store, from which a lost batch is repeated. The first is small, so that results come soon; later
# ones are large, so that starting the actors anew, once for each wave, costs little.
_FIRST_WAVE: Final = 2_048
_LARGEST_WAVE: Final = 131_072
_WAVE_BYTES: Final = 256 * 2**20
# Arrow's strings cannot hold the broken characters that some archives have.
_ENCODING: Final = ("utf-8", "surrogatepass")
_PATIENCE: Final = 5.0  # seconds


@dataclass(frozen=True, slots=True)
class RayEngine:
    """Scores rows through `ray.data`; an `onrecord.archive.scoring.Engine`.

    Attributes:
        model, policy, backend: what each worker loads, see `onrecord.load`; on a cluster the paths must exist on every machine.
        address: of a running cluster; None starts Ray on this machine, and stops it in the end.
        workers: actors, each with one core; None for one per core of the cluster.
    """

    model: str | None
    policy: Path | None
    backend: str
    address: str | None = None
    workers: int | None = None

    def __call__(self, rows: Iterator[KeyedRow], scorer: Scorer) -> Iterator[Result]:
        """One result for each row, in any order.

        Raises:
            MissingExtraError: Ray is not installed.
            InputError: there is no cluster at the address.
            OnRecordError: the workers cannot go on.
        """
        first = next(rows, None)
        if first is None:  # all is done already: nothing to start Ray for
            return
        ray = load_ray()
        # Ray prints the tracebacks of its workers; standard output belongs to the summary, and what ends the job is told here.
        with Path(os.devnull).open("w", encoding="utf-8") as nowhere, redirect_stdout(nowhere):
            _connect(ray, self.address)
            try:
                waiting = chain([first], rows)
                size = _FIRST_WAVE
                while blocks := list(_blocks(waiting, size)):
                    yield from self._score(ray, blocks, fingerprint(scorer))
                    size = min(4 * size, _LARGEST_WAVE)
            except ray.exceptions.RayError as error:
                reason = [line for line in str(error).splitlines() if line.strip()][-1:] or [type(error).__name__]
                raise OnRecordError(f"Ray's workers stopped ({reason[0].strip()}). What was scored is kept: mend it and run the same command again") from error
            finally:
                ray.shutdown()

    def _score(self, ray: Any, blocks: list[Any], expected: str) -> Iterator[Result]:  # noqa: ANN401 - Ray is optional
        workers = self.workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
        pool = ray.data.ActorPoolStrategy(size=min(workers, len(blocks)))
        articles = ray.data.from_arrow(blocks)
        blocks.clear()  # Ray has its own copy
        scored = articles.map_batches(
            Worker,
            fn_constructor_kwargs={"model": _absolute(self.model), "policy": _absolute(self.policy), "backend": self.backend, "expected": expected},
            batch_size=None,
            batch_format="pyarrow",
            compute=pool,
            num_cpus=1,
        )
        for table in scored.iter_batches(batch_size=None, batch_format="pyarrow"):
            for row in table.to_pylist():
                yield Result(**row)


class Worker:
    """One actor of the pool, with a model and a core of its own."""

    def __init__(self, *, model: str | None, policy: str | None, backend: str, expected: str) -> None:
        """Load the model.

        Raises:
            CheckpointError: its scores would not be those that the ledger is for.
        """
        torch.set_num_threads(1)
        self.scorer = load(model, policy=policy, device="cpu", backend=backend)
        if fingerprint(self.scorer) != expected:
            raise CheckpointError(
                f"a worker would score with {self.scorer.backend.name} and {self.scorer.info}, which is not what the job began with. Install the same "
                "version of OnRecord with the same extras, and the same model, on every machine; --backend torch is the same on all processors"
            )

    def __call__(self, batch: Any) -> Any:  # noqa: ANN401 - pyarrow has no types
        """Results, as a table, of a table with the columns `key`, `id` and `text`."""
        rows = ((row["key"], Row(i, "", row["id"], row["text"].decode(*_ENCODING))) for i, row in enumerate(batch.to_pylist()))
        return to_table(list(score_rows(rows, self.scorer)))


def load_ray() -> Any:  # noqa: ANN401 - it is optional
    """The module `ray`, with `ray.data`.

    Raises:
        MissingExtraError: it is not installed.
    """
    # Ray reports its use over the network unless told not to; OnRecord promises that nothing leaves the machine.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        importlib.import_module("ray.data")
        return importlib.import_module("ray")
    except ModuleNotFoundError as error:
        raise MissingExtraError("The engine ray", error.name or "ray", "ray") from error


def _connect(ray: Any, address: str | None) -> None:  # noqa: ANN401 - Ray is optional
    # Without "local", Ray would take any cluster that the environment names.
    options: dict[str, Any] = {"address": address} if address else {"address": "local", "include_dashboard": False}
    try:
        if address and address != "auto":
            _knock(address)
        ray.init(log_to_driver=False, logging_level="ERROR", **options)
    except Exception as error:  # of many kinds, none of them Ray's own
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        what = f"no Ray cluster answers at {address!r}; expected a running one (start it: ray start --head)" if address else "Ray cannot be started here"
        raise InputError(f"{what}: {reason}") from error
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)


def _knock(address: str) -> None:
    """Raise `OSError` at once where nobody listens; Ray itself would try for more than a minute."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    socket.create_connection((host, int(port)), timeout=_PATIENCE).close()


def _absolute(path: str | Path | None) -> str | None:
    """A worker may run in another folder; what is no path here is a hub id."""
    return None if path is None else str(Path(path).resolve()) if Path(path).exists() else str(path)


def _blocks(rows: Iterator[KeyedRow], size: int) -> Iterator[Any]:
    """Tables of `_BATCH` rows, until the wave has `size` rows or `_WAVE_BYTES` of text."""
    taken = filled = 0
    while taken < size and filled < _WAVE_BYTES:
        block = list(islice(rows, _BATCH))
        if not block:
            return
        table = _table(block)
        taken += len(block)
        filled += table.nbytes
        yield table


def _table(rows: list[KeyedRow]) -> Any:  # noqa: ANN401 - pyarrow has no types
    pa = pyarrow(FEATURE)
    return pa.table(
        {
            "key": pa.array([key for key, _ in rows], pa.binary()),
            "id": pa.array([storable(row.id) for _, row in rows], pa.string()),
            "text": pa.array([row.text.encode(*_ENCODING) for _, row in rows], pa.large_binary()),
        }
    )

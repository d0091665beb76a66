"""Score the shipped model, or others, on every test set beside the baselines.

Usage: python -m training.evaluate [--model PATH ...] [--backend openvino] [--out runs/evaluation] [--without-baselines]
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.schema import CorpusError
from onrecord.errors import OnRecordError
from training.evaluation.baselines import MajoritySystem, TfidfSystem
from training.evaluation.benchmarks import certainty_table, factappeal_table, newssd_table, polnear_table
from training.evaluation.documents import Document
from training.evaluation.lexicon import AllPositiveFloor, LexiconSystem, ReportingVerbFloor
from training.evaluation.panel import Panel, is_article, panel_tables, validation_table
from training.evaluation.provenance import provenance
from training.evaluation.render import markdown
from training.evaluation.systems import System
from training.evaluation.tables import Entry, Role, Table

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = ROOT / "model" / "onrecord" / "weights" / "small"
FORMAT = "1.0"
Load = Callable[[str], list[Document]]


@dataclass(frozen=True)
class Entrant:
    """A system and the part it plays in the tables."""

    name: str
    system: System
    role: Role


def baselines(train: Sequence[Document]) -> list[Entrant]:
    """The three baselines, fitted on the training table only."""
    systems: tuple[System, ...] = (MajoritySystem.fit(train), LexiconSystem(), TfidfSystem(train))
    return [Entrant(system.name, system, "baseline") for system in systems]


def read(documents: Sequence[Document], entrants: Sequence[Entrant], seconds: dict[str, float]) -> list[Entry]:
    """Let every entrant read the documents; adds up its time in `seconds`."""
    texts, sentences = [d.text for d in documents], [d.sentences for d in documents]
    entries = []
    for entrant in entrants:
        start = time.perf_counter()
        entries.append(Entry(entrant.name, entrant.role, entrant.system.read(texts, sentences)))
        seconds[entrant.name] = seconds.get(entrant.name, 0.0) + time.perf_counter() - start
    return entries


def evaluate(load: Load, entrants: Sequence[Entrant], *, floors: bool, left_out: Sequence[str] = ()) -> tuple[list[Table], dict[str, float]]:
    """Every table but those of the corpora `left_out`, and the seconds that each system took to read."""
    seconds: dict[str, float] = {}
    cheap: tuple[System, ...] = (ReportingVerbFloor(), AllPositiveFloor())
    extra = [Entrant(system.name, system, "floor") for system in cheap] if floors else []
    tables: list[Table] = []
    if "panel" not in left_out:
        panel = Panel.of(load("panel_annotator_1"), load("panel_annotator_2"))
        tables += panel_tables(panel, read(panel.first, entrants, seconds))
    articles = [document for document in load("validation") if is_article(document)]
    tables.append(validation_table(articles, read(articles, entrants, seconds)))
    for name, make, rivals in (
        ("factappeal", factappeal_table, [*extra, *entrants]),
        ("certainty", certainty_table, entrants),
        ("newssd", newssd_table, entrants),
        ("polnear", polnear_table, [*extra, *entrants]),
    ):
        if name in left_out:
            continue
        documents = load(name)
        tables.append(make(documents, read(documents, rivals, seconds)))
    return tables, seconds


def transformers(paths: Sequence[Path], backend: str) -> list[Entrant]:
    """The models under test, one per path."""
    # Imported here so that the baselines can be evaluated without loading torch.
    from training.evaluation.transformer import TransformerSystem  # noqa: PLC0415

    systems = [TransformerSystem(path, backend) for path in paths]
    # Seeds of one model share its name; the run folder tells them apart.
    runs = [path.resolve().parent.name if path.name == "model" else path.name for path in paths]
    return [Entrant(system.name if len(paths) == 1 else f"{system.name} ({run})", system, "model") for system, run in zip(systems, runs, strict=True)]


def load_documents(name: str) -> list[Document]:
    """A prepared table as documents."""
    # Imported here because `datasets` is slow to import and `--help` should not be.
    from data.prepare import load  # noqa: PLC0415
    from training.evaluation.documents import documents_from  # noqa: PLC0415

    return documents_from(load(name))


def write(results: dict[str, Any], folder: Path) -> str:
    """Write results.json and results.md; returns the Markdown."""
    folder.mkdir(parents=True, exist_ok=True)
    text = markdown(results)
    (folder / "results.json").write_text(json.dumps(results, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
    (folder / "results.md").write_text(text, encoding="utf-8")
    return text


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m training.evaluate", description=__doc__.split("\n", 1)[0])
    parser.add_argument(
        "--model", type=Path, action="append", metavar="PATH", help="checkpoint folder; repeat it for several seeds (default: the shipped weights)"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("runs/evaluation"), metavar="FOLDER", help="where results.json and results.md go (default: %(default)s)"
    )
    parser.add_argument("--backend", choices=("torch", "openvino"), default="torch", help="what runs the models (default: %(default)s)")
    parser.add_argument("--without-baselines", action="store_true", help="leave out the baselines and floors")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the evaluation; returns the exit code: 0 fine, 2 nothing to evaluate."""
    options = parse(arguments)
    paths = options.model or [SHIPPED]
    missing = [str(path) for path in paths if not path.is_dir()]
    if missing:
        print(f"No checkpoint folder at {', '.join(missing)}. Give a folder that training.train wrote with --model PATH.", file=sys.stderr)
        return 2
    try:
        results = run(paths, backend=options.backend, with_baselines=not options.without_baselines)
    except (CorpusError, OnRecordError) as error:
        print(error, file=sys.stderr)
        return 2
    print(write(results, options.out))
    return 0


def run(paths: Sequence[Path], *, backend: str, with_baselines: bool) -> dict[str, Any]:
    """Evaluate the checkpoints at `paths`; returns what results.json holds."""
    start = time.perf_counter()
    manifest = ROOT / "data" / "prepared" / "manifest.json"
    left_out = corpora_left_out(manifest)
    for corpus in left_out:
        print(
            f"LEFT OUT: no tables for {corpus}, which was not fetched. Run: python -m data.fetch --only {corpus}, then python -m data.prepare", file=sys.stderr
        )
    entrants = baselines(load_documents("train")) if with_baselines else []
    fitted = time.perf_counter() - start
    tables, seconds = evaluate(load_documents, [*entrants, *transformers(paths, backend)], floors=with_baselines, left_out=left_out)
    about = provenance(manifest, paths)
    about["backend"] = backend
    about["seconds"] = {"fitting the baselines": fitted} | {f"reading, {name}": value for name, value in seconds.items()}
    return {"format": FORMAT, "provenance": about, "left_out": left_out, "tables": [table.to_json() for table in tables]}


def corpora_left_out(manifest: Path) -> list[str]:
    """Corpora that are only evaluated and were not there when the tables were prepared.

    Raises:
        CorpusError: The tables were never prepared.
    """
    if not manifest.is_file():
        raise CorpusError(f"{manifest}: not found. Run: python -m data.fetch, then python -m data.prepare")
    left_out: list[str] = json.loads(manifest.read_text(encoding="utf-8"))["left_out"]
    return left_out


if __name__ == "__main__":
    raise SystemExit(main())

"""What OnRecord costs on this machine: installed size, load time, peak memory, time for one article.

    python -m tests.benchmarks.footprint --json training/results/footprint.json

Every figure is the median of five fresh processes; timings depend on the machine, which is named beside them.
"""
# ruff: noqa: T201 - a command that prints its findings

import argparse
import json
import platform
import statistics
import subprocess
import sys
from importlib.metadata import distribution, distributions
from pathlib import Path
from typing import Any

RUNS = 5
_CHILD = """
import json, resource, time
begun = time.perf_counter()
import onrecord
imported = time.perf_counter()
scorer = onrecord.load()
loaded = time.perf_counter()
text = open({example!r}, encoding="utf-8").read()
scorer.score(text)
first = time.perf_counter()
scorer.score(text)
done = time.perf_counter()
print(json.dumps(dict(import_seconds=imported - begun, load_seconds=loaded - imported, first_article_seconds=first - loaded,
    article_seconds=done - first, peak_memory_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)))
"""


def installed_megabytes(name: str) -> float:
    """Size of one installed distribution, from its own file list (an editable install counts the source tree)."""
    files = distribution(name).files or []
    return sum(path.stat().st_size for file in files if (path := Path(str(file.locate()))).is_file()) / 1e6


def core_distributions() -> set[str]:
    """OnRecord's core dependencies and theirs, among what is installed (extras left out)."""
    from packaging.requirements import Requirement

    known = {d.metadata["Name"].lower().replace("_", "-"): d for d in distributions()}
    wanted, seen = ["onrecord"], set[str]()
    while wanted:
        name = wanted.pop()
        if name in seen or name not in known:
            continue
        seen.add(name)
        for line in known[name].requires or []:
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                wanted.append(requirement.name.lower().replace("_", "-"))
    return seen


def measure(example: Path) -> dict[str, Any]:
    """All figures."""
    rows = [
        json.loads(subprocess.run([sys.executable, "-c", _CHILD.format(example=str(example))], check=True, capture_output=True, text=True).stdout)
        for _ in range(RUNS)
    ]
    figures = {key: statistics.median(row[key] for row in rows) for key in rows[0]}
    weights = Path("model/onrecord/weights/small/model.safetensors").stat().st_size / 1e6
    size = (
        sum(installed_megabytes(name) for name in core_distributions() - {"onrecord"})
        + sum(f.stat().st_size for f in Path("model/onrecord").rglob("*") if f.is_file()) / 1e6
    )
    machine = f"{platform.machine()}, {len(__import__('os').sched_getaffinity(0))} cores, Python {platform.python_version()}"
    return {"machine": machine, "runs": RUNS, "installed_mb": size, "weights_mb": weights, **figures}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--example", type=Path, default=Path("model/onrecord/examples/rumour.txt"))
    options = parser.parse_args()
    figures = measure(options.example)
    text = json.dumps(figures, indent=2)
    print(text)
    if options.json:
        options.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

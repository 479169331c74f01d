"""Times and memory of the evidence against their budgets, each beside other tools on the same data in the same run.

    python benchmarks/checks.py [--full]      # --full streams 100 million rows instead of 20 million

Times are the best of several runs in CPU seconds of this process; noisy machines differ, so the ratios are what counts.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from lockgate_checks.compute.bias import bias_report
from lockgate_checks.compute.bias_plan import BiasPlan, Facet
from lockgate_checks.compute.cells import Chunk
from lockgate_checks.compute.drift import drift
from lockgate_checks.compute.statistics import statistics
from lockgate_checks.compute.tables import Codes, count

ROWS = 10_000_000
SLOW_ROWS = 100_000  # for tools that need minutes for ten million; per row they are no faster at that size
SIZES = (4, 2, 2, 5)
NAMES = ("facet", "label", "prediction", "group")
PLAN = BiasPlan("label", (Facet("facet"),), prediction="prediction", group="group")


@dataclass(frozen=True)
class Measure:
    """One figure with its budget: the most it may be, or the least if `at_least`."""

    name: str
    value: float
    budget: float
    unit: str
    at_least: bool = False

    @property
    def kept(self) -> bool:
        """Say whether the budget is kept."""
        return self.value >= self.budget if self.at_least else self.value <= self.budget

    def __str__(self) -> str:
        sign = ">=" if self.at_least else "<="
        mark = "ok  " if self.kept else "OVER"
        return f"{mark} {self.name:<58} {self.value:9.2f} {self.unit:<3} (budget {sign} {self.budget:g})"


def main() -> int:
    """Measure everything and print it; exit 1 if a budget is exceeded."""
    if sys.argv[1:2] == ["--stream"]:
        return stream(int(sys.argv[2]))
    measures = [*bias(), *data_quality(), streaming(100_000_000 if "--full" in sys.argv else 20_000_000)]
    return int(not all(measure.kept for measure in measures))


def bias() -> Iterator[Measure]:
    """Count ten million byte-coded rows, and compare with reading them and with other tools."""
    columns = codes(ROWS)
    floor = best(lambda: [column.view(np.uint64).sum() for column in columns], 15)
    counting = best(lambda: count(columns, SIZES), 7)
    print(f"     reading 4 byte columns of 10M rows {1000 * floor:.2f} ms, counting them {1000 * counting:.2f} ms")
    yield say(Measure("bias counts of 10M byte-coded rows over reading them once", counting / floor, 12, "x"))
    part = dict(zip(NAMES, columns, strict=True))
    whole = best(lambda: bias_report([part], PLAN), 3)
    print(f"     whole bias report of 10M rows, byte columns in, all metrics out: {1000 * whole:.1f} ms")
    yield from versus_pandas(columns, counting)
    yield from versus_fairlearn(counting / ROWS)


def versus_pandas(columns: list[Codes], ours: float) -> Iterator[Measure]:
    """Count the same rows by a pandas groupby."""
    if find_spec("pandas") is None:
        print("     pandas groupby: not measured, pandas is not installed")
        return
    frame = import_module("pandas").DataFrame(dict(zip(NAMES, columns, strict=True)))
    theirs = best(lambda: frame.groupby(list(NAMES)).size(), 2)
    yield say(Measure("pandas groupby of the same rows over our counts", theirs / ours, 10, "x", at_least=True))


def versus_fairlearn(ours_per_row: float) -> Iterator[Measure]:
    """Let fairlearn's MetricFrame compute five of the metrics' parts by facet."""
    if find_spec("fairlearn") is None:
        print("     fairlearn MetricFrame: not measured, fairlearn is not installed")
        return
    metrics = import_module("fairlearn.metrics")
    names = ("selection_rate", "true_positive_rate", "true_negative_rate", "false_positive_rate", "count")
    facet, label, prediction, _ = codes(SLOW_ROWS)

    def frame() -> None:
        functions = {name: getattr(metrics, name) for name in names}
        result = metrics.MetricFrame(metrics=functions, y_true=label, y_pred=prediction, sensitive_features=facet)
        result.difference()
        result.ratio()

    theirs = best(frame, 2) / SLOW_ROWS
    yield say(
        Measure("fairlearn MetricFrame (5 metrics) over ours, per row", theirs / ours_per_row, 100, "x", at_least=True)
    )


def data_quality() -> Iterator[Measure]:
    """Statistics of a million rows of 8 numbers and 4 texts, and their drift from a baseline."""
    baseline, current = table(1), table(2)
    before = statistics(parts(baseline))
    spent = best(lambda: drift(before, statistics(parts(current))), 3)
    yield say(Measure("statistics and drift of 1M rows x 12 columns", spent, 1, "s"))
    if find_spec("pandas") is not None:
        frame = import_module("pandas").DataFrame(current)
        theirs = best(lambda: frame.describe(include="all"), 2)
        print(f"     pandas describe of the same table, without drift: {theirs:.2f} s")


def streaming(rows: int) -> Measure:
    """Stream rows through the bias report in a process of its own and take its peak memory."""
    began = time.monotonic()
    output = subprocess.run(
        [sys.executable, __file__, "--stream", str(rows)], check=True, capture_output=True, text=True
    ).stdout
    print(f"     {rows // 1_000_000}M rows streamed in {time.monotonic() - began:.1f} s, rows made on the way included")
    return say(Measure(f"peak memory of streaming {rows // 1_000_000}M rows", float(output), 500, "MB"))


def stream(rows: int) -> int:
    """Make rows chunk by chunk, report on them, and print this process's peak memory in MB."""
    step = 1_000_000

    def made() -> Iterator[Chunk]:
        for seed in range(rows // step):
            yield dict(zip(NAMES, codes(step, seed), strict=True))

    bias_report(made(), PLAN)
    status = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    print(float(next(line.split()[1] for line in status if line.startswith("VmHWM"))) / 1024)
    return 0


def codes(rows: int, seed: int = 0) -> list[Codes]:
    """Return byte columns of facet, label, prediction and group."""
    random = np.random.default_rng(seed)
    return [random.integers(0, size, rows, dtype=np.uint8) for size in SIZES]


def table(seed: int) -> Chunk:
    """Return a million rows of eight numbers and four texts."""
    random = np.random.default_rng(seed)
    numbers = {f"number {i}": random.normal(10 * i, 1 + i, 1_000_000) for i in range(8)}
    words = np.asarray(["blue", "green", "red", "violet"], dtype=object)
    return numbers | {f"text {i}": words[random.integers(0, len(words), 1_000_000)] for i in range(4)}


def parts(whole: Chunk, rows: int = 1 << 16) -> Iterator[Chunk]:
    """Yield a table in chunks."""
    for start in range(0, 1_000_000, rows):
        yield {name: column[start : start + rows] for name, column in whole.items()}


def best(work: Callable[[], object], times: int) -> float:
    """Return the CPU seconds of the fastest of several runs."""
    seconds = []
    for _ in range(times):
        began = time.process_time()
        work()
        seconds.append(time.process_time() - began)
    return min(seconds)


def say(measure: Measure) -> Measure:
    """Print a measure as soon as it is known."""
    print(measure, flush=True)
    return measure


if __name__ == "__main__":
    sys.exit(main())

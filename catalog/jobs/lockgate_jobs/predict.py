"""The process in which a project's inference code runs: features in, one score per row out.

It is started as a file of its own, imports nothing of the product, and is believed in nothing but its numbers. The
functions are those of SageMaker's XGBoost image in script mode ("Use XGBoost as a framework": model_fn, input_fn,
predict_fn, output_fn).
"""

from __future__ import annotations

import csv
import importlib.util
import io
import json
import resource
import sys
from pathlib import Path
from typing import Any

ROWS = 5_000
"""Of one request, as an endpoint would get them."""

MOST_BYTES_PER_FILE = 64 * 1024**2
"""Of each file that this process writes, its log among them: the job's volume is not the model's to fill."""


def main(model: str, features: str, scores: str) -> None:
    """Write the scores of all rows, one a line."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_BYTES_PER_FILE, MOST_BYTES_PER_FILE))
    inference = _load(Path(model) / "code" / "inference.py")
    loaded = inference.model_fn(model)
    rows = json.loads(Path(features).read_text(encoding="utf-8"))
    with Path(scores).open("w", encoding="utf-8") as stream:
        for start in range(0, len(rows), ROWS):
            scored = _scored(inference, loaded, rows[start : start + ROWS])
            print(*scored, sep="\n", file=stream)


def _scored(inference: Any, loaded: Any, rows: list[list[str]]) -> list[str]:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    answer = inference.output_fn(
        inference.predict_fn(inference.input_fn(buffer.getvalue(), "text/csv"), loaded), "text/csv"
    )
    body = answer[0] if isinstance(answer, tuple) else answer
    if isinstance(body, bytes):
        body = body.decode("utf-8")
    if not isinstance(body, str):
        sys.exit(f"the model refused the rows: {body}")
    return body.split()


def _load(file: Path) -> Any:
    sys.path.insert(0, str(file.parent))
    specification = importlib.util.spec_from_file_location("inference", file)
    if not file.is_file() or specification is None or specification.loader is None:
        sys.exit("the model archive has no code/inference.py")
    module = importlib.util.module_from_spec(specification)
    sys.modules["inference"] = module
    specification.loader.exec_module(module)
    return module


if __name__ == "__main__":
    main(*sys.argv[1:4])

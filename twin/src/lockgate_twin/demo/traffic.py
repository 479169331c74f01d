"""Requests to production that differ from what the model learned from: the same people, but much older."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

ROWS_PER_REQUEST = 25
YEARS = 30
DRIFTING = "age"


def send(runtime: Any, endpoint: str, rows: Sequence[Mapping[str, str]], features: Sequence[str]) -> int:
    """Send every row, older by YEARS, a few at a time; return the number of requests."""
    requests = 0
    for start in range(0, len(rows), ROWS_PER_REQUEST):
        body = io.StringIO()
        writer = csv.writer(body, lineterminator="\n")
        writer.writerows([_drifted(row, name) for name in features] for row in rows[start : start + ROWS_PER_REQUEST])
        runtime.invoke_endpoint(
            EndpointName=endpoint, ContentType="text/csv", Accept="text/csv", Body=body.getvalue().encode()
        )
        requests += 1
    return requests


def _drifted(row: Mapping[str, str], name: str) -> str:
    return str(float(row[name]) + YEARS) if name == DRIFTING else row[name]

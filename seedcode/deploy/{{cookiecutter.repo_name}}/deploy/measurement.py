"""Calling an endpoint: every held-out row, single rows against the clock, and one malformed request."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from botocore.exceptions import ClientError

from deploy.holdout import Holdout, to_csv
from deploy.stages import Expectations

INFERENCE_ID = "lockgate-test"
"""Marks these requests in captured data, so that a watch of production leaves them out."""

MALFORMED = "this,is,not,a,row,of,this,model,at,all\n"


@dataclass(frozen=True)
class Measurement:
    """What an endpoint showed; times in milliseconds."""

    scores: tuple[float, ...]
    milliseconds: tuple[float, ...]
    failures: tuple[str, ...]
    malformed_status: int

    def percentile(self, share: float) -> float:
        """The time within which this share of the single-row requests was answered."""
        ordered = sorted(self.milliseconds)
        return ordered[max(0, ceil(share * len(ordered)) - 1)]


@dataclass(frozen=True)
class Caller:
    """Sends CSV rows to one endpoint; the clock is given, so that a test needs none."""

    runtime: Any
    endpoint_name: str
    clock: Callable[[], float] = time.perf_counter

    def score(self, rows: Sequence[Sequence[str]]) -> list[float]:
        """Scores of the rows, one each.

        Raises:
            ClientError: the endpoint refused the request.
            ValueError: it answered something that is not one number for each row.
        """
        scores = [float(line) for line in self.send(to_csv(rows)).split()]
        if len(scores) != len(rows):
            raise ValueError(f"{len(rows)} rows were answered with {len(scores)} scores")
        return scores

    def send(self, body: str) -> str:
        """One invocation with CSV in and out."""
        answer = self.runtime.invoke_endpoint(
            EndpointName=self.endpoint_name,
            ContentType="text/csv",
            Accept="text/csv",
            InferenceId=INFERENCE_ID,
            Body=body.encode(),
        )
        return str(answer["Body"].read().decode())


def measure(caller: Caller, holdout: Holdout, expectations: Expectations) -> Measurement:
    """Send all rows in batches, some again one by one, and the malformed request last."""
    scores: list[float] = []
    failures: list[str] = []
    size = expectations.rows_per_request
    for start in range(0, len(holdout.rows), size):
        try:
            scores += caller.score(holdout.rows[start : start + size])
        except (ClientError, ValueError) as error:
            failures.append(f"rows {start + 1} to {min(start + size, len(holdout.rows))}: {error}")
    times: list[float] = []
    for row in holdout.rows[: expectations.single_row_requests]:
        begun = caller.clock()
        try:
            caller.score([row])
        except (ClientError, ValueError) as error:
            failures.append(f"one row: {error}")
        times.append((caller.clock() - begun) * 1000)
    return Measurement(tuple(scores), tuple(times), tuple(failures), malformed_status(caller))


def malformed_status(caller: Caller) -> int:
    """HTTP status the model's container gives to a request it cannot serve; 200 if it serves it."""
    try:
        caller.send(MALFORMED)
    except ClientError as error:
        status = error.response.get("OriginalStatusCode")  # of a ModelError: what the container answered
        return int(status or error.response["ResponseMetadata"]["HTTPStatusCode"])
    return 200

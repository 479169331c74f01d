"""What keeping its state costs the twin: `python benchmarks/durability.py`.

Budgets: 1 ms more for a call that changes something (median), 2.5 s until an empty twin is ready, 5 s until one with
1,000 model packages is. Calls are made in process, in turn with and without the journals, to the same twin.
"""

from __future__ import annotations

import itertools
import json
import logging
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "twin/src")]

from lockgate_twin import control  # noqa: E402
from lockgate_twin.durability.journal import JournalTable  # noqa: E402
from lockgate_twin.moto_host import MotoHost  # noqa: E402
from lockgate_twin.ports import Settings  # noqa: E402
from lockgate_twin.twin import Twin  # noqa: E402

MORE_MS, EMPTY_SECONDS, FULL_SECONDS = 1.0, 2.5, 5.0
ROUNDS, ROLES, PACKAGES = 60, 60, 1000
TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})
PACKAGE: dict[str, Any] = {
    "ModelPackageGroupName": "group",
    "ModelApprovalStatus": "PendingManualApproval",
    "InferenceSpecification": {
        "Containers": [{"Image": "111122223333.dkr.ecr.us-east-1.amazonaws.com/model:1"}],
        "SupportedContentTypes": ["text/csv"],
        "SupportedResponseMIMETypes": ["text/csv"],
    },
}
Make = Callable[[Any, str], object]
CALLS: tuple[tuple[str, str, Make], ...] = (
    ("s3", "PutObject, 1 kB", lambda c, name: c.put_object(Bucket="bucket", Key=name, Body=b"1" * 1000)),
    ("s3", "PutObject, 1 MB", lambda c, name: c.put_object(Bucket="bucket", Key=name, Body=b"1" * 1_000_000)),
    ("logs", "PutLogEvents", lambda c, name: c.put_log_events(**_log(name))),
    ("sqs", "SendMessage", lambda c, name: c.send_message(QueueUrl="http://127.0.0.1:1/1/queue", MessageBody=name)),
    ("iam", f"CreateRole, {ROLES} roles", lambda c, name: c.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)),
    ("ssm", "PutParameter", lambda c, name: c.put_parameter(Name=name, Value="1", Type="String")),
    ("events", "PutEvents", lambda c, name: c.put_events(Entries=[_event(name)])),
    ("sagemaker", "CreateModelPackageGroup", lambda c, name: c.create_model_package_group(ModelPackageGroupName=name)),
    ("sagemaker", "CreateModelPackage", lambda c, _: c.create_model_package(**PACKAGE)),
    ("servicecatalog", "CreatePortfolio", lambda c, name: c.create_portfolio(DisplayName=name, ProviderName="me")),
)


def main() -> int:
    """Print the figures; exit 1 if one exceeds its budget."""
    logging.disable(logging.WARNING)
    results = []
    with tempfile.TemporaryDirectory() as folder:
        with running(Path(folder) / "calls") as twin:
            prepare(twin)
            results.append(calls(twin))
        results.append(ready("empty", Path(folder) / "empty", EMPTY_SECONDS))
        with running(Path(folder) / "full") as twin:
            register(twin, PACKAGES)
        results.append(ready(f"{PACKAGES} model packages", Path(folder) / "full", FULL_SECONDS))
    return 0 if all(results) else 1


@contextmanager
def running(folder: Path) -> Iterator[Twin]:
    """Give a twin in this process."""
    twin = Twin(Settings(state_dir=folder, endpoint_url="http://127.0.0.1:1", python=Path(sys.executable)))
    try:
        yield twin
    finally:
        twin.close()


def client(twin: Twin, service: str) -> Any:
    """Return the administrator's client."""
    return twin.core.session_of(twin.core.administrator.principal, "us-east-1").client(service)


def prepare(twin: Twin) -> None:
    """Make what the calls need, and some roles."""
    client(twin, "s3").create_bucket(Bucket="bucket")
    client(twin, "sqs").create_queue(QueueName="queue")
    logs = client(twin, "logs")
    logs.create_log_group(logGroupName="group")
    logs.create_log_stream(logGroupName="group", logStreamName="stream")
    for number in range(ROLES):
        client(twin, "iam").create_role(RoleName=f"role-{number}", AssumeRolePolicyDocument=TRUST)
    client(twin, "sagemaker").create_model_package_group(ModelPackageGroupName="group")


def calls(twin: Twin) -> bool:
    """Measure every call with and without journals; tell whether the median of all is within its budget."""
    more = []
    for service, title, make in CALLS:
        with_journal, without = _measured(client(twin, service), make)
        more.append(with_journal - without)
        print(f"     {service + ' ' + title:<36} {with_journal:7.3f} ms, {without:7.3f} ms without journals")
    median = statistics.median(more)
    ok = median <= MORE_MS
    print(f"{_mark(ok)} a call that changes something costs {median:.3f} ms more, median (budget {MORE_MS:g})")
    return ok


def _measured(api: Any, make: Make) -> tuple[float, float]:
    names = (f"n-{number}-{time.time_ns()}" for number in itertools.count())
    spent: dict[bool, list[float]] = {True: [], False: []}
    make(api, next(names))
    for _ in range(ROUNDS):
        for kept in (True, False):
            with _journals(on=kept):
                began = time.perf_counter()
                make(api, next(names))
                spent[kept].append(1000 * (time.perf_counter() - began))
    return statistics.median(spent[True]), statistics.median(spent[False])


@contextmanager
def _journals(*, on: bool) -> Iterator[None]:
    before = (JournalTable.put, JournalTable.remove, MotoHost.kept)
    if not on:
        JournalTable.put = JournalTable.remove = MotoHost.kept = lambda *_: None  # type: ignore[assignment, method-assign]
    try:
        yield
    finally:
        JournalTable.put, JournalTable.remove, MotoHost.kept = before  # type: ignore[method-assign]


def _log(name: str) -> dict[str, Any]:
    events = [{"timestamp": int(time.time() * 1000), "message": name}]
    return {"logGroupName": "group", "logStreamName": "stream", "logEvents": events}


def _event(name: str) -> dict[str, str]:
    return {"Source": "bench", "DetailType": "Bench", "Detail": json.dumps({"name": name})}


def register(twin: Twin, count: int) -> None:
    """Register model packages."""
    sagemaker = client(twin, "sagemaker")
    sagemaker.create_model_package_group(ModelPackageGroupName="group")
    for number in range(count):
        sagemaker.create_model_package(
            **PACKAGE,
            ModelPackageDescription=f"number {number}",
            CustomerMetadataProperties={"ModelDigest": f"{number:064x}", "DataDigest": f"{number:064x}"},
        )


def ready(title: str, folder: Path, budget: float) -> bool:
    """Measure `up` in a folder; tell whether it is within its budget."""
    began = time.perf_counter()
    state = control.up(folder, 0, None)
    seconds = time.perf_counter() - began
    control.down(folder)
    found = f" {state.restored}" if state.restored else ""
    print(f"{_mark(seconds <= budget)} up, {title}: {seconds:.2f} s (budget {budget:g}).{found}")
    return seconds <= budget


def _mark(ok: bool) -> str:  # noqa: FBT001 - the mark is of nothing else
    return "ok  " if ok else "OVER"


if __name__ == "__main__":
    sys.exit(main())

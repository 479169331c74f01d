"""A small world for the twin's developer services: real files, threads and processes, in-memory S3 and logs."""

from __future__ import annotations

import sys
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError
from lockgate_twin.durability import MemoryTables
from lockgate_twin.errors import ApiError
from lockgate_twin.ports import Call, Command, Event, Principal, Settings, Table
from lockgate_twin.processes import GuardedProcess, ProcessTable

ACCOUNT = "111122223333"
REGION = "us-east-1"
ROOT = Principal(arn=f"arn:aws:iam::{ACCOUNT}:root", account=ACCOUNT, access_key_id="AKIATEST")


def call_of(service: str, operation: str = "Test", principal: Principal = ROOT) -> Call:
    """Return a call as the front would make it."""
    return Call(principal=principal, region=REGION, service=service, operation=operation, request_id=str(uuid.uuid4()))


@dataclass
class FakeSession:
    """Acts as a principal: everything is allowed but what the world denies. Permissions asked for are kept."""

    world: FakeWorld
    principal: Principal
    region: str = REGION

    @property
    def account(self) -> str:
        """Return the account."""
        return self.principal.account

    def client(self, service: str) -> Any:
        """Return the fake registered for the service, else a client of the in-memory AWS."""
        if service in self.world.clients:
            return self.world.clients[service]
        return boto3.client(service, region_name=self.region, aws_access_key_id="test", aws_secret_access_key="test")

    def require(self, action: str, *resources: str, context: Mapping[str, Any] | None = None) -> None:
        """Allow everything but what the world denies."""
        del context
        self.world.required.append((self.principal.arn, action, resources))
        if action in self.world.denied:
            message = f"User: {self.principal.arn} is not authorized to perform: {action} on {resources[0]}"
            raise ApiError("AccessDenied", message, 403)

    def environment(self) -> dict[str, str]:
        """Return variables as a real session does."""
        return {
            "AWS_ACCESS_KEY_ID": self.principal.access_key_id,
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_SESSION_TOKEN": "token",
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ENDPOINT_URL": self.world.settings.endpoint_url,
        }

    def read_object(self, bucket: str, key: str) -> bytes:
        """Read from the in-memory S3."""
        self.require("s3:GetObject", f"arn:aws:s3:::{bucket}/{key}")
        try:
            body: bytes = self.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        except ClientError as error:
            raise ApiError(error.response["Error"]["Code"], error.response["Error"]["Message"], 404) from error
        return body

    def object_etag(self, bucket: str, key: str) -> str:
        """Return an object's ETag in the in-memory S3."""
        self.require("s3:GetObject", f"arn:aws:s3:::{bucket}/{key}")
        try:
            return str(self.client("s3").head_object(Bucket=bucket, Key=key)["ETag"]).strip('"')
        except ClientError as error:
            raise ApiError("NoSuchKey", error.response["Error"]["Message"], 404) from error

    def write_object(self, bucket: str, key: str, body: bytes) -> None:
        """Write to the in-memory S3."""
        self.require("s3:PutObject", f"arn:aws:s3:::{bucket}/{key}")
        try:
            self.client("s3").put_object(Bucket=bucket, Key=key, Body=body)
        except ClientError as error:
            raise ApiError(error.response["Error"]["Code"], error.response["Error"]["Message"], 404) from error

    def list_objects(self, bucket: str, prefix: str) -> list[str]:
        """List the in-memory S3."""
        found = self.client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix)
        return [item["Key"] for item in found.get("Contents", [])]


@dataclass
class FakeWorld:
    """A Context: roles whose name contains "untrusting" cannot be assumed."""

    settings: Settings
    events: list[Event] = field(default_factory=list)
    required: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list)
    assumed: list[tuple[str, str, str | None]] = field(default_factory=list)
    denied: set[str] = field(default_factory=set)
    clients: dict[str, Any] = field(default_factory=dict)
    defects: list[BaseException] = field(default_factory=list)
    processes: ProcessTable = field(default_factory=ProcessTable)
    changed: threading.Condition = field(default_factory=threading.Condition)
    tables: MemoryTables = field(default_factory=MemoryTables)

    def table(self, name: str) -> Table:
        """Return the table of this name; it is kept as long as the world."""
        return self.tables.table(name)

    def session(self, call: Call) -> FakeSession:
        """Act as the caller."""
        return FakeSession(self, call.principal, call.region)

    def assume_role(
        self, role_arn: str, *, service: str, session_name: str, region: str, source_arn: str | None = None
    ) -> FakeSession:
        """Assume any role that trusts the service."""
        if "untrusting" in role_arn:
            raise ApiError("AccessDenied", f"{service} is not authorized to perform AssumeRole on role {role_arn}")
        self.assumed.append((role_arn, service, source_arn))
        arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/{role_arn.rpartition('/')[2]}/{session_name}"
        return FakeSession(
            self, Principal(arn=arn, account=ACCOUNT, access_key_id="ASIAROLE", role_arn=role_arn), region
        )

    def emit(self, event: Event) -> None:
        """Keep the event and wake whoever waits for it."""
        with self.changed:
            self.events.append(event)
            self.changed.notify_all()

    def start_process(self, command: Command) -> GuardedProcess:
        """Start a real process."""
        return self.processes.start(command)

    def in_background(self, name: str, work: Callable[[], None]) -> None:
        """Run on a real thread; what escapes is kept in `defects`."""

        def run() -> None:
            try:
                work()
            except Exception as error:  # noqa: BLE001 - a test looks at what escaped
                self.defects.append(error)

        threading.Thread(target=run, name=name, daemon=True).start()

    def await_event(self, chosen: Callable[[Event], bool], timeout: float = 30) -> Event:
        """Return the first event that is chosen, waiting for it."""
        with self.changed:
            if not self.changed.wait_for(lambda: any(chosen(e) for e in self.events), timeout):
                raise AssertionError(f"no such event; seen: {[(e.detail_type, dict(e.detail)) for e in self.events]}")
            return next(e for e in self.events if chosen(e))


def make_world(folder: Path) -> FakeWorld:
    """Return a world whose files lie in a folder."""
    settings = Settings(state_dir=folder, endpoint_url="http://127.0.0.1:1", python=Path(sys.executable))
    return FakeWorld(settings)

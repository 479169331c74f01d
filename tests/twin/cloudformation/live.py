"""A whole twin with real Lambda, Service Catalog and SageMaker, and stacks in it."""

from __future__ import annotations

import json
import sys
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lockgate_twin.ports import Settings
from lockgate_twin.server import HOST, Router, Server, bind
from lockgate_twin.twin import Twin

from tests.support.twin_server import client_of, no_git
from tests.twin.cloudformation.world import text_of

_STEP = 0.02
_LONGEST = 60.0
NAMED = ["CAPABILITY_NAMED_IAM"]


class Live:
    """Clients of a running twin's administrator."""

    def __init__(self, twin: Twin) -> None:
        self.twin = twin
        self.core = twin.core
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        """Return the administrator's client."""
        if service not in self._clients:
            self._clients[service] = client_of(self.core, service)
        return self._clients[service]

    def stack(self, template: Mapping[str, Any] | str, **options: Any) -> LiveStack:
        """Create a stack and wait until it rests."""
        return self.begin(template, **options).rest()

    def begin(self, template: Mapping[str, Any] | str, **options: Any) -> LiveStack:
        """Start creating a stack."""
        name = options.pop("StackName", f"stack-{uuid.uuid4().hex[:8]}")
        api = self.client("cloudformation")
        given = {"TemplateBody": text_of(template), "Capabilities": NAMED, **options}
        return LiveStack(self, name, api.create_stack(StackName=name, **given)["StackId"])


@dataclass
class LiveStack:
    """One stack of a running twin."""

    live: Live
    name: str
    id: str

    @property
    def api(self) -> Any:
        """Return the CloudFormation client."""
        return self.live.client("cloudformation")

    @property
    def described(self) -> Mapping[str, Any]:
        """Return what DescribeStacks says."""
        found: Mapping[str, Any] = self.api.describe_stacks(StackName=self.id)["Stacks"][0]
        return found

    @property
    def status(self) -> str:
        """Return its status."""
        return str(self.described["StackStatus"])

    @property
    def outputs(self) -> dict[str, str]:
        """Return its outputs."""
        return {output["OutputKey"]: output["OutputValue"] for output in self.described.get("Outputs", [])}

    def rest(self) -> LiveStack:
        """Wait until no operation is under way."""
        pause, steps = threading.Event(), int(_LONGEST / _STEP)
        for _ in range(steps):
            if not self.status.endswith("_IN_PROGRESS"):
                return self
            pause.wait(_STEP)
        raise AssertionError(f"{self.name} is still {self.status}: {json.dumps(self.events(), default=str)}")

    def update(self, template: Mapping[str, Any] | str | None = None, **options: Any) -> LiveStack:
        """Update it and wait for the end."""
        given = {"UsePreviousTemplate": True} if template is None else {"TemplateBody": text_of(template)}
        self.api.update_stack(StackName=self.name, Capabilities=NAMED, **given, **options)
        return self.rest()

    def delete(self, **options: Any) -> LiveStack:
        """Delete it and wait for the end."""
        self.api.delete_stack(StackName=self.id, **options)
        return self.rest()

    def events(self, status: str | None = None) -> list[Mapping[str, Any]]:
        """Return its events, oldest first."""
        found = list(reversed(self.api.describe_stack_events(StackName=self.id)["StackEvents"]))
        return [event for event in found if status in (None, event["ResourceStatus"])]

    def reason(self, logical_id: str, status: str) -> str:
        """Return why a resource got a status."""
        return next(str(e["ResourceStatusReason"]) for e in self.events(status) if e["LogicalResourceId"] == logical_id)

    def physical_id(self, logical_id: str) -> str:
        """Return a resource's physical id."""
        detail = self.api.describe_stack_resource(StackName=self.id, LogicalResourceId=logical_id)
        return str(detail["StackResourceDetail"]["PhysicalResourceId"])


@contextmanager
def running_twin(state_dir: Path) -> Iterator[Live]:
    """Serve a whole twin."""
    listener = bind(0)
    url = f"http://{HOST}:{listener.getsockname()[1]}"
    twin = Twin(Settings(state_dir=state_dir, endpoint_url=url, python=Path(sys.executable)))
    server = Server(listener, Router(twin.core.front, no_git, dict))
    server.start()
    try:
        yield Live(twin)
    finally:
        server.stop()
        twin.close()

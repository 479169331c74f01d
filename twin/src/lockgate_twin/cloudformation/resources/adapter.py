"""What a resource type's adapter is: three functions that call public AWS APIs, and what they support."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from botocore.exceptions import ClientError

from lockgate_twin.cloudformation.failures import HandlerFailed
from lockgate_twin.cloudformation.naming import NameRule
from lockgate_twin.cloudformation.signals import Signals
from lockgate_twin.ports import Session

_POLL_SECONDS = 0.05
_Tags = list[dict[str, str]]


class Clients:
    """A session's boto3 clients, each made once."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._made: dict[str, Any] = {}

    def get(self, service: str) -> Any:
        """Return the client of a service."""
        if service not in self._made:
            self._made[service] = self.session.client(service)
        return self._made[service]


class Identify(Protocol):
    """Notes that a resource exists outside the stack from now on."""

    def __call__(self, physical_id: str, attributes: Mapping[str, Any] | None = None) -> None:
        """Note the physical id and the attributes known so far."""


def _forget(physical_id: str, attributes: Mapping[str, Any] | None = None) -> None:
    """Note nothing: updates and deletions have their physical id already."""


class Nested(Protocol):
    """What makes nested stacks, with the session of the request that asks for one."""

    def create(self, request: Request) -> Made:
        """Make a nested stack."""
        ...

    def update(self, request: Request) -> Made:
        """Change a nested stack, or bring it back when its parent rolls back."""
        ...

    def delete(self, request: Request) -> None:
        """Delete a nested stack."""
        ...

    def finish(self, ids: Iterable[str], session: Session) -> None:
        """End the updates of these stacks, which their root can roll back until then."""
        ...


@dataclass(frozen=True, kw_only=True)
class Around:
    """The stack a resource belongs to, and what only CloudFormation itself can do for it."""

    stack_id: str
    signals: Signals
    nested: Nested
    cancelled: threading.Event


@dataclass(frozen=True, kw_only=True)
class Request:
    """One call of an adapter. On create `name` is the physical name to use; `previous` is for updates.

    `identify` must be called with the physical id (and the attributes that deleting needs) as soon as something
    exists, so that a failure after it can be undone.
    """

    clients: Clients
    logical_id: str
    properties: Mapping[str, Any]
    type: str
    around: Around
    name: str = ""
    physical_id: str = ""
    previous: Mapping[str, Any] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)
    token: str = ""
    identify: Identify = _forget

    def client(self, service: str) -> Any:
        """Return a boto3 client that acts with the operation's credentials."""
        return self.clients.get(service)

    @property
    def region(self) -> str:
        """Return the stack's region."""
        return self.clients.session.region

    @property
    def account(self) -> str:
        """Return the stack's account."""
        return self.clients.session.account

    def pick(self, *names: str) -> dict[str, Any]:
        """Return those of the named properties that are given."""
        return {name: self.properties[name] for name in names if name in self.properties}

    def changed(self, *names: str) -> bool:
        """Tell whether one of the named properties has changed."""
        return any(self.properties.get(name) != self.previous.get(name) for name in names)

    @cached_property
    def tag_changes(self) -> tuple[_Tags, list[str]]:
        """Return the tags to set and the keys to remove, for a list of {Key, Value}."""
        before = {tag["Key"]: tag["Value"] for tag in self.previous.get("Tags", [])}
        after = {tag["Key"]: tag["Value"] for tag in self.properties.get("Tags", [])}
        added = [{"Key": key, "Value": value} for key, value in after.items() if before.get(key) != value]
        return added, [key for key in before if key not in after]


@dataclass(frozen=True)
class Made:
    """What exists now: Ref's value and the attributes for Fn::GetAtt, which `no_echo` keeps out of events."""

    physical_id: str
    attributes: Mapping[str, Any] = field(default_factory=dict)
    no_echo: bool = False


@dataclass(frozen=True, kw_only=True)
class Adapter:
    """How one resource type is made, changed and deleted. `gone` are the errors that mean "is not there".

    An `open_ended` type takes any property. A type that does not keep its attributes has only those of its last answer.
    """

    type: str
    properties: frozenset[str]
    create: Callable[[Request], Made]
    update: Callable[[Request], Made]
    delete: Callable[[Request], None]
    name: NameRule | None = None
    gone: frozenset[str] = frozenset()
    open_ended: bool = False
    keeps_attributes: bool = True

    def unsupported(self, properties: Mapping[str, Any]) -> list[str]:
        """Return the properties that the twin does not have."""
        return [] if self.open_ended else sorted(properties.keys() - self.properties)


def names(text: str) -> frozenset[str]:
    """Split a text into names."""
    return frozenset(text.split())


def document(value: Any) -> str:
    """Return a policy or pattern as JSON text; text passes as it is."""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def tag_map(tags: _Tags) -> dict[str, str]:
    """Return a list of {Key, Value} as a mapping."""
    return {tag["Key"]: tag["Value"] for tag in tags}


@contextmanager
def ignoring(*codes: str) -> Iterator[None]:
    """Take these error codes as success."""
    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] not in codes:
            raise


@contextmanager
def refusing_taken(*codes: str) -> Iterator[None]:
    """Take these error codes of a create API as "there is one already".

    Raises:
        HandlerFailed: AlreadyExists.
    """
    try:
        yield
    except ClientError as error:
        found = error.response["Error"]
        if found["Code"] not in codes:
            raise
        raise HandlerFailed(str(found.get("Message", "")), "AlreadyExists") from error


def exists(describe: Callable[[], Any], *missing: str) -> bool:
    """Tell by a describe call whether something exists; `missing` are the codes that say no."""
    try:
        describe()
    except ClientError as error:
        if error.response["Error"]["Code"] in missing:
            return False
        raise
    return True


def refuse_existing(name: str, *, found: bool) -> None:
    """Fail as AWS's handlers do when a create-or-update API would take over a thing that exists already.

    Raises:
        HandlerFailed: AlreadyExists.
    """
    if found:
        raise HandlerFailed(f"{name} already exists", "AlreadyExists")


def settled(describe: Callable[[], Any], done: Callable[[Any], bool], timeout: float) -> Any:
    """Ask with `describe` until `done` says so, and return the last answer. `timeout` is in seconds.

    Raises:
        HandlerFailed: NotStabilized when the time is over.
    """
    end = time.monotonic() + timeout
    pause = threading.Event()
    while not done(found := describe()):
        if time.monotonic() > end:
            raise HandlerFailed(f"Exceeded attempts to wait ({timeout:.0f} s)", "NotStabilized")
        pause.wait(_POLL_SECONDS)
    return found

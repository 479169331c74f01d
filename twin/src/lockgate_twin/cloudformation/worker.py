"""Carries out one resource's creation, update, replacement or deletion and keeps the stack's record of it.

Source: the sequences of events are those stacks show on AWS: CREATE_IN_PROGRESS, CREATE_IN_PROGRESS "Resource
creation Initiated" with the physical id, CREATE_COMPLETE; a replacement runs under UPDATE_* statuses.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from botocore.exceptions import ClientError

from lockgate_twin.cloudformation import dynamic
from lockgate_twin.cloudformation.failures import ResourceFailed, reason_of
from lockgate_twin.cloudformation.naming import NameRule, name_of
from lockgate_twin.cloudformation.records import Record
from lockgate_twin.cloudformation.resources import adapter_of
from lockgate_twin.cloudformation.resources.adapter import Adapter, Around, Clients, Made, Request
from lockgate_twin.cloudformation.stack import STACK_TYPE, Resource
from lockgate_twin.errors import NotImplementedByTwin, TwinError
from lockgate_twin.ports import Session, utc_now

_REPLACING = "Requested update requires the creation of a new physical resource; hence creating one."
_INITIATED = "Resource creation Initiated"
_log = logging.getLogger(__name__)


class Worker:
    """Works on the resources of one stack with one session's permissions.

    A `wanted` resource carries the definition, properties and needs it is to have.
    """

    def __init__(self, record: Record, session: Session, around: Around) -> None:
        self._record = record
        self._clients = Clients(session)
        self._around = around

    def create(self, wanted: Resource) -> Resource:
        """Make a resource.

        Raises:
            ResourceFailed: it could not be made; what exists of it is listed as CREATE_FAILED.
        """
        self._note(wanted, "CREATE_IN_PROGRESS")
        identified: list[Resource] = []
        try:
            made = self._make(wanted, identified, "CREATE_IN_PROGRESS")
        except ResourceFailed as failure:
            self._note(identified[-1] if identified else wanted, "CREATE_FAILED", failure.reason)
            raise
        return self._note(made, "CREATE_COMPLETE")

    def update(self, current: Resource, wanted: Resource) -> Resource:
        """Change a resource in place; its handler may answer with another physical id, and so replace it.

        Raises:
            ResourceFailed: it could not be changed; it is listed as UPDATE_FAILED with the wanted properties.
        """
        settled = current.properties if current.settled is None else current.settled
        changed = replace(wanted, physical_id=current.physical_id, attributes=current.attributes, settled=settled)
        self._note(changed, "UPDATE_IN_PROGRESS")
        try:
            steps = [current.settled] if current.settled is not None else []
            made = self._apply(changed, [current.properties, *steps, wanted.properties])
        except ResourceFailed as failure:
            self._note(changed, "UPDATE_FAILED", failure.reason)
            raise
        return self._note(_updated(changed, made), "UPDATE_COMPLETE")

    def _apply(self, resource: Resource, properties: Sequence[Mapping[str, Any]]) -> Made:
        """Go from the first properties to the next and so on; a half-way failed update is undone before another."""
        made = Made(resource.physical_id)
        for previous, wanted in pairwise(properties):
            request = replace(
                self._request(resource), properties=wanted, previous=previous, physical_id=made.physical_id
            )
            made = self._attempt(_adapter(resource.type).update, request)
        return made

    def replace(self, current: Resource, wanted: Resource) -> Resource:
        """Make a new resource beside the current one, which then has to be cleaned up.

        Raises:
            ResourceFailed: it could not be made. The current one stays listed; `leftover` is what was made.
        """
        self._note(current, "UPDATE_IN_PROGRESS", _REPLACING)
        identified: list[Resource] = []
        try:
            _refuse_same_name(current, wanted)
            made = self._make(wanted, identified, "UPDATE_IN_PROGRESS")
        except ResourceFailed as failure:
            self._note(current, "UPDATE_FAILED", failure.reason)
            leftover = identified[-1] if identified else None
            raise ResourceFailed(failure.logical_id, failure.reason, leftover) from failure
        return self._note(made, "UPDATE_COMPLETE")

    def delete(self, resource: Resource, *, listed: bool = True) -> None:
        """Delete a resource; one that is gone already counts as deleted. A replaced one is not `listed`.

        Raises:
            ResourceFailed: it could not be deleted; it is recorded as DELETE_FAILED.
        """
        self._note(resource, "DELETE_IN_PROGRESS", listed=listed)
        try:
            if resource.physical_id:
                self._attempt(self._remove(resource), self._request(resource))
        except ResourceFailed as failure:
            self._note(resource, "DELETE_FAILED", failure.reason, listed=listed)
            raise
        self._note(resource, "DELETE_COMPLETE", listed=listed)

    def skip(self, resource: Resource, *, listed: bool = True) -> None:
        """Leave a resource where it is but no longer as the stack's (deletion policy Retain)."""
        self._note(resource, "DELETE_SKIPPED", listed=listed)

    def restore(self, resource: Resource) -> None:
        """List a resource again that an update did not get to change."""
        self._note(resource, "UPDATE_COMPLETE")

    def finish(self) -> None:
        """End the updates of nested stacks, which can be rolled back until then."""
        resources = self._record.stack.resources.values()
        ids = [item.physical_id for item in resources if item.type == STACK_TYPE and item.exists]
        self._around.nested.finish(ids, self._clients.session)

    def _make(self, wanted: Resource, identified: list[Resource], status: str) -> Resource:
        def identify(physical_id: str, attributes: Mapping[str, Any] | None = None) -> None:
            begun = replace(wanted, physical_id=physical_id, attributes=attributes or {})
            identified.append(begun)
            self._note(begun, status, _INITIATED, listed=status.startswith("CREATE"))

        adapter = _adapter(wanted.type)
        name = name_of(adapter.name, wanted.properties, self._record.stack.identity.name, wanted.logical_id)
        request = replace(self._request(wanted), name=name, identify=identify)
        made = self._attempt(adapter.create, request)
        return replace(wanted, physical_id=made.physical_id, attributes=made.attributes, no_echo=made.no_echo)

    def _remove(self, resource: Resource) -> Callable[[Request], Made]:
        adapter = _adapter(resource.type)

        def remove(request: Request) -> Made:
            try:
                adapter.delete(request)
            except ClientError as error:
                if error.response["Error"]["Code"] not in adapter.gone:
                    raise
            return Made(request.physical_id)

        return remove

    def _attempt(self, act: Callable[[Request], Made], request: Request) -> Made:
        resolver = dynamic.Resolver(self._clients)
        try:
            values = resolver.resolve([dict(request.properties), dict(request.previous)])
            return act(replace(request, properties=values[0], previous=values[1]))
        except (ClientError, TwinError) as error:
            raise ResourceFailed(request.logical_id, resolver.mask(reason_of(error))) from error
        except Exception as error:
            # A defect of a handler fails its resource; it never leaves the stack in progress for ever.
            _log.exception("The handler of %s failed", request.logical_id)
            raise ResourceFailed(request.logical_id, resolver.mask(reason_of(error))) from error

    def _request(self, resource: Resource) -> Request:
        return Request(
            clients=self._clients,
            logical_id=resource.logical_id,
            type=resource.type,
            around=self._around,
            properties=resource.properties,
            physical_id=resource.physical_id,
            attributes=resource.attributes,
            token=str(uuid.uuid4()),
        )

    def _note(self, resource: Resource, status: str, reason: str = "", *, listed: bool = True) -> Resource:
        noted = replace(resource, status=status, reason=reason, updated=utc_now())
        self._record.put(noted, listed=listed)
        return noted


def _adapter(resource_type: str) -> Adapter:
    found = adapter_of(resource_type)
    if found is None:
        raise NotImplementedByTwin(f"The resource type {resource_type}")
    return found


def _updated(resource: Resource, made: Made) -> Resource:
    kept = resource.attributes if _adapter(resource.type).keeps_attributes else {}
    attributes = {**kept, **made.attributes}
    return replace(resource, physical_id=made.physical_id, attributes=attributes, settled=None, no_echo=made.no_echo)


def _refuse_same_name(current: Resource, wanted: Resource) -> None:
    """Source: repost.aws "How do I resolve the error custom-named resource requires replacing"."""
    rule = _adapter(wanted.type).name or NameRule(None, 0)
    given = wanted.properties.get(rule.property) if rule.property else None
    if given and given == current.properties.get(str(rule.property)):
        raise ResourceFailed(
            wanted.logical_id,
            "CloudFormation cannot update a stack when a custom-named resource requires replacing. "
            f"Rename {given} and update the stack again.",
        )

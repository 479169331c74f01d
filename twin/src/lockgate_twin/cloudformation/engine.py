"""Carries out operations on a whole stack: create, update, delete, each with its rollback.

All work is done with one session, so that a missing permission fails here as it would on AWS. Independent
resources are made one after the other, in a fixed order.
Source: "Stack status codes", "Stack failure options" and "DeletionPolicy attribute" of the CloudFormation user guide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from lockgate_twin.cloudformation import changes
from lockgate_twin.cloudformation.blueprint import Blueprint, Output
from lockgate_twin.cloudformation.changes import Action
from lockgate_twin.cloudformation.failures import ResourceFailed, invalid
from lockgate_twin.cloudformation.records import Record
from lockgate_twin.cloudformation.removal import remove
from lockgate_twin.cloudformation.stack import Doomed, Resource, Stack
from lockgate_twin.cloudformation.worker import Worker
from lockgate_twin.errors import ApiError
from lockgate_twin.ports import utc_now

_RETAINED = frozenset({"Retain", "RetainExceptOnCreate"})
Exporter = Callable[[str], str | None]


@dataclass(frozen=True)
class _Failure:
    """Why an operation failed: a sentence, or the resource that failed to `verb`."""

    verb: str = ""
    resource: str = ""
    sentence: str = ""

    def __str__(self) -> str:
        return self.sentence or f"The following resource(s) failed to {self.verb}: [{self.resource}]. "


class Engine:
    """One operation on one stack. `exporter` names the other stack that exports a name already, if any."""

    def __init__(self, record: Record, worker: Worker, exporter: Exporter) -> None:
        self._record = record
        self._worker = worker
        self._exporter = exporter

    def create(self) -> None:
        """Make all resources; what happens on failure is the stack's option."""
        failure = self._make_all(self._record.stack.blueprint)
        on_failure = self._record.stack.options.on_failure
        if failure is None:
            self._record.complete_creation("CREATE_COMPLETE")
        elif on_failure == "DO_NOTHING":
            self._record.complete_creation("CREATE_FAILED", str(failure))
        elif on_failure == "DELETE":
            if self._record.complete_creation("DELETE_IN_PROGRESS", f"{failure}Delete requested by user."):
                self.delete()
        elif self._record.complete_creation("ROLLBACK_IN_PROGRESS", f"{failure}Rollback requested by user."):
            self._roll_back_creation()

    def update(self, before: Stack) -> None:
        """Change the stack, whose blueprint is the new one already; on failure roll back to `before`."""
        failure = self._make_all(self._record.stack.blueprint)
        if failure is None:
            self._complete_update()
        elif self._record.stack.options.on_failure == "DO_NOTHING":
            self._record.move("UPDATE_FAILED", str(failure))
        else:
            self._record.move("UPDATE_ROLLBACK_IN_PROGRESS", str(failure))
            self._roll_back_update(before)

    def delete(self, retained: Iterable[str] = ()) -> None:
        """Delete all resources except the retained ones."""
        kept = frozenset(retained)
        listed = [
            Doomed(resource, retain=_is_retained(resource) or resource.logical_id in kept)
            for resource in self._record.stack.resources.values()
            if resource.exists
        ]
        failed = self._clean_up(listed)
        if failed:
            self._record.move("DELETE_FAILED", f"The following resource(s) failed to delete: [{', '.join(failed)}]. ")
        else:
            self._record.change(deleted=utc_now(), outputs=())
            self._record.move("DELETE_COMPLETE")

    def _make_all(self, blueprint: Blueprint) -> _Failure | None:
        for name in blueprint.order:
            failure = _Failure("create", name) if self._record.cancelled.is_set() else self._make(blueprint, name)
            if failure is not None:
                return failure
        return self._finish_outputs(blueprint)

    def _make(self, blueprint: Blueprint, name: str) -> _Failure | None:
        current = self._record.stack.resources.get(name)
        usable = current is not None and current.usable
        try:
            wanted = self._wanted(blueprint, name)
            if current is not None and usable:
                self._change(blueprint, current, wanted)
            else:
                self._create(current, wanted)
        except ResourceFailed as failure:
            if isinstance(failure.leftover, Resource):
                self._supersede(Doomed(failure.leftover, listed=False))
            return _Failure("update" if usable else "create", name)
        return None

    def _create(self, current: Resource | None, wanted: Resource) -> None:
        """Make a resource; what an earlier attempt has left half-made goes first."""
        if current is not None and current.exists:
            self._worker.delete(current)
        self._worker.create(wanted)

    def _wanted(self, blueprint: Blueprint, name: str) -> Resource:
        wanted = Resource(
            definition=blueprint.definitions[name], status="", updated=utc_now(), needs=blueprint.needs[name]
        )
        try:
            properties, problems = blueprint.properties(name, self._record.stack.made())
        except ApiError as error:
            raise self._refused(wanted, error.message) from error
        if problems:
            text = f"Properties validation failed for resource {name} with message:\n" + "\n".join(problems)
            raise self._refused(wanted, text)
        return replace(wanted, properties=properties)

    def _refused(self, wanted: Resource, reason: str) -> ResourceFailed:
        """Note a resource whose properties turn out to be wrong when they are known."""
        current = self._record.stack.resources.get(wanted.logical_id)
        if current is not None and current.usable:
            self._record.put(replace(current, status="UPDATE_FAILED", reason=reason, updated=utc_now()))
        else:
            self._record.put(replace(wanted, status="CREATE_FAILED", reason=reason))
        return ResourceFailed(wanted.logical_id, reason)

    def _change(self, blueprint: Blueprint, current: Resource, wanted: Resource) -> None:
        schema = blueprint.schema(wanted.logical_id)
        action = changes.decide(current, wanted.definition, wanted.properties, schema).action
        if action is Action.REPLACE:
            self._worker.replace(current, wanted)
            retain = current.definition.update_replace_policy == "Retain"
            self._supersede(Doomed(current, listed=False, retain=retain))
        elif action is Action.UPDATE:
            self._worker.update(current, wanted)
        else:
            self._record.redefine(replace(current, definition=wanted.definition, needs=wanted.needs))

    def _supersede(self, doomed: Doomed) -> None:
        self._record.change(superseded=(*self._record.stack.superseded, doomed))

    def _finish_outputs(self, blueprint: Blueprint) -> _Failure | None:
        try:
            outputs = blueprint.outputs(self._record.stack.made())
            self._check_exports(outputs)
        except ApiError as error:
            return _Failure(sentence=f"{error.message} ")
        self._record.change(outputs=outputs)
        return None

    def _check_exports(self, outputs: tuple[Output, ...]) -> None:
        for output in outputs:
            other = self._exporter(output.export) if output.export else None
            if other is not None:
                raise invalid(f"Export with name {output.export} is already exported by stack {other}.")

    def _complete_update(self) -> None:
        stack = self._record.stack
        removed = [r for name, r in stack.resources.items() if r.exists and name not in stack.blueprint.definitions]
        self._record.move("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        failed = self._clean_up([Doomed(resource, retain=_is_retained(resource)) for resource in removed])
        reason = "Update successful. One or more resources could not be deleted." if failed else ""
        self._record.move("UPDATE_COMPLETE", reason)

    def _roll_back_creation(self) -> None:
        failed = self._clean_up([self._undone(resource) for resource in self._record.stack.resources.values()])
        self._record.change(outputs=())
        if failed:
            text = f"The following resource(s) failed to delete: [{', '.join(failed)}]. "
            self._record.move("ROLLBACK_FAILED", text)
        else:
            self._record.move("ROLLBACK_COMPLETE")

    def _undone(self, resource: Resource) -> Doomed:
        """A new resource is kept only by the policy Retain, not by RetainExceptOnCreate."""
        retain = resource.definition.deletion_policy == "Retain" and resource.exists
        return Doomed(resource, retain=retain and not self._record.stack.options.retain_except_on_create)

    def _roll_back_update(self, before: Stack) -> None:
        tried = self._record.stack
        failed = [name for name in before.blueprint.order if not self._restored(before, name)]
        self._record.change(
            blueprint=before.blueprint,
            options=before.options,
            outputs=before.outputs,
            superseded=_superseded_by_rollback(before, tried),
        )
        if failed:
            text = f"The following resource(s) failed to update: [{', '.join(failed)}]. "
            self._record.move("UPDATE_ROLLBACK_FAILED", text)
            return
        self._record.move("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
        new = [resource for name, resource in tried.resources.items() if not _existed(before, name)]
        self._clean_up([self._undone(resource) for resource in new if resource.status.startswith(("CREATE", "UPDATE"))])
        self._record.move("UPDATE_ROLLBACK_COMPLETE")

    def _restored(self, before: Stack, name: str) -> bool:
        """Bring one resource back to what it was; tell whether that succeeded."""
        old, now = before.resources.get(name), self._record.stack.resources.get(name)
        if old is None or now is None or not old.exists:
            return True
        if now.physical_id == old.physical_id and now.properties != old.properties:
            return self._updated_back(now, old)
        if now.updated != old.updated:
            self._worker.restore(old)
        else:
            self._record.redefine(old)
        return True

    def _updated_back(self, now: Resource, old: Resource) -> bool:
        try:
            self._worker.update(now, old)
        except ResourceFailed:
            return False
        return True

    def _clean_up(self, doomed: Sequence[Doomed]) -> list[str]:
        """Remove these resources and the superseded ones; return the names of those that failed to delete."""
        left, failed = remove([*doomed, *self._record.stack.superseded], self._worker)
        self._record.change(superseded=tuple(item for item in left if not item.listed))
        return failed


def _is_retained(resource: Resource) -> bool:
    return resource.definition.deletion_policy in _RETAINED


def _existed(stack: Stack, name: str) -> bool:
    return name in stack.resources and stack.resources[name].exists


def _superseded_by_rollback(before: Stack, tried: Stack) -> tuple[Doomed, ...]:
    """The replacements are superseded instead of what they replaced; leftovers of failed ones still are."""
    old = {resource.physical_id for resource in before.resources.values()}
    replacements = [
        Doomed(resource, listed=False)
        for name, resource in tried.resources.items()
        if _existed(before, name) and resource.physical_id not in old
    ]
    return (*replacements, *(doomed for doomed in tried.superseded if doomed.resource.physical_id not in old))

"""Carries out operations on a whole stack: create, update, delete, each with its rollback.

All work is done with one session, so that a missing permission fails here as it would on AWS. Independent
resources are made one after the other, in a fixed order.
Source: "Stack status codes", "Stack failure options" and "DeletionPolicy attribute" of the CloudFormation user guide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from lockgate_twin.cloudformation import changes, stack_policy
from lockgate_twin.cloudformation.blueprint import Blueprint, Output
from lockgate_twin.cloudformation.changes import Action
from lockgate_twin.cloudformation.failures import ResourceFailed, invalid
from lockgate_twin.cloudformation.records import USER_INITIATED, Record
from lockgate_twin.cloudformation.removal import remove
from lockgate_twin.cloudformation.schemas import is_custom
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
        if failure is None:
            self._record.complete_creation("CREATE_COMPLETE")
        else:
            self.fail_creation(str(failure))

    def fail_creation(self, reason: str) -> None:
        """End a creation that has failed for this reason, in the way the stack's option says."""
        on_failure = self._record.stack.options.on_failure
        if on_failure == "DO_NOTHING":
            self._record.complete_creation("CREATE_FAILED", reason)
        elif on_failure == "DELETE":
            if self._record.complete_creation("DELETE_IN_PROGRESS", f"{reason}Delete requested by user."):
                self.delete()
        elif self._record.complete_creation("ROLLBACK_IN_PROGRESS", f"{reason}Rollback requested by user."):
            self.roll_back_creation()

    def update(self, before: Stack, *, hold: bool = False) -> bool:
        """Change the stack, whose blueprint is the new one already; on failure roll back to `before`.

        Tells whether it succeeded. Then, with `hold`, what it replaced stays until `complete_update` or `roll_back`.
        """
        failure = self._refused_removal() or self._make_all(self._record.stack.blueprint)
        if failure is not None and self._record.cancelled.is_set():
            self.roll_back(before, USER_INITIATED)
        elif failure is not None:
            self.fail_update(str(failure), before)
        elif hold:
            self._record.move("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        else:
            self.complete_update()
        return failure is None

    def fail_update(self, reason: str, before: Stack) -> None:
        """End an update that has failed for this reason, in the way the stack's option says."""
        if self._record.stack.options.on_failure == "DO_NOTHING":
            self._worker.finish()
            self._record.move("UPDATE_FAILED", reason)
        else:
            self.roll_back(before, reason)

    def roll_back(self, before: Stack, reason: str = "") -> None:
        """Bring the stack back to what it was before an update."""
        self._record.move("UPDATE_ROLLBACK_IN_PROGRESS", reason)
        self.roll_back_update(before)

    def delete(self, retained: Iterable[str] = (), *, force: bool = False) -> None:
        """Delete all resources except the retained ones; with `force`, let go what cannot be deleted."""
        kept = frozenset(retained)
        listed = [
            Doomed(resource, retain=_is_retained(resource) or resource.logical_id in kept)
            for resource in self._record.stack.resources.values()
            if resource.exists
        ]
        failed = self._clean_up(listed)
        if failed and force:
            for name in failed:
                self._worker.skip(self._record.stack.resources[name])
            failed = self._clean_up([doomed for doomed in listed if self._is_left(doomed)])
        if failed:
            self._record.move("DELETE_FAILED", f"The following resource(s) failed to delete: [{', '.join(failed)}]. ")
        else:
            self._record.change(deleted=utc_now(), outputs=())
            self._record.move("DELETE_COMPLETE")

    def _is_left(self, doomed: Doomed) -> bool:
        return self._record.stack.resources[doomed.resource.logical_id].exists

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
        if is_custom(wanted.type) and wanted.properties["ServiceToken"] != current.properties["ServiceToken"]:
            raise self._refused(wanted, "Modifying service token is not allowed.")
        schema = blueprint.schema(wanted.logical_id)
        action = changes.decide(current, wanted.definition, wanted.properties, schema).action
        if refusal := self._policy_refusal(action, wanted):
            raise self._refused(wanted, refusal)
        if action is Action.REPLACE:
            self._worker.replace(current, wanted)
            retain = current.definition.update_replace_policy == "Retain"
            self._supersede(Doomed(current, listed=False, retain=retain))
        elif action is Action.UPDATE:
            self._update(current, wanted)
        else:
            self._record.redefine(replace(current, definition=wanted.definition, needs=wanted.needs))

    def _update(self, current: Resource, wanted: Resource) -> None:
        """Change a resource in place; a custom resource's provider may have replaced it instead."""
        updated = self._worker.update(current, wanted)
        if updated.physical_id != current.physical_id:
            retain = current.definition.update_replace_policy == "Retain"
            self._supersede(Doomed(current, listed=False, retain=retain))

    def _refused_removal(self) -> _Failure | None:
        """Find a resource that the stack policy does not let the update delete."""
        stack = self._record.stack
        removed = [r for name, r in stack.resources.items() if r.exists and name not in stack.blueprint.definitions]
        for resource in removed:
            if refusal := self._policy_refusal(Action.DELETE, resource):
                self._record.put(replace(resource, status="UPDATE_FAILED", reason=refusal, updated=utc_now()))
                return _Failure("update", resource.logical_id)
        return None

    def _policy_refusal(self, action: Action, resource: Resource) -> str:
        options = self._record.stack.options
        policy = options.policy_during_update or options.policy
        return stack_policy.refusal(policy, action, resource.logical_id, resource.type)

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

    def complete_update(self) -> None:
        """Remove what the updated stack no longer has."""
        if self._record.stack.status != "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS":
            self._record.move("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        self._worker.finish()
        stack = self._record.stack
        removed = [r for name, r in stack.resources.items() if r.exists and name not in stack.blueprint.definitions]
        failed = self._clean_up([Doomed(resource, retain=_is_retained(resource)) for resource in removed])
        reason = "Update successful. One or more resources could not be deleted." if failed else ""
        self._record.move("UPDATE_COMPLETE", reason)

    def roll_back_creation(self) -> None:
        """Remove what a failed creation has made."""
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

    def roll_back_update(self, before: Stack, skipped: frozenset[str] = frozenset()) -> None:
        """Bring the resources, but the skipped ones, back to what they were, and remove what an update has made."""
        tried = self._record.stack
        names = [name for name in before.blueprint.order if name not in skipped]
        failed = [name for name in names if not self._restored(before, name)]
        self._record.change(
            goal=before if failed else None,
            blueprint=before.blueprint,
            options=before.options,
            outputs=before.outputs,
            superseded=_superseded_by_rollback(before, tried, self._record.stack),
        )
        if failed:
            text = f"The following resource(s) failed to update: [{', '.join(failed)}]. "
            self._record.move("UPDATE_ROLLBACK_FAILED", text)
            return
        self._record.move("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
        self.finish_update_rollback(before)

    def finish_update_rollback(self, before: Stack) -> None:
        """Remove what a failed update has made."""
        new = [r for name, r in self._record.stack.resources.items() if not _existed(before, name)]
        self._clean_up([self._undone(resource) for resource in new if resource.status.startswith(("CREATE", "UPDATE"))])
        self._record.move("UPDATE_ROLLBACK_COMPLETE")

    def _restored(self, before: Stack, name: str) -> bool:
        """Bring one resource back to what it was; tell whether that succeeded."""
        old, now = before.resources.get(name), self._record.stack.resources.get(name)
        if old is None or now is None or not old.exists:
            return True
        answers = is_custom(now.type) or now.physical_id == old.physical_id
        if answers and (now.properties != old.properties or now.settled is not None):
            return self._updated_back(now, old)
        if now.updated != old.updated:
            self._worker.restore(old)
        else:
            self._record.redefine(old)
        return True

    def _updated_back(self, now: Resource, old: Resource) -> bool:
        """A custom resource's provider is asked to go back, too, and says by its physical id what that means."""
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


def _superseded_by_rollback(before: Stack, tried: Stack, now: Stack) -> tuple[Doomed, ...]:
    """The replacements are superseded instead of what they replaced; leftovers of failed ones still are."""
    current = {(name, resource.physical_id) for name, resource in now.resources.items()}
    replacements = [
        Doomed(resource, listed=False) for name, resource in tried.resources.items() if _existed(before, name)
    ]
    return tuple(
        doomed
        for doomed in (*replacements, *tried.superseded)
        if (doomed.resource.logical_id, doomed.resource.physical_id) not in current
    )

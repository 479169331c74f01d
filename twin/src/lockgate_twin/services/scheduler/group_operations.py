"""Schedule groups and their tags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lockgate_twin.errors import ApiError
from lockgate_twin.ports import Call, Handler
from lockgate_twin.services.clock import Clock
from lockgate_twin.services.paging import limit, page
from lockgate_twin.services.scheduler.book import Book
from lockgate_twin.services.scheduler.record import DEFAULT_GROUP, Group


class GroupOperations:
    """The operations on schedule groups."""

    def __init__(self, clock: Clock, book: Book) -> None:
        self._clock, self._book = clock, book

    def operations(self) -> Mapping[str, Handler]:
        """Return the handlers by operation name."""
        return {
            "CreateScheduleGroup": self.create,
            "GetScheduleGroup": self.get,
            "ListScheduleGroups": self.list,
            "DeleteScheduleGroup": self.delete,
            "TagResource": self.tag,
            "UntagResource": self.untag,
            "ListTagsForResource": self.list_tags,
        }

    def create(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Create a group; the same request with the same token again is the same group."""
        name, token, now = parameters["Name"], parameters.get("ClientToken"), self._clock.now()
        group = Group(
            account=call.account,
            region=call.region,
            name=name,
            created=now,
            modified=now,
            tags=_tags(parameters),
            token=token,
        )
        present = next((g for g in self._book.groups(call.account, call.region) if g.name == name), None)
        if present is None or token is None or present.token != token:
            self._book.add_group(group)
        return {"ScheduleGroupArn": group.arn}

    def get(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Describe a group."""
        return _shape(self._book.group(call.account, call.region, parameters["Name"]))

    def list(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """List groups."""
        prefix = parameters.get("NamePrefix") or ""
        found = [g for g in self._book.groups(call.account, call.region) if g.name.startswith(prefix)]
        size = limit(parameters, "MaxResults", 100)
        shown, more = page(found, parameters.get("NextToken"), size=size, error="ValidationException")
        return {"ScheduleGroups": [_shape(g) for g in shown], **({"NextToken": more["nextToken"]} if more else {})}

    def delete(self, parameters: dict[str, Any], call: Call) -> None:
        """Delete a group with its schedules, at once (AWS shows it as DELETING for a while).

        Raises:
            ApiError: ValidationException for the default group.
        """
        if parameters["Name"] == DEFAULT_GROUP:
            raise ApiError("ValidationException", "The default schedule group cannot be deleted.")
        self._book.remove_group(self._book.group(call.account, call.region, parameters["Name"]))

    def tag(self, parameters: dict[str, Any], call: Call) -> None:
        """Add tags to a group."""
        group = self._named(parameters, call)
        self._book.put_group(replace(group, tags={**group.tags, **_tags(parameters)}))

    def untag(self, parameters: dict[str, Any], call: Call) -> None:
        """Remove tags of a group."""
        group, gone = self._named(parameters, call), set(parameters["TagKeys"])
        self._book.put_group(replace(group, tags={k: v for k, v in group.tags.items() if k not in gone}))

    def list_tags(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Return the tags of a group."""
        group = self._named(parameters, call)
        return {"Tags": [{"Key": k, "Value": v} for k, v in group.tags.items()]}

    def known_tags(self, arn: str) -> Mapping[str, str]:
        """Return the tags of a group, for authorization; none for an ARN that is not known."""
        _, _, _, region, account, resource = arn.split(":", 5)
        name = resource.partition("/")[2]
        known = {g.name: g.tags for g in self._book.groups(account, region)} if account.isdigit() else {}
        return known.get(name, {}) if resource.startswith("schedule-group/") else {}

    def _named(self, parameters: Mapping[str, Any], call: Call) -> Group:
        return self._book.group(call.account, call.region, str(parameters["ResourceArn"]).rpartition("/")[2])


def _tags(parameters: Mapping[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in parameters.get("Tags") or []}


def _shape(group: Group) -> dict[str, Any]:
    return {
        "Arn": group.arn,
        "Name": group.name,
        "State": "ACTIVE",
        "CreationDate": group.created,
        "LastModificationDate": group.modified,
    }

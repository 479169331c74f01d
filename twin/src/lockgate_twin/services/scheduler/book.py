"""All schedules and schedule groups, kept beyond the twin's process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime

from lockgate_twin.errors import ApiError
from lockgate_twin.ports import Table
from lockgate_twin.services.scheduler.record import DEFAULT_GROUP, Group, Key, Schedule

GroupKey = tuple[str, str, str]


class Book:
    """What schedules there are. A change is on disk when its method returns."""

    def __init__(self, schedules: Table, groups: Table, now: Callable[[], datetime]) -> None:
        self._lock = threading.RLock()
        self._tables = (schedules, groups)
        self._now = now
        self._schedules: dict[Key, Schedule] = {s.key: s for s in (Schedule(**r) for _, r in schedules.items())}
        kept = (Group(**record) for _, record in groups.items())
        self._groups: dict[GroupKey, Group] = {(g.account, g.region, g.name): g for g in kept}

    def find(self, key: Key) -> Schedule | None:
        """Return a schedule, or None."""
        with self._lock:
            return self._schedules.get(key)

    def schedule(self, key: Key) -> Schedule:
        """Return a schedule.

        Raises:
            ApiError: ResourceNotFoundException.
        """
        self.group(*key[:3])
        found = self.find(key)
        if found is None:
            raise ApiError("ResourceNotFoundException", f"Schedule {key[3]} does not exist.", 404)
        return found

    def all(self) -> list[Schedule]:
        """Return every schedule of every account and region."""
        with self._lock:
            return list(self._schedules.values())

    def of(self, account: str, region: str) -> list[Schedule]:
        """Return the schedules of one account and region by group and name."""
        return sorted((s for s in self.all() if s.key[:2] == (account, region)), key=lambda s: s.key)

    def add(self, schedule: Schedule) -> None:
        """Add a schedule.

        Raises:
            ApiError: ConflictException when there is one of this name in the group.
        """
        with self._lock:
            if schedule.key in self._schedules:
                raise ApiError("ConflictException", f"Schedule {schedule.name} already exists.", 409)
            self._put(schedule)

    def replace(self, schedule: Schedule) -> bool:
        """Put a newer state of a schedule, unless it was changed or deleted since; tell whether it was put."""
        with self._lock:
            current = self._schedules.get(schedule.key)
            if current is None or current.revision > schedule.revision:
                return False
            self._put(schedule)
            return True

    def remove(self, key: Key) -> None:
        """Forget a schedule."""
        with self._lock:
            self._schedules.pop(key, None)
            self._tables[0].remove("/".join(key))

    def group(self, account: str, region: str, name: str) -> Group:
        """Return a group; the default group is always there.

        Raises:
            ApiError: ResourceNotFoundException.
        """
        with self._lock:
            found = self._groups.get((account, region, name))
            if found is None and name == DEFAULT_GROUP:
                now = self._now()
                found = Group(account=account, region=region, name=name, created=now, modified=now)
                self.put_group(found)
        if found is None:
            raise ApiError("ResourceNotFoundException", f"Schedule group {name} does not exist.", 404)
        return found

    def groups(self, account: str, region: str) -> list[Group]:
        """Return the groups of one account and region by name."""
        self.group(account, region, DEFAULT_GROUP)
        with self._lock:
            mine = [g for g in self._groups.values() if (g.account, g.region) == (account, region)]
        return sorted(mine, key=lambda g: g.name)

    def add_group(self, group: Group) -> None:
        """Add a group.

        Raises:
            ApiError: ConflictException when there is one of this name.
        """
        with self._lock:
            if (group.account, group.region, group.name) in self._groups or group.name == DEFAULT_GROUP:
                raise ApiError("ConflictException", f"Schedule group {group.name} already exists.", 409)
            self.put_group(group)

    def put_group(self, group: Group) -> None:
        """Put a group's newer state."""
        with self._lock:
            self._groups[group.account, group.region, group.name] = group
            self._tables[1].put(f"{group.account}/{group.region}/{group.name}", asdict(group))

    def remove_group(self, group: Group) -> None:
        """Forget a group and its schedules."""
        with self._lock:
            for schedule in self.of(group.account, group.region):
                if schedule.group == group.name:
                    self.remove(schedule.key)
            self._groups.pop((group.account, group.region, group.name), None)
            self._tables[1].remove(f"{group.account}/{group.region}/{group.name}")

    def _put(self, schedule: Schedule) -> None:
        self._schedules[schedule.key] = schedule
        self._tables[0].put("/".join(schedule.key), asdict(schedule))

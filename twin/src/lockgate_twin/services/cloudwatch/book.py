"""All alarms and their history, kept beyond the twin's process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta

from lockgate_twin.errors import ApiError
from lockgate_twin.ports import Table
from lockgate_twin.services.cloudwatch.record import Alarm, HistoryItem, Key, State

# CloudWatch keeps an alarm's history for 30 days (API Reference, DescribeAlarmHistory).
_KEPT = timedelta(days=30)
_MOST = 1000


class AlarmBook:
    """What alarms there are. A change is on disk when its method returns."""

    def __init__(self, alarms: Table, history: Table) -> None:
        self.lock = threading.RLock()
        self._tables = (alarms, history)
        kept = (Alarm(**{**record, "state": State(**record["state"])}) for _, record in alarms.items())
        self._alarms: dict[Key, Alarm] = {a.key: a for a in kept}
        self._history: dict[tuple[str, str], list[HistoryItem]] = {}
        for key, records in history.items():
            account, _, region = key.partition("/")
            self._history[account, region] = [HistoryItem(**record) for record in records]

    def find(self, key: Key) -> Alarm | None:
        """Return an alarm, or None."""
        with self.lock:
            return self._alarms.get(key)

    def alarm(self, key: Key) -> Alarm:
        """Return an alarm.

        Raises:
            ApiError: ResourceNotFound.
        """
        found = self.find(key)
        if found is None:
            raise ApiError("ResourceNotFound", f"The alarm {key[2]} does not exist.", 404)
        return found

    def all(self) -> list[Alarm]:
        """Return every alarm of every account and region."""
        with self.lock:
            return list(self._alarms.values())

    def of(self, account: str, region: str) -> list[Alarm]:
        """Return the alarms of one account and region by name."""
        return sorted((a for a in self.all() if a.key[:2] == (account, region)), key=lambda a: a.name)

    def put(self, alarm: Alarm) -> None:
        """Put an alarm's newer state."""
        with self.lock:
            self._alarms[alarm.key] = alarm
            self._tables[0].put("/".join(alarm.key), asdict(alarm))

    def change(self, key: Key, change: Callable[[Alarm], Alarm]) -> Alarm:
        """Change an alarm.

        Raises:
            ApiError: ResourceNotFound.
        """
        with self.lock:
            self.put(change(self.alarm(key)))
            return self.alarm(key)

    def remove(self, key: Key) -> None:
        """Forget an alarm; its history stays."""
        with self.lock:
            self._alarms.pop(key, None)
            self._tables[0].remove("/".join(key))

    def note(self, alarm: Alarm, item: HistoryItem, now: datetime) -> None:
        """Add an entry to an alarm's history."""
        with self.lock:
            kept = [i for i in self._history.get(alarm.key[:2], []) if i.at > now - _KEPT]
            self._history[alarm.key[:2]] = [*kept, item][-_MOST:]
            records = [asdict(i) for i in self._history[alarm.key[:2]]]
            self._tables[1].put("/".join(alarm.key[:2]), records)

    def history(self, account: str, region: str) -> list[HistoryItem]:
        """Return the history of all alarms of one account and region, oldest first."""
        with self.lock:
            return list(self._history.get((account, region), []))

"""CloudWatch Logs: groups as a whole, streams one by one, events as they come."""

from __future__ import annotations

import threading
from typing import Any

from lockgate_twin.moto_state import touched
from lockgate_twin.moto_state.pickling import dumps, loads
from lockgate_twin.moto_state.whole import WholeBackends
from lockgate_twin.ports import Table

_SEPARATOR = "\0"
# They change streams alone, which are kept one by one.
_OF_STREAMS = frozenset({"CreateLogStream", "DeleteLogStream", "PutLogEvents"})
_DELETING = frozenset({"DeleteLogGroup", "DeleteLogStream"})


class LogStreams:
    """All log groups, streams and events."""

    def __init__(self, groups: Table, streams: Table) -> None:
        touched.watch_log_streams()
        self._whole = WholeBackends("logs", groups)
        self._table = streams
        # How many events are written of each stream, by its id, and under how many keys.
        self._written: dict[str, tuple[int, int]] = {}
        self._lock = threading.Lock()

    def load(self) -> None:
        """Give moto back what it had."""
        from moto.logs.models import LogEvent

        self._whole.load()
        groups = self._groups()
        last = 0
        for key, data in self._table.items():
            place, name, made, number = key.split(_SEPARATOR)
            if place not in groups:
                self._table.remove(key)
                continue
            state, events = loads(data)
            stream = _stream(groups[place], name)
            stream.__dict__.update(state)
            stream.__dict__.setdefault("events", []).extend(events)
            stream.log_group = groups[place]
            self._written[_SEPARATOR.join((place, name, made))] = (len(stream.events), int(number) + 1)
            last = max([last, *(event.event_id + 1 for event in events)])
        LogEvent._event_id = max(LogEvent._event_id, last)

    def keep(self, operation: str) -> None:
        """Write down what an operation has changed."""
        if operation not in _OF_STREAMS:
            self._whole.keep(operation)
        with self._lock:
            for stream in touched.take("streams"):
                self._keep_stream(stream)
            if operation in _DELETING:
                self._remove_deleted()

    def _keep_stream(self, stream: Any) -> None:
        key = _key(stream)
        count, chunks = self._written.get(key, (0, 0))
        events = stream.events[count:]
        state = {n: v for n, v in stream.__dict__.items() if n not in {"events", "log_group"}}
        self._table.put(_SEPARATOR.join((key, str(chunks))), dumps((state, events)))
        self._written[key] = (count + len(events), chunks + 1)

    def _remove_deleted(self) -> None:
        current = {_key(s) for group in self._groups().values() for s in list(group.streams.values())}
        for key in [known for known in self._written if known not in current]:
            _, chunks = self._written.pop(key)
            for number in range(chunks):
                self._table.remove(_SEPARATOR.join((key, str(number))))

    def _groups(self) -> dict[str, Any]:
        return {
            _place(group): group for _, backend in self._whole.backends() for group in list(backend.groups.values())
        }


def _stream(group: Any, name: str) -> Any:
    from moto.logs.models import LogStream

    if name not in group.streams:
        group.streams[name] = LogStream.__new__(LogStream)
    return group.streams[name]


def _place(group: Any) -> str:
    # A group of the same name that was made again is another one.
    return f"{group.arn}@{group.creation_time.timestamp()}"


def _key(stream: Any) -> str:
    return _SEPARATOR.join((_place(stream.log_group), stream.log_stream_name, str(stream.creation_time.timestamp())))

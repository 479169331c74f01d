"""SQS: queues as a whole, messages one by one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

from lockgate_twin.moto_state.pickling import dumps, loads
from lockgate_twin.moto_state.reading import reads
from lockgate_twin.moto_state.whole import WholeBackends
from lockgate_twin.ports import Table

_SEPARATOR = "\0"
_OF_MESSAGES = ("SendMessage", "ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility")
Face = tuple[Any, ...]


class Messages:
    """All queues and messages."""

    def __init__(self, queues: Table, messages: Table) -> None:
        self._whole = WholeBackends("sqs", queues)
        self._table = messages
        self._written: dict[str, Face] = {}
        self._lock = threading.Lock()

    def load(self) -> None:
        """Give moto back what it had."""
        self._whole.load()
        queues = {queue.queue_arn: queue for queue in self._queues()}
        for key, data in self._table.items():
            arn, _ = key.split(_SEPARATOR)
            if arn not in queues:
                self._table.remove(key)
                continue
            message, pending = loads(data)
            queues[arn]._messages.append(message)
            if pending:
                queues[arn]._pending_messages.add(message)
            self._written[key] = _face(queues[arn], message)

    def keep(self, operation: str) -> None:
        """Write down what an operation has changed."""
        if not operation.startswith(_OF_MESSAGES):
            self._whole.keep(operation)
        if not reads(operation):
            self.keep_messages()

    def keep_messages(self) -> None:
        """Write down the messages that have come, gone or changed, whoever did that."""
        with self._lock:
            left = set(self._written)
            for queue in self._queues():
                for message in list(queue._messages):
                    key = f"{queue.queue_arn}{_SEPARATOR}{message.id}"
                    left.discard(key)
                    self._keep(key, queue, message)
            for key in left:
                self._table.remove(key)
                del self._written[key]

    def _keep(self, key: str, queue: Any, message: Any) -> None:
        face = _face(queue, message)
        if self._written.get(key) != face:
            self._table.put(key, dumps((message, face[-1])))
            self._written[key] = face

    def _queues(self) -> Iterator[Any]:
        for _, backend in self._whole.backends():
            yield from list(backend.queues.values())


def _face(queue: Any, message: Any) -> Face:
    """Return what changes of a message in its life."""
    return (
        message.approximate_receive_count,
        message.receipt_handle,
        message.visible_at,
        message.delayed_until,
        message in queue._pending_messages,
    )

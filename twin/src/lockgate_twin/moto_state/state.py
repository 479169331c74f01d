"""What moto keeps, service by service, in the tables of one twin."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lockgate_twin.errors import StartError
from lockgate_twin.moto_state.buckets import Buckets
from lockgate_twin.moto_state.log_streams import LogStreams
from lockgate_twin.moto_state.messages import Messages
from lockgate_twin.moto_state.metrics import Metrics
from lockgate_twin.moto_state.whole import WholeBackends
from lockgate_twin.ports import Table

_WHOLE = ("ecr", "events", "iam", "kms", "secretsmanager", "sns", "ssm")
# moto delivers to queues by itself: an S3 notification, a topic's subscription, an alarm's action.
_SENDING = frozenset({"s3", "sns", "cloudwatch"})
_OF_S3 = ("s3.buckets", "s3.versions", "s3.uploads")
# Where a service has more than the table of its own name.
_TABLES = {"s3": _OF_S3, "logs": ("logs", "logs.events"), "cloudwatch": ("cloudwatch", "cloudwatch.data")}


@dataclass(frozen=True)
class _Kept:
    """One service: what loads it, and what writes down a call to it."""

    load: Callable[[], None]
    keep: Callable[[str, Mapping[str, Any]], None]


class MotoState:
    """Loads what an earlier twin kept, and keeps what calls change."""

    def __init__(self, table: Callable[[str], Table], folder: Path) -> None:
        self._tables = table
        self._messages = Messages(self._table("sqs"), self._table("sqs.messages"))
        metrics = Metrics(self._table("cloudwatch"), self._table("cloudwatch.data"))
        self._kept = {
            **{name: self._whole(name) for name in _WHOLE},
            "cloudwatch": _Kept(metrics.load, lambda operation, _: metrics.keep(operation)),
            "sqs": _Kept(self._messages.load, lambda operation, _: self._messages.keep(operation)),
        }
        self._late: dict[str, Callable[[], _Kept]] = {"s3": lambda: self._s3(folder), "logs": self._logs}

    def load(self) -> None:
        """Give moto back what it had.

        Raises:
            StartError: another version of moto kept it, whose objects have other members.
        """
        self._check_version()
        names = [name for name in (*self._kept, *self._late) if self._has_records(name)]
        # Before the others, which name keys, queues and topics in their records.
        for name in sorted(names, key=lambda n: n not in _WHOLE):
            self.prepare(name)
            self._kept[name].load()

    def prepare(self, service: str) -> None:
        """Get ready for calls to a service, before the first."""
        if service in self._late:
            self._kept.setdefault(service, self._late[service]())
            self._late.pop(service, None)

    def keep(self, service: str, operation: str, parameters: Mapping[str, Any]) -> None:
        """Write down what a call has changed, before it is answered."""
        kept = self._kept.get(service)
        if kept is not None:
            kept.keep(operation, parameters)
        if service in _SENDING:
            self._messages.keep_messages()

    def _table(self, name: str) -> Table:
        return self._tables(f"moto.{name}")

    def _whole(self, service: str) -> _Kept:
        backends = WholeBackends(service, self._table(service))
        return _Kept(backends.load, lambda operation, _: backends.keep(operation))

    def _s3(self, folder: Path) -> _Kept:
        buckets = Buckets({name: self._table(name) for name in _OF_S3}, folder)
        return _Kept(buckets.load, buckets.keep)

    def _logs(self) -> _Kept:
        streams = LogStreams(self._table("logs"), self._table("logs.events"))
        return _Kept(streams.load, lambda operation, _: streams.keep(operation))

    def _has_records(self, service: str) -> bool:
        return any(self._table(name).items() for name in _TABLES.get(service, (service,)))

    def _check_version(self) -> None:
        from moto import __version__

        about = self._table("about")
        kept = dict(about.items()).get("moto", __version__)
        if kept != __version__:
            raise StartError(
                f"The state was kept with moto {kept}, which moto {__version__} cannot read; install that version or "
                "start empty with 'lockgate up --fresh'."
            )
        about.put("moto", __version__)

"""CloudWatch: alarms and dashboards as a whole, metric data as they come."""

from __future__ import annotations

import threading

from lockgate_twin.moto_state.pickling import dumps, loads
from lockgate_twin.moto_state.whole import WholeBackends
from lockgate_twin.ports import Table


class Metrics:
    """All alarms, dashboards and metric data."""

    def __init__(self, alarms: Table, data: Table) -> None:
        self._whole = WholeBackends("cloudwatch", alarms)
        self._table = data
        self._written: dict[str, int] = {}
        self._lock = threading.Lock()

    def load(self) -> None:
        """Give moto back what it had."""
        from moto.backends import get_backend

        self._whole.load()
        for key, data in self._table.items():
            place = key.rpartition("/")[0]
            account, region = place.split("/")
            backend = get_backend("cloudwatch")[account][region]
            backend.metric_data.extend(loads(data))
            self._written[place] = len(backend.metric_data)

    def keep(self, operation: str) -> None:
        """Write down what an operation has changed."""
        if operation != "PutMetricData":
            self._whole.keep(operation)
            return
        with self._lock:
            for place, backend in self._whole.backends():
                written = self._written.get(place, 0)
                new = backend.metric_data[written:]
                if new:
                    self._table.put(f"{place}/{written}", dumps(new))
                    self._written[place] = written + len(new)

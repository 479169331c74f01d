"""Backends kept whole: one record for each account and region."""

from __future__ import annotations

import hashlib
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from lockgate_twin.moto_state.pickling import dumps, loads
from lockgate_twin.moto_state.reading import reads
from lockgate_twin.ports import Table

# Kept item by item (metrics.py), or made anew whenever a backend is.
_NOT_KEPT = frozenset({"aws_managed_policies", "metric_data", "paged_metric_data", "next_tokens", "_parameters"})
Shape = tuple[int, ...]


class WholeBackends:
    """All backends of one service. Concurrent changes share one record that has them all."""

    def __init__(self, service: str, table: Table) -> None:
        self._service = service
        self._table = table
        self._digests: dict[str, bytes] = {}
        self._shapes: dict[str, Shape] = {}
        self._counting, self._writing = threading.Lock(), threading.Lock()
        self._changed = self._written = 0

    def load(self) -> None:
        """Give moto back what it had."""
        for key, data in self._table.items():
            account, region = key.split("/")
            backend = self._of_service()[account][region]
            _restore(backend, loads(data))
            self._digests[key], self._shapes[key] = _digest(data), _shape(backend)

    def keep(self, operation: str) -> None:
        """Write down what an operation may have changed. moto makes some things when they are first asked for."""
        if reads(operation) and not any(self._has_grown(key, _shape(backend)) for key, backend in self.backends()):
            return
        with self._counting:
            self._changed += 1
            mine = self._changed
        with self._writing:
            if self._written >= mine:
                return
            with self._counting:
                covered = self._changed
            for key, backend in self.backends():
                self._write(key, backend)
            self._written = covered

    def _has_grown(self, key: str, shape: Shape) -> bool:
        return any(shape) if key not in self._shapes else self._shapes[key] != shape

    def backends(self) -> Iterator[tuple[str, Any]]:
        """Yield the backends in use, by `account/region`."""
        for account, regions in list(dict.items(self._of_service())):
            for region, backend in list(dict.items(regions)):
                yield f"{account}/{region}", backend

    def _of_service(self) -> Any:
        from moto.backends import get_backend

        return get_backend(self._service)

    def _write(self, key: str, backend: Any) -> None:
        shape = _shape(backend)
        data = dumps(_state(backend))
        if self._digests.get(key) != _digest(data):
            self._table.put(key, data)
            self._digests[key] = _digest(data)
        self._shapes[key] = shape


def _state(backend: Any) -> dict[str, Any]:
    kept = {name: _plain(value) for name, value in list(backend.__dict__.items()) if name not in _NOT_KEPT}
    change: Callable[[Any], Any] | None = _CHANGES.get(type(backend).__name__)
    return {**kept, **change(backend)} if change else kept


def _restore(backend: Any, state: dict[str, Any]) -> None:
    counts = state.pop("attachment_counts", {})
    policies = {**getattr(backend, "managed_policies", {}), **state.pop("managed_policies", {})}
    parameters = state.pop("own_parameters", {})
    for name, value in state.items():
        if isinstance(backend.__dict__.get(name), defaultdict):
            backend.__dict__[name].update(value)
        else:
            backend.__dict__[name] = value
    if policies:
        backend.managed_policies = policies
    for arn, count in counts.items():
        policies[arn].attachment_count = count
    for name, versions in parameters.items():
        dict.__setitem__(backend._parameters, name, versions)


def _plain(value: Any) -> Any:
    # What a defaultdict makes by default may be a function without a name, which no pickle can hold.
    return dict(value) if isinstance(value, defaultdict) else value


def _iam(backend: Any) -> dict[str, Any]:
    """AWS's own policies are moto's data; only how often they are attached is state."""
    aws = {policy.arn for policy in backend.aws_managed_policies}
    return {
        "managed_policies": {arn: p for arn, p in list(backend.managed_policies.items()) if arn not in aws},
        "attachment_counts": {p.arn: p.attachment_count for p in backend.aws_managed_policies if p.attachment_count},
    }


def _ssm(backend: Any) -> dict[str, Any]:
    """AWS's public parameters are moto's data."""
    own = {k: v for k, v in list(dict.items(backend._parameters)) if not k.startswith("/aws/") and v}
    return {"own_parameters": own}


_CHANGES: dict[str, Callable[[Any], dict[str, Any]]] = {"IAMBackend": _iam, "SimpleSystemManagerBackend": _ssm}


def _shape(backend: Any) -> Shape:
    return tuple(len(v) for v in list(backend.__dict__.values()) if isinstance(v, dict | list | set))


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()

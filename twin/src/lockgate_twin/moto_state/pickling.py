"""Pickles moto's objects: without locks, without what is kept elsewhere, and with moto's backends by their names."""

from __future__ import annotations

import copyreg
import io
import pickle
import threading
from collections.abc import Callable, Mapping
from typing import Any

_LOCK, _RLOCK = type(threading.Lock()), type(threading.RLock())
_ATTEMPTS = 200

Emptied = Mapping[str, Callable[[], Any]]
# What is left out of an object of a class, and what stands in its place: it is kept item by item, or not needed.
_LEFT_OUT: dict[tuple[str, str], Emptied] = {
    ("moto.logs.models", "LogGroup"): {"streams": dict},
    ("moto.logs.models", "LogStream"): {"events": list, "log_group": lambda: None},
    ("moto.sqs.models", "Queue"): {
        "_messages": list,
        "_pending_messages": set,
        "deleted_messages": set,
        "_messages_lock": threading.Condition,
    },
    # A copy of every notification, which only moto's own tests look at.
    ("moto.sns.models", "Topic"): {"sent_notifications": list},
    ("moto.s3.models", "FakeMultipart"): {"parts": dict, "partlist": list},
}


def dumps(value: Any) -> bytes:
    """Return a value as bytes, as it is at one moment of this thread's time.

    Other threads may change it meanwhile; what they change they write down themselves.
    """
    for _ in range(_ATTEMPTS):
        buffer = io.BytesIO()
        try:
            _Pickler(buffer, protocol=pickle.HIGHEST_PROTOCOL).dump(value)
        except RuntimeError as error:
            if "changed size during iteration" not in str(error) and "mutated during iteration" not in str(error):
                raise
            continue
        return buffer.getvalue()
    raise RuntimeError("What moto keeps changes too fast to be written down.")


def loads(data: bytes) -> Any:
    """Return the value of `dumps`."""
    return pickle.loads(data)  # noqa: S301 - from a journal that only this user can have written


class _Pickler(pickle.Pickler):
    def reducer_override(self, obj: Any) -> Any:
        kind = type(obj)
        if kind is _LOCK:
            return threading.Lock, ()
        if kind is _RLOCK:
            return threading.RLock, ()
        if not kind.__module__.startswith(("moto.", "threading", "cryptography.")):
            return NotImplemented
        return _reduced(obj, kind)


def _reduced(obj: Any, kind: type) -> Any:
    if kind is threading.Condition:
        return threading.Condition, ()
    if kind.__name__.endswith("Backend") and hasattr(obj, "account_id"):
        return _backend, (kind.__module__.split(".")[1], obj.account_id, obj.region_name)
    if kind.__name__ == "AWSManagedPolicy":
        return _aws_policy, (obj.account_id, obj.arn)
    if kind.__name__ in {"FakeKey", "FakeGlacierKey"}:
        return object_without_body, (object_state(obj),)
    if hasattr(obj, "private_bytes"):
        return _private_key, (_der(obj),)
    left_out = _LEFT_OUT.get((kind.__module__, kind.__qualname__))
    if left_out is None:
        return NotImplemented
    return copyreg.__newobj__, (kind,), {**obj.__dict__, **{name: make() for name, make in left_out.items()}}  # type: ignore[attr-defined]


def object_state(entry: Any) -> dict[str, Any]:
    """Return everything of an S3 object but its body."""
    return {name: value for name, value in entry.__dict__.items() if name not in {"_value_buffer", "lock"}}


def object_without_body(state: Mapping[str, Any]) -> Any:
    """Make an S3 object of `object_state`, with an empty body."""
    from moto.s3.models import FakeKey

    made = FakeKey.__new__(FakeKey)
    made.__dict__.update(state)
    made.lock = threading.Lock()
    made._value_buffer = io.BytesIO()
    return made


def _backend(service: str, account: str, region: str) -> Any:
    from moto.backends import get_backend

    return get_backend(service)[account][region]


def _aws_policy(account: str, arn: str) -> Any:
    return _backend("iam", account, "aws").managed_policies[arn]


def _der(key: Any) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return bytes(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))


def _private_key(der: bytes) -> Any:
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    return load_der_private_key(der, password=None)

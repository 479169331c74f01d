"""Notes which objects and log streams moto changes during a call, whatever the call was.

moto writes some on its own: access logs of a bucket, log events that a subscription passes on.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any

_notes = threading.local()


def take(kind: str) -> list[Any]:
    """Return what this thread has changed of a kind since it was last asked, each once, in order."""
    noted = _notes.__dict__.pop(kind, {})
    return list(noted)


def note(kind: str, what: Any) -> None:
    """Note a change of this thread."""
    _notes.__dict__.setdefault(kind, {})[what] = None


def watch_objects() -> None:
    """Note every object that is put or deleted as (bucket, key). Watching again changes nothing."""
    from moto.s3.models import S3Backend

    for name in ("put_object", "delete_object"):
        _watch(S3Backend, name, _note_object)


def watch_log_streams() -> None:
    """Note every stream that gets events. Watching again changes nothing."""
    from moto.logs.models import LogGroup, LogStream

    _watch(LogStream, "put_log_events", lambda stream, *_, **__: note("streams", stream))
    _watch(LogGroup, "create_log_stream", lambda group, name: note("streams", group.streams[name]))


def _note_object(_: Any, bucket_name: str, key_name: str, *__: Any, **___: Any) -> None:
    note("objects", (bucket_name, key_name))


def _watch(owner: Any, name: str, noting: Callable[..., None]) -> None:
    method = getattr(owner, name)
    if hasattr(method, "__wrapped__"):
        return

    @functools.wraps(method)
    def watched(*args: Any, **keywords: Any) -> Any:
        answer = method(*args, **keywords)
        noting(*args, **keywords)
        return answer

    setattr(owner, name, watched)

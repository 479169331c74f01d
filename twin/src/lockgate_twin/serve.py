"""Runs a twin in the foreground until it is told to stop."""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lockgate_twin.audit.snapshot import SNAPSHOT
from lockgate_twin.control import State, find
from lockgate_twin.errors import StartError
from lockgate_twin.people import create_roles
from lockgate_twin.ports import Settings
from lockgate_twin.server import HOST, Router, Server, bind
from lockgate_twin.twin import Twin


def serve(state_dir: Path, port: int, people: Path | None, *, stop_with_stdin: bool) -> int:
    """Run a twin; it stops at SIGINT, SIGTERM or, if asked for, when standard input closes.

    Raises:
        StartError: another twin runs in this folder, the port is in use, or a person's policy is wrong.
    """
    if running := find(state_dir):
        raise StartError(f"A twin already runs in {state_dir} (process {running.pid}, {running.endpoint_url}).")
    stop = _stop_signals(stop_with_stdin=stop_with_stdin)
    with _alone_in(state_dir):
        # An earlier twin's; if this one is killed, nobody must take it for what this one knew.
        (state_dir / SNAPSHOT).unlink(missing_ok=True)
        return _serve(state_dir, port, people, stop)


@contextmanager
def _alone_in(state_dir: Path) -> Iterator[None]:
    """Hold the folder against a second twin, which could start before this one answers. Ends with the process."""
    state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (state_dir / "twin.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StartError(f"Another twin is starting or stopping in {state_dir}; wait for it.") from error
        yield


def _serve(state_dir: Path, port: int, people: Path | None, stop: threading.Event) -> int:
    listener = bind(port)
    url = f"http://{HOST}:{listener.getsockname()[1]}"
    twin = Twin(Settings(state_dir=state_dir, endpoint_url=url, python=Path(sys.executable)))
    try:
        server = Server(listener, Router(twin.core.front, twin.git, twin.status, roles=twin.roles))
        server.start()
        _state(twin, people).save()
        print(f"ready {url}", flush=True)
        twin.warm_up()
        stop.wait()
        server.stop()
    finally:
        twin.close()
        (state_dir / "twin.json").unlink(missing_ok=True)
    return 0


def _state(twin: Twin, people: Path | None) -> State:
    settings, key = twin.core.settings, twin.core.administrator
    iam = twin.core.session_of(key.principal, settings.region).client("iam")
    roles = create_roles(people, iam=iam, account=settings.account, region=settings.region) if people else {}
    return State(
        pid=os.getpid(),
        endpoint_url=settings.endpoint_url,
        state_dir=str(settings.state_dir),
        account=settings.account,
        region=settings.region,
        access_key_id=key.access_key_id,
        secret_access_key=key.secret_access_key,
        people=roles,
    )


def _stop_signals(*, stop_with_stdin: bool) -> threading.Event:
    stop = threading.Event()

    def told(number: int, _: object) -> None:
        # Told twice, it does not finish its work: the guardian then ends what runs.
        signal.signal(number, signal.SIG_DFL)
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, told)
    if stop_with_stdin:
        threading.Thread(target=_set_at_end_of_input, args=(stop,), name="stdin", daemon=True).start()
    return stop


def _set_at_end_of_input(stop: threading.Event) -> None:
    sys.stdin.read()
    stop.set()

"""Runs a twin in the foreground until it is told to stop."""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lockgate_twin.audit.snapshot import SNAPSHOT
from lockgate_twin.control import State, find
from lockgate_twin.core import Core
from lockgate_twin.erasing import erase
from lockgate_twin.errors import StartError
from lockgate_twin.people import create_roles, known
from lockgate_twin.ports import Settings
from lockgate_twin.restored import sentence
from lockgate_twin.server import HOST, Router, Server, bind
from lockgate_twin.twin import Twin

_AWAKE_SECONDS = 0.5


@dataclass(frozen=True, kw_only=True)
class Options:
    """How a twin is run: `people` is a folder of policy documents, `accounts` are those besides the default one.

    A `fresh` one starts empty, whatever an earlier one has left in the folder.
    """

    state_dir: Path
    port: int
    people: Path | None = None
    accounts: tuple[str, ...] = ()
    fresh: bool = False


def serve(options: Options, *, stop_with_stdin: bool) -> int:
    """Run a twin; it stops at SIGINT, SIGTERM or, if asked for, when standard input closes.

    Raises:
        StartError: another twin runs in this folder, the port is in use, or a person's policy is wrong.
    """
    state_dir = options.state_dir
    if running := find(state_dir):
        raise StartError(f"A twin already runs in {state_dir} (process {running.pid}, {running.endpoint_url}).")
    stop = _stop_signals(stop_with_stdin=stop_with_stdin)
    with _alone_in(state_dir):
        if options.fresh:
            erase(state_dir)
        # An earlier twin's; if this one is killed, nobody must take it for what this one knew.
        (state_dir / SNAPSHOT).unlink(missing_ok=True)
        return _serve(options, stop)


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


def _serve(options: Options, stop: threading.Event) -> int:
    state_dir, people = options.state_dir, options.people
    listener, began = bind(options.port), time.monotonic()
    url = f"http://{HOST}:{listener.getsockname()[1]}"
    settings = Settings(state_dir=state_dir, endpoint_url=url, python=Path(sys.executable), accounts=options.accounts)
    twin = Twin(settings)
    try:
        router = Router(twin.core.front, twin.git, twin.status, switches=twin.switches, roles=twin.roles)
        server = Server(listener, router)
        server.start()
        restored = sentence(twin.core.tables.found(), time.monotonic() - began)
        _state(twin, people, restored).save()
        print(restored, end="\n" if restored else "", file=sys.stderr, flush=True)
        print(f"ready {url}", flush=True)
        twin.warm_up()
        # The kernel may give a signal to any thread, but its handler runs in this one, when it next wakes up.
        while not stop.wait(_AWAKE_SECONDS):
            pass
        server.stop()
    finally:
        twin.close()
        (state_dir / "twin.json").unlink(missing_ok=True)
    return 0


def _state(twin: Twin, people: Path | None, restored: str) -> State:
    core = twin.core
    settings, key = core.settings, core.administrator
    roles = {account: _people(core, account, people) for account in core.administrators}
    others = {account: found for account, found in core.administrators.items() if account != settings.account}
    return State(
        pid=os.getpid(),
        endpoint_url=settings.endpoint_url,
        state_dir=str(settings.state_dir),
        account=settings.account,
        region=settings.region,
        access_key_id=key.access_key_id,
        secret_access_key=key.secret_access_key,
        people=roles.get(settings.account, {}),
        restored=restored,
        accounts={account: (found.access_key_id, found.secret_access_key) for account, found in others.items()},
    )


def _people(core: Core, account: str, people: Path | None) -> dict[str, str]:
    region, kept = core.settings.region, core.table("people")
    if people is None:
        return known(kept, account)
    iam = core.session_of(core.administrators[account].principal, region).client("iam")
    return create_roles(people, kept, iam=iam, account=account, region=region)


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

"""Starting, finding and stopping a twin from outside it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lockgate_twin.errors import StartError

STATE_FILE = "twin.json"
_START_SECONDS = 60.0
_STOP_SECONDS = 20.0
_POLL_SECONDS = 0.05


@dataclass(frozen=True, kw_only=True)
class State:
    """What a running twin writes down so that it can be found: its process, address, keys and people's roles."""

    pid: int
    endpoint_url: str
    state_dir: str
    account: str
    region: str
    access_key_id: str
    secret_access_key: str
    people: Mapping[str, str] = field(default_factory=dict)

    def save(self) -> None:
        """Write the state file, readable by its owner only: it holds the administrator's key."""
        path = Path(self.state_dir) / STATE_FILE
        partial = path.with_suffix(".partial")
        # One left by a killed twin may have other permissions.
        partial.unlink(missing_ok=True)
        partial.touch(mode=0o600, exist_ok=False)
        partial.write_text(json.dumps(asdict(self), indent=2), encoding="utf-8")
        partial.replace(path)


def program_environment() -> dict[str, str]:
    """Return this process's environment with which a child finds this package, installed or not."""
    source = str(Path(__file__).resolve().parents[1])
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [source, os.environ.get("PYTHONPATH")]))}


def find(state_dir: Path) -> State | None:
    """Return the state of the twin that runs in this folder, or None."""
    try:
        state = State(**json.loads((state_dir / STATE_FILE).read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    return state if _answers(state) else None


def up(state_dir: Path, port: int, people: Path | None) -> State:
    """Start a twin in the background and wait until it answers; a running one is used as it is.

    Raises:
        StartError: it did not start; the message names the reason and the log.
    """
    if state := find(state_dir):
        return state
    state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    log = state_dir / "twin.log"
    argv = [sys.executable, "-m", "lockgate_twin", "serve", "--state", str(state_dir), "--port", str(port)]
    argv += ["--people", str(people.resolve())] if people else []
    with log.open("wb") as output:
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)
    return _wait_until_up(state_dir, process, log)


def down(state_dir: Path) -> str:
    """Stop the twin of this folder and tell what happened.

    Raises:
        StartError: it does not stop.
    """
    state = find(state_dir)
    if state is None:
        return f"No twin runs in {state_dir}."
    os.kill(state.pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS
    while _is_alive(state.pid):
        if time.monotonic() > deadline:
            raise StartError(f"The twin (process {state.pid}) does not stop; see {state.state_dir}/twin.log.")
        time.sleep(_POLL_SECONDS)
    return f"The twin is down. What it held in memory is gone; its logs stay in {state.state_dir}."


def status(state_dir: Path) -> dict[str, Any]:
    """Return what the twin of this folder runs.

    Raises:
        StartError: no twin runs there.
    """
    state = find(state_dir)
    if state is None:
        raise StartError(f"No twin runs in {state_dir}; start one with 'lockgate up'.")
    return _ask(state)


def roles(state_dir: Path) -> dict[str, Any] | None:
    """Return what the running twin of this folder knows of its roles (see audit/snapshot.py), or None."""
    state = find(state_dir)
    return _ask(state, "roles") if state else None


def shell_variables(state: State, person: str) -> str:
    """Return the `export` lines with which a shell acts as a person on this twin, git included.

    Raises:
        StartError: there is no such person, or the role does not exist yet.
    """
    variables = {**credentials_of(state, person), **common_variables(state)}
    variables |= git_variables(state, variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"])
    lines = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    # A token of an earlier person would not fit the administrator's key.
    return "\n".join(["unset AWS_SESSION_TOKEN AWS_PROFILE", *lines])


def common_variables(state: State) -> dict[str, str]:
    """Return the variables that say where AWS is."""
    return {
        "AWS_ENDPOINT_URL": state.endpoint_url,
        "AWS_REGION": state.region,
        "AWS_DEFAULT_REGION": state.region,
    }


def git_variables(state: State, access_key_id: str, secret_access_key: str) -> dict[str, str]:
    """Return the variables with which git reaches this twin by CodeCommit's own clone URLs.

    git rewrites the start of a URL by `url.<base>.insteadOf` before it connects (git-config(1)).
    """
    host = state.endpoint_url.removeprefix("http://")
    base = f"http://{access_key_id}:{secret_access_key}@{host}/v1/repos/"
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{base}.insteadOf",
        "GIT_CONFIG_VALUE_0": f"https://git-codecommit.{state.region}.amazonaws.com/v1/repos/",
        "GIT_TERMINAL_PROMPT": "0",
    }


def credentials_of(state: State, person: str) -> dict[str, str]:
    """Return the credential variables of the administrator, or of a person by assuming their role.

    Raises:
        StartError: there is no such person, or the role does not exist yet.
    """
    key = {"AWS_ACCESS_KEY_ID": state.access_key_id, "AWS_SECRET_ACCESS_KEY": state.secret_access_key}
    if person == "administrator":
        return key
    approver = f"arn:aws:iam::{state.account}:role/lockgate/sagemaker-lockgate-approver"
    arn = {"approver": approver, **state.people}.get(person)
    if arn is None:
        known = ", ".join(["administrator", "approver", *state.people])
        raise StartError(f"'{person}' is nobody this twin knows; there are: {known}.")
    return _assume(state, key, arn, person)


def _assume(state: State, key: Mapping[str, str], arn: str, person: str) -> dict[str, str]:
    import boto3
    from botocore.exceptions import ClientError

    sts = boto3.client(
        "sts",
        endpoint_url=state.endpoint_url,
        region_name=state.region,
        aws_access_key_id=key["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=key["AWS_SECRET_ACCESS_KEY"],
    )
    try:
        issued = sts.assume_role(RoleArn=arn, RoleSessionName=person)["Credentials"]
    except ClientError as error:
        hint = " It is made by 'lockgate publish'." if person == "approver" else ""
        raise StartError(f"The role {arn} cannot be assumed: {error.response['Error']['Message']}.{hint}") from error
    return {
        "AWS_ACCESS_KEY_ID": issued["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": issued["SecretAccessKey"],
        "AWS_SESSION_TOKEN": issued["SessionToken"],
    }


def _wait_until_up(state_dir: Path, process: subprocess.Popen[bytes], log: Path) -> State:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise StartError(_last_line(log) or f"The twin ended at once; see {log}.")
        state = find(state_dir)
        if state is not None and state.pid == process.pid:
            return state
        time.sleep(_POLL_SECONDS)
    process.terminate()
    raise StartError(f"The twin did not answer within {_START_SECONDS:.0f} s; see {log}.")


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1].removeprefix("lockgate: ") if lines else ""


def _answers(state: State) -> bool:
    if not _is_alive(state.pid):
        return False
    with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
        # A twin of another folder may have taken the port since, and another program the process id.
        return _ask(state).get("state_dir") == state.state_dir
    return False


def _ask(state: State, page: str = "status") -> dict[str, Any]:
    connection = http.client.HTTPConnection(state.endpoint_url.removeprefix("http://"), timeout=10)
    try:
        connection.request("GET", f"/_twin/{page}")
        shown: dict[str, Any] = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    return shown


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    # A child of ours that has ended but was not waited for still has its id.
    with contextlib.suppress(FileNotFoundError):
        return " Z " not in Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2][:3]
    return True

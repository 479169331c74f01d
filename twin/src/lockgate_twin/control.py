"""Starting, finding and stopping a twin from outside it."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lockgate_twin.erasing import erase
from lockgate_twin.errors import StartError

STATE_FILE = "twin.json"
_START_SECONDS = 60.0
_STOP_SECONDS = 20.0
_POLL_SECONDS = 0.05


@dataclass(frozen=True, kw_only=True)
class State:
    """What a running twin writes down so that it can be found: its process, address, keys and people's roles.

    `accounts` are the further accounts, with the access key (id and secret) of each one's administrator; `restored`
    says what it found of an earlier twin.
    """

    pid: int
    endpoint_url: str
    state_dir: str
    account: str
    region: str
    access_key_id: str
    secret_access_key: str
    people: Mapping[str, str] = field(default_factory=dict)
    accounts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    restored: str = ""

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


def up(state_dir: Path, port: int, people: Path | None, accounts: Sequence[str] = (), *, fresh: bool = False) -> State:
    """Start a twin in the background and wait until it answers; a running one is used as it is.

    It goes on with what an earlier one kept in the folder; a `fresh` one starts empty.

    Raises:
        StartError: it did not start, or runs without some of the accounts; the message names the reason.
    """
    if state := find(state_dir):
        if fresh:
            raise StartError(f"A twin runs in {state_dir}; stop it with 'lockgate down' before one starts empty there.")
        return _with_accounts(state, accounts)
    state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    log = state_dir / "twin.log"
    argv = [sys.executable, "-m", "lockgate_twin", "serve", "--state", str(state_dir), "--port", str(port)]
    argv += ["--people", str(people.resolve())] if people else []
    argv += [f"--account={account}" for account in accounts]
    argv += ["--fresh"] if fresh else []
    with log.open("wb") as output:
        process = subprocess.Popen(
            argv,
            env=program_environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    return _wait_until_up(state_dir, process, log)


def _with_accounts(state: State, accounts: Sequence[str]) -> State:
    if missing := [account for account in accounts if account not in state.accounts]:
        text = f"The twin in {state.state_dir} runs without the accounts {', '.join(missing)}"
        raise StartError(f"{text}; stop it with 'lockgate down' and start it again with them.")
    return state


def down(state_dir: Path, *, discard: bool = False) -> str:
    """Stop the twin of this folder and tell what happened; if it is to be discarded, what it keeps is deleted too.

    Raises:
        StartError: it does not stop.
    """
    state = find(state_dir)
    if state is None:
        return _at_rest(state_dir, discard=discard)
    os.kill(state.pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS
    while _is_alive(state.pid):
        if time.monotonic() > deadline:
            raise StartError(f"The twin (process {state.pid}) does not stop; see {state.state_dir}/twin.log.")
        time.sleep(_POLL_SECONDS)
    if discard:
        erase(state_dir)
        return f"The twin is down. What it kept in {state.state_dir} is deleted."
    return f"The twin is down. Its state and logs stay in {state.state_dir}; 'lockgate up' goes on with them."


def _at_rest(state_dir: Path, *, discard: bool) -> str:
    nobody = f"No twin runs in {state_dir}."
    return f"{nobody} What an earlier one kept there is deleted." if discard and erase(state_dir) else nobody


def status(state_dir: Path) -> dict[str, Any]:
    """Return what the twin of this folder runs.

    Raises:
        StartError: no twin runs there.
    """
    state = find(state_dir)
    if state is None:
        raise StartError(f"No twin runs in {state_dir}; start one with 'lockgate up'.")
    return _ask(state)


def switch_faults(state_dir: Path, faults: Sequence[str]) -> None:
    """Let event deliveries go wrong as told ("rule=sagemaker-*,duplicate=3"; "off" ends all faults).

    Raises:
        StartError: no twin runs there, or a fault is none.
    """
    pairs = [[part.partition("=")[::2] for part in fault.split(",")] for fault in faults if fault != "off"]
    _switch(state_dir, "faults", faults=[dict(pair) for pair in pairs])


def fire(state_dir: Path, group: str, name: str) -> dict[str, Any]:
    """Let a schedule call its target now and return what was started.

    Raises:
        StartError: no twin runs there, or it refuses.
    """
    return _switch(state_dir, f"schedules/{group}/{name}/fire")


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

    `person` may name the account too: "administrator@222222222222".

    Raises:
        StartError: there is no such person or account, or the role does not exist yet.
    """
    name, _, account = person.partition("@")
    access_key_id, secret = _administrator(state, account or state.account)
    key = {"AWS_ACCESS_KEY_ID": access_key_id, "AWS_SECRET_ACCESS_KEY": secret}
    if name == "administrator":
        return key
    approver = f"arn:aws:iam::{state.account}:role/lockgate/sagemaker-lockgate-approver"
    arn = {"approver": approver, **state.people}.get(name)
    if arn is None:
        known = ", ".join(["administrator", "approver", *state.people])
        raise StartError(f"'{name}' is nobody this twin knows; there are: {known}.")
    return _assume(state, key, arn.replace(f":{state.account}:", f":{account or state.account}:", 1), name)


def _administrator(state: State, account: str) -> Sequence[str]:
    keys = {state.account: (state.access_key_id, state.secret_access_key), **state.accounts}
    if account not in keys:
        raise StartError(f"'{account}' is no account of this twin; there are: {', '.join(keys)}.")
    return keys[account]


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


def _switch(state_dir: Path, switch: str, **values: Any) -> dict[str, Any]:
    state = find(state_dir)
    if state is None:
        raise StartError(f"No twin runs in {state_dir}; start one with 'lockgate up'.")
    key = base64.b64encode(f"{state.access_key_id}:{state.secret_access_key}".encode()).decode()
    connection = http.client.HTTPConnection(state.endpoint_url.removeprefix("http://"), timeout=10)
    try:
        headers = {"Authorization": f"Basic {key}", "Content-Type": "application/json"}
        connection.request("POST", f"/_twin/{switch}", json.dumps(values), headers)
        answer = connection.getresponse()
        shown: dict[str, Any] = json.loads(answer.read())
    finally:
        connection.close()
    if answer.status != http.client.OK:
        raise StartError(f"The twin refuses: {shown['message']}")
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

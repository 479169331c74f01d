"""How long credentials are good for: an hour, or as long as a process that was given them runs."""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from lockgate_twin import credentials as credentials_module
from lockgate_twin.core import Core
from lockgate_twin.credentials import CredentialTable
from lockgate_twin.errors import ApiError, NotImplementedByTwin
from lockgate_twin.ports import Command, utc_now

from tests.support.twin_server import client_of

ROLE = "arn:aws:iam::111122223333:role/some"


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let time pass for credentials: `later(hours=3)`."""

    def move(**by: float) -> None:
        monkeypatch.setattr(credentials_module, "utc_now", lambda: utc_now() + dt.timedelta(**by))

    return move


def child(core: Core, folder: Path, environment: dict[str, str], script: str) -> Any:
    """Start a guarded process."""
    argv = [sys.executable, "-c", script]
    return core.start_process(Command(name="child", argv=argv, env=environment, cwd=folder, log=folder / "log"))


def test_a_running_process_keeps_its_credentials(
    core: Core, new_role: Callable[..., str], tmp_path: Path, later: Callable[..., None]
) -> None:
    """An endpoint or build that is older than an hour goes on; when it ends its credentials are worth nothing."""
    trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = new_role({"Effect": "Allow", "Action": "ssm:*", "Resource": "*"}, trust=trust)
    session = core.assume_role(role, service="sagemaker.amazonaws.com", session_name="s", region="us-east-1")
    process = child(core, tmp_path, session.environment(), "import time; time.sleep(600)")
    later(hours=3)
    credentials = core.credentials.find(session.principal.access_key_id)
    assert credentials is not None
    core.credentials.issue(role, "another")  # forgets what has long expired
    arn = client_of(core, "sts", credentials).get_caller_identity()["Arn"]
    assert arn == session.principal.arn
    process.stop(grace=0)
    with pytest.raises(ClientError, match="ExpiredToken"):
        client_of(core, "sts", credentials).get_caller_identity()


def test_a_process_that_cannot_start_holds_nothing(core: Core, tmp_path: Path, later: Callable[..., None]) -> None:
    """The key expires at its own time."""
    issued = core.credentials.issue(ROLE, "s")
    command = Command(
        name="none",
        argv=["/no/such/program"],
        env={"AWS_ACCESS_KEY_ID": issued.access_key_id},
        cwd=tmp_path,
        log=tmp_path / "log",
    )
    with pytest.raises(FileNotFoundError):
        core.start_process(command)
    later(hours=3)
    assert core.credentials.expired(issued)


def test_two_processes_hold_a_key_until_both_have_ended(later: Callable[..., None]) -> None:
    """Holding counts; what nobody holds is forgotten an hour after its end."""
    table = CredentialTable()
    issued = table.issue(ROLE, "s")
    table.hold(issued.access_key_id)
    table.hold(issued.access_key_id)
    later(hours=3)
    table.release(issued.access_key_id)
    assert not table.expired(issued)
    table.release(issued.access_key_id)
    assert table.expired(issued)
    table.issue(ROLE, "another")
    assert table.find(issued.access_key_id) is None


def test_a_service_cannot_assume_what_is_no_role(core: Core) -> None:
    """A malformed ARN is named, not a defect."""
    with pytest.raises(ApiError, match="'my-role': it is not the ARN of a role") as error:
        core.assume_role("my-role", service="codebuild.amazonaws.com", session_name="s", region="us-east-1")
    assert error.value.code == "AccessDenied"


@pytest.mark.parametrize(
    "member",
    [
        {"PolicyArns": [{"arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}]},
        {"Tags": [{"Key": "team", "Value": "a"}]},
        {"SerialNumber": "arn:aws:iam::111122223333:mfa/me", "TokenCode": "123456"},
        {"SourceIdentity": "me"},
    ],
)
def test_what_would_change_a_session_and_is_not_kept_is_refused(
    core: Core, new_role: Callable[..., str], member: dict[str, Any]
) -> None:
    """A session is never wider than what was asked for."""
    role = new_role({"Effect": "Allow", "Action": "s3:*", "Resource": "*"})
    with pytest.raises(ClientError, match="is not implemented by the twin"):
        client_of(core, "sts").assume_role(RoleArn=role, RoleSessionName="session", **member)
    assert issubclass(NotImplementedByTwin, ApiError)


@pytest.mark.parametrize("policy", ["{", "[]", '{"Version": "2012-10-17"}', '{"Statement": 1}'])
def test_a_malformed_session_policy_is_refused_at_once(core: Core, new_role: Callable[..., str], policy: str) -> None:
    """It would otherwise break every later call of the session."""
    role = new_role({"Effect": "Allow", "Action": "s3:*", "Resource": "*"})
    with pytest.raises(ClientError, match="MalformedPolicyDocument"):
        client_of(core, "sts").assume_role(RoleArn=role, RoleSessionName="session", Policy=policy)


def test_a_session_lasts_no_longer_than_its_role_allows(core: Core, new_role: Callable[..., str]) -> None:
    """STS API Reference, AssumeRole: up to MaxSessionDuration; one hour when a role assumes a role."""
    every = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    role = new_role(every)
    sts = client_of(core, "sts")
    with pytest.raises(ClientError, match="exceeds the 3600 seconds"):
        sts.assume_role(RoleArn=role, RoleSessionName="session", DurationSeconds=7200)
    client_of(core, "iam").update_role(RoleName=role.rpartition("/")[2], MaxSessionDuration=7200)
    got = sts.assume_role(RoleArn=role, RoleSessionName="session", DurationSeconds=7200)["Credentials"]
    assert got["Expiration"] > utc_now() + dt.timedelta(seconds=7000)
    chained = client_of(core, "sts", core.credentials.issue(new_role(every), "me"))
    with pytest.raises(ClientError, match="role chaining"):
        chained.assume_role(RoleArn=role, RoleSessionName="session", DurationSeconds=7200)


def test_the_state_is_for_its_owner_only(tmp_path: Path) -> None:
    """The administrator's key, logs and sources are not for other people of the machine."""
    from lockgate_twin.control import STATE_FILE, State

    folder = tmp_path / "state"
    folder.mkdir()
    stale = folder / "twin.partial"
    stale.touch(mode=0o644)
    State(
        pid=1,
        endpoint_url="http://127.0.0.1:1",
        state_dir=str(folder),
        account="111122223333",
        region="us-east-1",
        access_key_id="A",
        secret_access_key="S",
    ).save()
    assert (folder / STATE_FILE).stat().st_mode & 0o777 == 0o600
    assert json.loads((folder / STATE_FILE).read_text())["pid"] == 1

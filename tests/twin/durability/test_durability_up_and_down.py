"""`lockgate up` goes on where `lockgate down`, or a kill, left off."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from lockgate_twin import control
from lockgate_twin.control import State, program_environment
from lockgate_twin.erasing import erase
from lockgate_twin.errors import StartError
from lockgate_twin.restored import sentence

PEOPLE = Path(__file__).parents[3] / "catalog/roles"
ROLE = "SageMakerDataScientist"
POLICY = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}]}
)


def client(state: State, service: str, **keys: str) -> Any:
    """Return a client, by default the administrator's."""
    own = {"aws_access_key_id": state.access_key_id, "aws_secret_access_key": state.secret_access_key}
    return boto3.client(service, endpoint_url=state.endpoint_url, region_name=state.region, **(keys or own))


def topics(state: State) -> list[str]:
    """Return the ARNs of the topics that there are."""
    return [topic["TopicArn"] for topic in client(state, "sns").list_topics()["Topics"]]


@dataclass(frozen=True, kw_only=True)
class History:
    """What was seen of one folder: its twin went down, went on, was killed, went on and was discarded."""

    folder: Path
    first: State
    second: State
    third: State
    fourth: State
    seen: dict[str, Any]


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    """Go through the life of one folder and note what is seen; nothing runs there afterwards."""
    folder, seen = tmp_path_factory.mktemp("twin") / "state", {}
    try:
        first = control.up(folder, 0, PEOPLE)
        seen["topic"] = client(first, "sns").create_topic(Name="topic")["TopicArn"]
        issued = control.credentials_of(first, "data-scientist")
        seen["refused serve"], seen["refused fresh"] = _refused_serve(folder), _refused_up(folder, fresh=True)
        seen["down"] = control.down(folder)
        second = control.up(folder, 0, None)
        keys = {name.lower(): value for name, value in issued.items()}
        seen["session"] = client(second, "sts", **keys).get_caller_identity()["Arn"]
        seen["topics of the second"] = topics(second)
        client(second, "iam").put_role_policy(RoleName=ROLE, PolicyName="data-scientist", PolicyDocument=POLICY)
        os.kill(second.pid, signal.SIGKILL)
        third = control.up(folder, 0, PEOPLE)
        seen["topics of the third"] = topics(third)
        found = client(third, "iam").get_role_policy(RoleName=ROLE, PolicyName="data-scientist")
        seen["policy"] = found["PolicyDocument"]
        control.down(folder)
        (folder / "tables" / "credentials.journal").write_bytes(b"something else")
        seen["damaged"] = _refused_up(folder)
        fourth = control.up(folder, 0, None, fresh=True)
        seen["topics of the fourth"] = topics(fourth)
        seen["discarded"], seen["left"] = control.down(folder, discard=True), (folder / "tables").exists()
        seen["discarded again"] = control.down(folder, discard=True)
        yield History(folder=folder, first=first, second=second, third=third, fourth=fourth, seen=seen)
    finally:
        control.down(folder)


def _refused_serve(folder: Path) -> str:
    argv = [sys.executable, "-m", "lockgate_twin", "serve", "--state", str(folder), "--port", "0"]
    return subprocess.run(argv, env=program_environment(), capture_output=True, text=True, check=False).stderr


def _refused_up(folder: Path, *, fresh: bool = False) -> str:
    with pytest.raises(StartError) as refusal:
        control.up(folder, 0, None, fresh=fresh)
    return str(refusal.value)


def test_up_after_down_goes_on(history: History) -> None:
    """Keys, people, their sessions and resources are those of before; the port may be another."""
    first, second, seen = history.first, history.second, history.seen
    assert seen["down"] == (
        f"The twin is down. Its state and logs stay in {history.folder}; 'lockgate up' goes on with them."
    )
    assert seen["topics of the second"] == [seen["topic"]]
    assert (second.access_key_id, second.secret_access_key) == (first.access_key_id, first.secret_access_key)
    assert second.people == first.people
    assert seen["session"].endswith("/SageMakerDataScientist/data-scientist")


def test_up_says_what_it_found(history: History) -> None:
    """The first twin found nothing, the others say so in one line."""
    assert history.first.restored == ""
    assert history.second.restored.startswith("Restored ")
    assert history.third.restored.startswith("Restored ")


def test_up_after_a_kill_goes_on(history: History) -> None:
    """What was acknowledged is there, and a policy that was changed since stays changed."""
    assert history.seen["topics of the third"] == [history.seen["topic"]]
    assert history.seen["policy"] == json.loads(POLICY)


def test_a_fresh_twin_is_empty(history: History) -> None:
    """`--fresh` starts with nothing; not while a twin runs, whose state it would take away."""
    assert history.seen["refused fresh"] == (
        f"A twin runs in {history.folder}; stop it with 'lockgate down' before one starts empty there."
    )
    assert history.seen["topics of the fourth"] == []
    assert history.fourth.access_key_id != history.first.access_key_id
    assert history.fourth.restored == ""


def test_a_discarded_twin_leaves_nothing(history: History) -> None:
    """`down --discard` deletes what the twin kept."""
    assert history.seen["discarded"] == f"The twin is down. What it kept in {history.folder} is deleted."
    assert not history.seen["left"]
    assert history.seen["discarded again"] == f"No twin runs in {history.folder}."


def test_a_second_twin_in_the_folder_is_refused(history: History) -> None:
    """One sentence says which twin runs there."""
    pid, url = history.first.pid, history.first.endpoint_url
    assert history.seen["refused serve"] == (
        f"lockgate: A twin already runs in {history.folder} (process {pid}, {url}).\n"
    )


def test_a_damaged_state_is_named(history: History) -> None:
    """`up` refuses with the file's name and what to do."""
    assert "credentials.journal is not a journal" in history.seen["damaged"]
    assert history.seen["damaged"].endswith("or empty with 'lockgate up --fresh'.")


def test_only_what_a_twin_keeps_is_erased(tmp_path: Path) -> None:
    """Other files in the folder stay; a folder that no twin has used is not touched at all."""
    for name in ("s3", "mine"):
        (tmp_path / name).mkdir()
    assert not erase(tmp_path)
    assert (tmp_path / "s3").exists()
    (tmp_path / "tables").mkdir()
    assert erase(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine"]


def test_what_was_restored_is_counted() -> None:
    """The sentence names what people know; a folder without anything gives none."""
    counts = {"cloudformation.stacks": 1, "codecommit.repositories": 2, "sagemaker.model-packages": 1000, "x": 3}
    assert sentence(counts, 0.44) == "Restored 1 stack, 2 repositories, 1,000 model packages in 0.4 s."
    assert sentence({"moto.sns": 1}, 0.1) == "Restored settings in 0.1 s."
    assert sentence({"moto.about": 1, "credentials": 2}, 0.1) == ""

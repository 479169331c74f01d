"""AWS CLI, boto3, the SageMaker SDK and git against a whole twin in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import boto3
import pytest
from botocore.exceptions import ClientError
from lockgate_twin.control import State
from lockgate_twin.demo.twin_process import twin_process

ROOT = Path(__file__).parents[3]
AWS = Path(sys.executable).with_name("aws")
TEMPLATE = """
Resources:
  Parameter: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: v}}
Outputs:
  Name: {Value: !Ref Parameter}
"""


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[State]:
    """Run a twin."""
    with twin_process(ROOT, tmp_path_factory.mktemp("real-clients"), port=0) as state:
        yield state


@pytest.fixture
def environment(twin: State, tmp_path: Path) -> dict[str, str]:
    """Return what makes every AWS client talk to the twin, and nothing of this machine's own configuration."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return {
        **kept,
        "HOME": str(tmp_path),
        "AWS_ACCESS_KEY_ID": twin.access_key_id,
        "AWS_SECRET_ACCESS_KEY": twin.secret_access_key,
        "AWS_ENDPOINT_URL": twin.endpoint_url,
        "AWS_REGION": twin.region,
        "AWS_DEFAULT_REGION": twin.region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_PAGER": "",
    }


def client(twin: State, service: str) -> Any:
    """Return an ordinary boto3 client of the administrator."""
    return session(twin).client(service, endpoint_url=twin.endpoint_url)


def session(twin: State) -> Any:
    """Return an ordinary boto3 session of the administrator."""
    return boto3.Session(
        region_name=twin.region,
        aws_access_key_id=twin.access_key_id,
        aws_secret_access_key=twin.secret_access_key,
    )


def run(argv: list[str], folder: Path, environment: dict[str, str]) -> str:
    """Run a program to its successful end and return its output."""
    done = subprocess.run(argv, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_aws_cli_drives_the_twin(tmp_path: Path, environment: dict[str, str]) -> None:
    """Files large and small to S3 and back, identity, registry, repositories and a stack to its end."""

    def aws(*words: str) -> str:
        return run([str(AWS), *words], tmp_path, environment)

    content = os.urandom(9_000_000)
    (tmp_path / "big").write_bytes(content)
    (tmp_path / "t.yaml").write_text(TEMPLATE)
    assert "user/administrator" in aws("sts", "get-caller-identity")
    aws("s3", "mb", "s3://of-the-cli")
    aws("s3", "cp", "--quiet", "big", "s3://of-the-cli/in/big")
    assert "9000000 big" in aws("s3", "ls", "s3://of-the-cli/in/")
    aws("s3", "cp", "--quiet", "s3://of-the-cli/in/big", "back")
    assert (tmp_path / "back").read_bytes() == content
    aws("codecommit", "create-repository", "--repository-name", "of-the-cli")
    aws("sagemaker", "create-model-package-group", "--model-package-group-name", "of-the-cli")
    groups = json.loads(aws("sagemaker", "list-model-package-groups", "--name-contains", "of-the-cli"))
    assert len(groups["ModelPackageGroupSummaryList"]) == 1
    aws("cloudformation", "deploy", "--stack-name", "of-the-cli", "--template-file", "t.yaml")
    aws("cloudformation", "delete-stack", "--stack-name", "of-the-cli")
    aws("cloudformation", "wait", "stack-delete-complete", "--stack-name", "of-the-cli")


def test_boto3_waits_and_pages(twin: State) -> None:
    """Waiters end and paginators see every page."""
    stacks, name = client(twin, "cloudformation"), f"stack-{uuid.uuid4().hex[:8]}"
    stacks.create_stack(StackName=name, TemplateBody=TEMPLATE)
    stacks.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    registry = client(twin, "sagemaker")
    wanted = {f"paged-{number}" for number in range(5)}
    for group in wanted:
        registry.create_model_package_group(ModelPackageGroupName=group)
    pages = registry.get_paginator("list_model_package_groups").paginate(
        NameContains="paged-", PaginationConfig={"PageSize": 2}
    )
    found = [[g["ModelPackageGroupName"] for g in page["ModelPackageGroupSummaryList"]] for page in pages]
    assert [len(page) for page in found] == [2, 2, 1]
    assert {group for page in found for group in page} == wanted
    stacks.delete_stack(StackName=name)
    stacks.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 1})


def test_the_sagemaker_sdk_manages_resources(twin: State) -> None:
    """The SDK's resource classes create, list, refresh and delete through the twin."""
    from sagemaker.core.resources import ModelPackageGroup
    from sagemaker.core.utils.utils import SageMakerClient

    sagemaker_session, name = session(twin), f"sdk-{uuid.uuid4().hex[:8]}"
    SageMakerClient._instance = None
    os.environ["AWS_ENDPOINT_URL"] = twin.endpoint_url
    try:
        group = ModelPackageGroup.create(model_package_group_name=name, session=sagemaker_session, region=twin.region)
        assert group.model_package_group_arn.endswith(f"model-package-group/{name}")
        assert name in {g.model_package_group_name for g in ModelPackageGroup.get_all(name_contains=name)}
        group.delete()
        with pytest.raises(ClientError, match="does not exist"):
            ModelPackageGroup.get(model_package_group_name=name)
    finally:
        del os.environ["AWS_ENDPOINT_URL"]
        SageMakerClient._instance = None


def test_git_pushes_and_clones(twin: State, tmp_path: Path, environment: dict[str, str]) -> None:
    """A repository's clone URL takes a push and gives it back; a wrong secret is refused."""
    name = f"git-{uuid.uuid4().hex[:8]}"
    client(twin, "codecommit").create_repository(repositoryName=name)
    host = twin.endpoint_url.removeprefix("http://")
    url = f"http://{twin.access_key_id}:{quote(twin.secret_access_key, safe='')}@{host}/v1/repos/{name}"
    quiet = {**environment, "GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_NOSYSTEM": "1"}
    work, author = tmp_path / "work", ["-c", "user.name=n", "-c", "user.email=e@example.com"]
    run(["git", "init", "-q", "-b", "main", str(work)], tmp_path, quiet)
    (work / "a.txt").write_text("a")
    run(["git", "add", "."], work, quiet)
    run(["git", *author, "commit", "-q", "-m", "first"], work, quiet)
    run(["git", "push", "-q", url, "main"], work, quiet)
    run(["git", "clone", "-q", url, "again"], tmp_path, quiet)
    assert (tmp_path / "again" / "a.txt").read_text() == "a"
    forged = url.replace(quote(twin.secret_access_key, safe=""), "wrong")
    refused = subprocess.run(["git", "ls-remote", forged], env=quiet, capture_output=True, text=True, check=False)
    assert refused.returncode != 0
    assert "its secret is wrong" in refused.stderr


def test_a_group_s_own_policy_counts(twin: State) -> None:
    """SageMaker API Reference, PutModelPackageGroupPolicy: it is the group's resource policy."""
    registry, name = client(twin, "sagemaker"), f"shared-{uuid.uuid4().hex[:8]}"
    arn = registry.create_model_package_group(ModelPackageGroupName=name)["ModelPackageGroupArn"]
    closed = {"Effect": "Deny", "Principal": "*", "Action": "sagemaker:DescribeModelPackageGroup", "Resource": arn}
    person = person_of(twin, "data-scientist").client("sagemaker", endpoint_url=twin.endpoint_url)
    assert person.describe_model_package_group(ModelPackageGroupName=arn)["ModelPackageGroupArn"] == arn
    policy = json.dumps({"Version": "2012-10-17", "Statement": [closed]})
    registry.put_model_package_group_policy(ModelPackageGroupName=name, ResourcePolicy=policy)
    with pytest.raises(ClientError, match="explicit deny in a resource-based policy"):
        person.describe_model_package_group(ModelPackageGroupName=arn)


def person_of(twin: State, person: str) -> Any:
    """Return a boto3 session of a person's role."""
    issued = client(twin, "sts").assume_role(RoleArn=twin.people[person], RoleSessionName="test")["Credentials"]
    return boto3.Session(
        region_name=twin.region,
        aws_access_key_id=issued["AccessKeyId"],
        aws_secret_access_key=issued["SecretAccessKey"],
        aws_session_token=issued["SessionToken"],
    )

"""The model registry and SageMaker's other resources after a restart: all that a call had acknowledged, no more."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lockgate_twin.durability.memory import MemoryTable
from lockgate_twin.errors import ApiError

from tests.twin.durability.sagemaker_restarts import Restarting

GROUP = "demo-p-test"
DOMAIN = "arn:aws:sagemaker:us-east-1:111122223333"


@pytest.fixture
def twin(tmp_path: Path) -> Iterator[Restarting]:
    """The services in a folder of their own, with one group."""
    made = Restarting(tmp_path / "state")
    made("CreateModelPackageGroup", ModelPackageGroupName=GROUP)
    yield made
    made.close()


def register(twin: Restarting, group: str = GROUP) -> str:
    """Register the next version of a group and return its ARN."""
    url = twin.world.put("models/model.tar.gz", b"archive")
    specification = {
        "Containers": [{"Image": "xgboost:3.2-0", "ModelDataUrl": url}],
        "SupportedContentTypes": ["text/csv"],
        "SupportedResponseMIMETypes": ["text/csv"],
    }
    metadata = {"ModelDigest": "d"}
    answer = twin(
        "CreateModelPackage",
        ModelPackageGroupName=group,
        InferenceSpecification=specification,
        CustomerMetadataProperties=metadata,
    )
    return str(answer["ModelPackageArn"])


def test_a_package_is_as_it_was_changed_last(twin: Restarting) -> None:
    """Every field of a version is there, its approval included."""
    arn = register(twin)
    twin("UpdateModelPackage", ModelPackageArn=arn, ModelApprovalStatus="Approved", ApprovalDescription="good")
    before = twin("DescribeModelPackage", ModelPackageName=arn)
    twin.kill()
    assert twin("DescribeModelPackage", ModelPackageName=arn) == before
    assert before["ModelApprovalStatus"] == "Approved"


def test_a_version_number_is_never_given_out_again(twin: Restarting) -> None:
    """The number of a deleted version stays used after a restart."""
    register(twin)
    twin("DeleteModelPackage", ModelPackageName=register(twin))
    twin.kill()
    assert register(twin).endswith(f"{GROUP}/3")


def test_a_deleted_package_stays_deleted(twin: Restarting) -> None:
    """A restart brings no version back."""
    arn = register(twin)
    twin("DeleteModelPackage", ModelPackageName=arn)
    twin.kill()
    with pytest.raises(ApiError, match="does not exist"):
        twin("DescribeModelPackage", ModelPackageName=arn)


def test_registering_a_version_writes_that_version_alone(twin: Restarting, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many versions a group has, the next one costs one small record."""
    for _ in range(20):
        register(twin)
    written, put = [], MemoryTable.put

    def counted(table: MemoryTable, key: str, record: Any) -> None:
        written.append(key)
        put(table, key, record)

    monkeypatch.setattr(MemoryTable, "put", counted)
    arn = register(twin)
    assert written == [arn]


def test_a_groups_policy_and_tags_are_kept(twin: Restarting) -> None:
    """What decides about access to a group is there from the next twin's first call."""
    policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    twin("PutModelPackageGroupPolicy", ModelPackageGroupName=GROUP, ResourcePolicy=policy)
    arn = f"{DOMAIN}:model-package-group/{GROUP}"
    twin("AddTags", ResourceArn=arn, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    twin("DeleteTags", ResourceArn=arn, TagKeys=["a"])
    twin.kill()
    assert twin("GetModelPackageGroupPolicy", ModelPackageGroupName=GROUP)["ResourcePolicy"] == policy
    assert twin("ListTags", ResourceArn=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
    assert twin.sagemaker.groups.resource_policy(arn)[0] == json.loads(policy)


def test_a_policy_that_was_deleted_stays_deleted(twin: Restarting) -> None:
    """A restart gives nobody access back."""
    policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    twin("PutModelPackageGroupPolicy", ModelPackageGroupName=GROUP, ResourcePolicy=policy)
    twin("DeleteModelPackageGroupPolicy", ModelPackageGroupName=GROUP)
    twin.kill()
    with pytest.raises(ApiError, match="has no resource policy"):
        twin("GetModelPackageGroupPolicy", ModelPackageGroupName=GROUP)


def test_a_changed_code_repository_stays_changed(twin: Restarting) -> None:
    """A reference in Studio to a repository is kept with its last secret."""
    git = {"RepositoryUrl": "https://git-codecommit.us-east-1.amazonaws.com/v1/repos/shop"}
    secret = {"SecretArn": "arn:aws:secretsmanager:us-east-1:111122223333:secret:s-abcdef"}
    twin("CreateCodeRepository", CodeRepositoryName="shop", GitConfig=git)
    twin("UpdateCodeRepository", CodeRepositoryName="shop", GitConfig=secret)
    before = twin("DescribeCodeRepository", CodeRepositoryName="shop")
    twin.kill()
    assert twin("DescribeCodeRepository", CodeRepositoryName="shop") == before
    assert before["GitConfig"] == {**git, **secret}


# -- any sequence of calls

NAMES = st.sampled_from(["a", "b"])
NUMBERS = st.integers(1, 4)
TAGS = st.lists(st.sampled_from(["x", "y"]), min_size=1, unique=True)
Act = Callable[[Restarting], object]


def _group(name: str) -> str:
    return f"{DOMAIN}:model-package-group/{name}"


def _package(name: str, number: int) -> str:
    return f"{DOMAIN}:model-package/{name}/{number}"


def _call(operation: str, **parameters: Any) -> Act:
    return lambda twin: twin(operation, **parameters)


ACTS: st.SearchStrategy[Act] = st.one_of(
    NAMES.map(lambda n: _call("CreateModelPackageGroup", ModelPackageGroupName=n)),
    NAMES.map(lambda n: _call("DeleteModelPackageGroup", ModelPackageGroupName=n)),
    NAMES.map(lambda n: lambda twin: register(twin, n)),
    NAMES.map(lambda n: lambda twin: register(twin, n)),
    st.builds(lambda n, v: _call("DeleteModelPackage", ModelPackageName=_package(n, v)), NAMES, NUMBERS),
    st.builds(
        lambda n, v, s: _call("UpdateModelPackage", ModelPackageArn=_package(n, v), ModelApprovalStatus=s),
        NAMES,
        NUMBERS,
        st.sampled_from(["Approved", "Rejected"]),
    ),
    st.builds(
        lambda n, keys: _call("AddTags", ResourceArn=_group(n), Tags=[{"Key": k, "Value": "v"} for k in keys]),
        NAMES,
        TAGS,
    ),
    st.builds(lambda n, keys: _call("DeleteTags", ResourceArn=_group(n), TagKeys=keys), NAMES, TAGS),
    NAMES.map(lambda n: lambda twin: twin.endpoint_config(n)),
    NAMES.map(lambda n: _call("DeleteModel", ModelName=n)),
    NAMES.map(lambda n: _call("DeleteEndpointConfig", EndpointConfigName=n)),
)


def answers(twin: Restarting) -> list[Mapping[str, Any] | str]:
    """Return what the Describe and List operations tell, refusals included."""
    asked: list[tuple[str, dict[str, Any]]] = [
        ("ListModelPackageGroups", {}),
        ("ListModels", {}),
        ("ListEndpointConfigs", {}),
    ]
    for name in ("a", "b"):
        asked += [("ListModelPackages", {"ModelPackageGroupName": name}), ("ListTags", {"ResourceArn": _group(name)})]
        asked += [("DescribeModel", {"ModelName": name}), ("DescribeEndpointConfig", {"EndpointConfigName": name})]
        asked += [("DescribeModelPackage", {"ModelPackageName": _package(name, number)}) for number in range(1, 5)]
    found: list[Mapping[str, Any] | str] = []
    for operation, parameters in asked:
        try:
            found.append(twin(operation, **parameters))
        except ApiError as refused:
            found.append(str(refused))
    return found


def attempt(twin: Restarting, acts: list[Act]) -> None:
    """Do what can be done."""
    for act in acts:
        try:
            act(twin)
        except ApiError:
            continue


@given(before=st.lists(ACTS, max_size=12), after=st.lists(ACTS, max_size=6))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_restart_at_any_point_changes_no_answer(tmp_path: Path, before: list[Act], after: list[Act]) -> None:
    """Whatever was called, the next twin answers as the one before; and so does the one after further calls."""
    twin = Restarting(tmp_path / "state")
    for acts in (before, after):
        attempt(twin, acts)
        told = answers(twin)
        twin.kill()
        assert answers(twin) == told
    twin.close()

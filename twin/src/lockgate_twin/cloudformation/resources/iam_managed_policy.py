"""AWS::IAM::ManagedPolicy. Ref is the ARN; an update adds a version, makes it the default and drops the oldest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lockgate_twin.cloudformation.naming import NameRule
from lockgate_twin.cloudformation.resources.adapter import Adapter, Made, Request, document, ignoring, names

_MAXIMUM_VERSIONS = 5
_HOLDERS = {"Roles": "role", "Users": "user", "Groups": "group"}
_KINDS = {"PolicyRoles": "role", "PolicyUsers": "user", "PolicyGroups": "group"}


def _holders(properties: Mapping[str, Any]) -> set[tuple[str, str]]:
    return {(kind, name) for holder, kind in _HOLDERS.items() for name in properties.get(holder, [])}


def _each(request: Request, verb: str, arn: str, holders: set[tuple[str, str]]) -> None:
    for kind, name in sorted(holders):
        act = getattr(request.client("iam"), f"{verb}_{kind}_policy")
        act(**{f"{kind.title()}Name": name}, PolicyArn=arn)


def _create(request: Request) -> Made:
    policy = request.client("iam").create_policy(
        PolicyName=request.name,
        PolicyDocument=document(request.properties["PolicyDocument"]),
        **request.pick("Path", "Description"),
    )["Policy"]
    arn = policy["Arn"]
    request.identify(arn)
    _each(request, "attach", arn, _holders(request.properties))
    return Made(arn, {"PolicyArn": arn, "PolicyId": policy["PolicyId"], "DefaultVersionId": policy["DefaultVersionId"]})


def _update(request: Request) -> Made:
    arn = request.physical_id
    attributes = {}
    if request.changed("PolicyDocument"):
        attributes["DefaultVersionId"] = _new_version(request, arn)
    before, after = _holders(request.previous), _holders(request.properties)
    _each(request, "attach", arn, after - before)
    with ignoring("NoSuchEntity"):
        _each(request, "detach", arn, before - after)
    return Made(arn, attributes)


def _new_version(request: Request, arn: str) -> str:
    iam = request.client("iam")
    versions = iam.list_policy_versions(PolicyArn=arn)["Versions"]
    if len(versions) >= _MAXIMUM_VERSIONS:
        oldest = min((v for v in versions if not v["IsDefaultVersion"]), key=lambda v: int(v["VersionId"][1:]))
        iam.delete_policy_version(PolicyArn=arn, VersionId=oldest["VersionId"])
    policy = document(request.properties["PolicyDocument"])
    created = iam.create_policy_version(PolicyArn=arn, PolicyDocument=policy, SetAsDefault=True)
    return str(created["PolicyVersion"]["VersionId"])


def _delete(request: Request) -> None:
    iam, arn = request.client("iam"), request.physical_id
    entities = iam.list_entities_for_policy(PolicyArn=arn)
    for listed, kind in _KINDS.items():
        _each(request, "detach", arn, {(kind, entity[f"{kind.title()}Name"]) for entity in entities[listed]})
    for version in iam.list_policy_versions(PolicyArn=arn)["Versions"]:
        if not version["IsDefaultVersion"]:
            iam.delete_policy_version(PolicyArn=arn, VersionId=version["VersionId"])
    iam.delete_policy(PolicyArn=arn)


ADAPTER = Adapter(
    type="AWS::IAM::ManagedPolicy",
    properties=names("Description Groups ManagedPolicyName Path PolicyDocument Roles Users"),
    create=_create,
    update=_update,
    delete=_delete,
    name=NameRule("ManagedPolicyName", 128),
    gone=names("NoSuchEntity"),
)

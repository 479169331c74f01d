"""AWS::IAM::Policy: one inline policy put on roles, users and groups. Ref and Id are a generated id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lockgate_twin.cloudformation.naming import NameRule
from lockgate_twin.cloudformation.resources.adapter import Adapter, Made, Request, document, ignoring, names

_HOLDERS = {"Roles": "role", "Users": "user", "Groups": "group"}


def _holders(properties: Mapping[str, Any]) -> set[tuple[str, str]]:
    return {(kind, name) for holder, kind in _HOLDERS.items() for name in properties.get(holder, [])}


def _put(request: Request) -> None:
    iam, policy = request.client("iam"), document(request.properties["PolicyDocument"])
    for kind, name in sorted(_holders(request.properties)):
        put = getattr(iam, f"put_{kind}_policy")
        put(**{f"{kind.title()}Name": name}, PolicyName=request.properties["PolicyName"], PolicyDocument=policy)


def _remove(request: Request, holders: set[tuple[str, str]], policy: str) -> None:
    for kind, name in sorted(holders):
        delete = getattr(request.client("iam"), f"delete_{kind}_policy")
        with ignoring("NoSuchEntity"):
            delete(**{f"{kind.title()}Name": name}, PolicyName=policy)


def _create(request: Request) -> Made:
    request.identify(request.name)
    _put(request)
    return Made(request.name, {"Id": request.name})


def _update(request: Request) -> Made:
    _put(request)
    before = _holders(request.previous)
    kept = set() if request.changed("PolicyName") else _holders(request.properties)
    _remove(request, before - kept, request.previous["PolicyName"])
    return Made(request.physical_id)


def _delete(request: Request) -> None:
    _remove(request, _holders(request.properties), request.properties["PolicyName"])


ADAPTER = Adapter(
    type="AWS::IAM::Policy",
    properties=names("Groups PolicyDocument PolicyName Roles Users"),
    create=_create,
    update=_update,
    delete=_delete,
    name=NameRule(None, 30),
)

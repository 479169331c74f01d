"""STS: AssumeRole evaluates the trust policy, which moto does not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from lockgate_twin.authorization.authorizer import Authorizer
from lockgate_twin.authorization.condition_keys import global_keys
from lockgate_twin.authorization.context import RequestContext
from lockgate_twin.credentials import Credentials, CredentialTable
from lockgate_twin.errors import ApiError, NotImplementedByTwin
from lockgate_twin.moto_host import MotoHost
from lockgate_twin.ports import Call, Handler

# What would narrow or mark the session, and is not kept: refused rather than left out.
_REFUSED = (
    "PolicyArns",
    "Tags",
    "TransitiveTagKeys",
    "SerialNumber",
    "TokenCode",
    "SourceIdentity",
    "ProvidedContexts",
)
_CHAINED_SECONDS = 3600


class Sts:
    """The operations people and programs use to act as a role."""

    name = "sts"

    def __init__(self, moto: MotoHost, authorizer: Authorizer, credentials: CredentialTable) -> None:
        self._moto = moto
        self._authorizer = authorizer
        self._credentials = credentials

    def operations(self) -> Mapping[str, Handler]:
        """Return the handlers by operation name."""
        return {"GetCallerIdentity": self.get_caller_identity, "AssumeRole": self.assume_role}

    def get_caller_identity(self, _: dict[str, Any], call: Call) -> dict[str, Any]:
        """Tell the caller who it is."""
        user_id = f"AROA{call.principal.access_key_id[4:]}:{call.principal.arn.rpartition('/')[2]}"
        return {"UserId": user_id, "Account": call.account, "Arn": call.principal.arn}

    def assume_role(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Issue temporary credentials if the role's trust policy lets the caller assume it.

        Raises:
            ApiError: AccessDenied, also for a role that does not exist (as AWS, which does not tell);
                MalformedPolicyDocument for a session policy; ValidationError for a session that is too long.
            NotImplementedByTwin: a member that would change the session and is not kept.
        """
        if refused := [name for name in _REFUSED if parameters.get(name)]:
            raise NotImplementedByTwin(f"AssumeRole with {', '.join(refused)}")
        _check_session_policy(parameters.get("Policy"))
        arn = parameters["RoleArn"]
        if arn.count(":") < 5:
            raise ApiError("ValidationError", f"{arn} is invalid")
        role = self._moto.role(arn.split(":")[4], arn)
        keys = {
            **global_keys(call.principal, None, call.region),
            "sts:RoleSessionName": parameters["RoleSessionName"],
        }
        if external_id := parameters.get("ExternalId"):
            keys["sts:ExternalId"] = external_id
        context = RequestContext(call.principal.arn, "sts:AssumeRole", arn, keys)
        if role is None or not self._authorizer.trusts(role, context):
            message = f"User: {call.principal.arn} is not authorized to perform: sts:AssumeRole on resource: {arn}"
            raise ApiError("AccessDenied", message, 403)
        seconds = parameters.get("DurationSeconds", 3600)
        _check_duration(seconds, _CHAINED_SECONDS if call.principal.role_arn else role.longest_session)
        issued = self._credentials.issue(
            arn,
            parameters["RoleSessionName"],
            seconds=seconds,
            policy=parameters.get("Policy"),
        )
        return {"Credentials": _shape(issued), "AssumedRoleUser": _user(issued)}


def _check_session_policy(policy: str | None) -> None:
    try:
        statements = json.loads(policy)["Statement"] if policy else []
    except (ValueError, KeyError, TypeError) as error:
        raise ApiError("MalformedPolicyDocument", f"The session policy is not a policy document: {error}") from error
    if not isinstance(statements, list | dict):
        raise ApiError("MalformedPolicyDocument", "The session policy's Statement is neither an object nor a list.")


def _check_duration(seconds: int, longest: int) -> None:
    if seconds > longest:
        message = (
            f"The requested DurationSeconds exceeds the {longest} seconds that this session may last "
            "(the role's MaxSessionDuration, or one hour for roles assumed by role chaining)."
        )
        raise ApiError("ValidationError", message)


def _shape(issued: Credentials) -> dict[str, Any]:
    return {
        "AccessKeyId": issued.access_key_id,
        "SecretAccessKey": issued.secret_access_key,
        "SessionToken": issued.session_token,
        "Expiration": issued.expires_at,
    }


def _user(issued: Credentials) -> dict[str, str]:
    arn = issued.principal.arn
    return {"AssumedRoleId": f"AROA{issued.access_key_id[4:]}:{arn.rpartition('/')[2]}", "Arn": arn}

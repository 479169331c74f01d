"""Who acts in a twin with several accounts, and the documents they write."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lockgate_twin.twin import Twin

from tests.support.twin_server import client_of

HUB, STAGING, PRODUCTION = "111122223333", "222222222222", "333333333333"
REGION = "us-east-1"
ANYTHING: Mapping[str, Any] = {"Effect": "Allow", "Action": "*", "Resource": "*"}


SPECIFICATION: Mapping[str, Any] = {
    "Containers": [{"Image": f"683313688378.dkr.ecr.{REGION}.amazonaws.com/sagemaker-xgboost:3.2-0"}],
    "SupportedContentTypes": ["text/csv"],
    "SupportedResponseMIMETypes": ["text/csv"],
}


def document(*statements: Mapping[str, Any]) -> str:
    """Return a policy document as text."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@dataclass(frozen=True)
class Accounts:
    """The twin, and who acts in it."""

    twin: Twin

    def administrator(self, account: str, service: str) -> Any:
        """Return a client of an account's administrator."""
        return client_of(self.twin.core, service, self.twin.core.administrators[account])

    def role(self, account: str, *statements: Mapping[str, Any], trust: Mapping[str, Any] | None = None) -> str:
        """Make a role, by default one that its own account may assume, and return its ARN."""
        name = f"role-{uuid.uuid4().hex[:10]}"
        iam = self.administrator(account, "iam")
        trusted = trust or {"Principal": {"AWS": f"arn:aws:iam::{account}:root"}}
        policy = document({"Effect": "Allow", "Action": "sts:AssumeRole", **trusted})
        arn = str(iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy)["Role"]["Arn"])
        if statements:
            iam.put_role_policy(RoleName=name, PolicyName="policy", PolicyDocument=document(*statements))
        return arn

    def session(self, role: str, service: str) -> Any:
        """Return a client of a session of a role."""
        return client_of(self.twin.core, service, self.twin.core.credentials.issue(role, "me"))

    def of_key(self, access_key_id: str, service: str) -> Any:
        """Return a client of whoever has this access key."""
        return client_of(self.twin.core, service, self.twin.core.credentials.find(access_key_id))

"""The roles that an account's administrator makes for people, from policy documents in files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lockgate_twin.errors import StartError


def role_name(policy_file: Path) -> str:
    """Return the role's name for a policy file: data-scientist.json -> SageMakerDataScientist."""
    return "SageMaker" + "".join(word.capitalize() for word in policy_file.stem.split("-"))


def create_roles(directory: Path, *, iam: Any, account: str, region: str) -> dict[str, str]:
    """Create one role per policy document, assumable by the account's own users.

    Returns:
        ARN by the person's name (the file's stem).

    Raises:
        StartError: a file is no policy document.
    """
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    arns = {}
    for file in sorted(directory.glob("*.json")):
        name, policy = role_name(file), _policy(file, account, region)
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]
        iam.put_role_policy(RoleName=name, PolicyName=file.stem, PolicyDocument=policy)
        arns[file.stem] = role["Arn"]
    return arns


def _policy(file: Path, account: str, region: str) -> str:
    text = file.read_text(encoding="utf-8")
    text = text.replace("${AWS::AccountId}", account).replace("${AWS::Region}", region)
    try:
        json.loads(text)["Statement"]
    except (ValueError, KeyError, TypeError) as error:
        raise StartError(f"{file} is not an IAM policy document: {error}. Correct it and start again.") from error
    return text

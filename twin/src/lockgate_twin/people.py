"""The roles that an account's administrator makes for people, from policy documents in files."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

from lockgate_twin.errors import StartError
from lockgate_twin.ports import Table


def role_name(policy_file: Path) -> str:
    """Return the role's name for a policy file: data-scientist.json -> SageMakerDataScientist."""
    return "SageMaker" + "".join(word.capitalize() for word in person(policy_file).split("-"))


def person(policy_file: Path) -> str:
    """Return whose policy a file holds; a person with several has them in NAME.json, NAME.more.json."""
    return policy_file.name.partition(".")[0]


def create_roles(directory: Path, kept: Table, *, iam: Any, account: str, region: str) -> dict[str, str]:
    """Create one role per person with that person's policy documents, assumable by the account's own users.

    `kept` tells what an earlier twin put into them: what is still in the files is left as it is now in IAM.

    Returns:
        ARN by the person's name.

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
    before = dict(kept.items())
    for file in sorted(directory.glob("*.json")):
        name, policy, key = role_name(file), _policy(file, account, region), f"{account}/{file.stem}"
        if before.get(key) == (account, person(file), policy):
            continue
        with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
        iam.put_role_policy(RoleName=name, PolicyName=file.stem, PolicyDocument=policy)
        kept.put(key, (account, person(file), policy))
    return known(kept, account)


def known(kept: Table, account: str) -> dict[str, str]:
    """Return the ARNs of the roles of an account's people, by the person's name."""
    people = dict.fromkeys(who for of, who, _ in dict(kept.items()).values() if of == account)
    return {who: f"arn:aws:iam::{account}:role/{role_name(Path(who))}" for who in people}


def _policy(file: Path, account: str, region: str) -> str:
    text = file.read_text(encoding="utf-8")
    text = text.replace("${AWS::AccountId}", account).replace("${AWS::Region}", region)
    try:
        json.loads(text)["Statement"]
    except (ValueError, KeyError, TypeError) as error:
        raise StartError(f"{file} is not an IAM policy document: {error}. Correct it and start again.") from error
    return text

"""Model versions by their ARN."""

from __future__ import annotations

import re
from dataclasses import dataclass

_VERSION = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):sagemaker:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):"
    r"model-package/(?P<group>[a-zA-Z0-9](?:-*[a-zA-Z0-9]){0,62})/(?P<number>[1-9]\d{0,8})"
)
PENDING = "PendingManualApproval"


class NotAVersionError(Exception):
    """The text is not the ARN of a model version of this account and region."""


@dataclass(frozen=True)
class Version:
    """A model version's ARN in its parts."""

    arn: str
    partition: str
    region: str
    account: str
    group: str
    number: int

    @property
    def group_arn(self) -> str:
        """Return its group's ARN."""
        return f"arn:{self.partition}:sagemaker:{self.region}:{self.account}:model-package-group/{self.group}"

    @property
    def folder(self) -> str:
        """Return where the decision store keeps what is decided about it."""
        return f"{self.group}/{self.number}"


def parse(arn: str) -> Version:
    """Read an ARN.

    Raises:
        NotAVersionError: it is no model version's.
    """
    match = _VERSION.fullmatch(arn)
    if match is None:
        raise NotAVersionError(f"{arn!r} is not the ARN of a model version")
    parts = match.groupdict()
    return Version(arn, parts["partition"], parts["region"], parts["account"], parts["group"], int(parts["number"]))


def own(arn: str, function_arn: str) -> Version:
    """Read an ARN that must be of the account, region and partition of the function that reads it.

    Raises:
        NotAVersionError: it is not.
    """
    version = parse(arn)
    _, partition, _, region, account, *_ = function_arn.split(":")
    if (version.partition, version.region, version.account) != (partition, region, account):
        raise NotAVersionError(f"{arn} is of another account, region or partition than {account} {region}")
    return version

"""The AWS clients of one session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import boto3


@dataclass(frozen=True, kw_only=True)
class Clients:
    """What a publish calls, all with the same credentials and in the same region."""

    region: str
    partition: str
    sts: Any
    cloudformation: Any
    s3: Any
    servicecatalog: Any


def open_clients(session: boto3.Session) -> Clients:
    """Create the clients.

    Raises:
        botocore.exceptions.NoRegionError: the session has no region.
    """
    sts = session.client("sts")
    region = sts.meta.region_name
    return Clients(
        region=region,
        partition=sts.meta.partition,
        sts=sts,
        cloudformation=session.client("cloudformation"),
        s3=session.client("s3"),
        servicecatalog=session.client("servicecatalog"),
    )

"""A model card and its versions, and the event that tells of its state."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from lockgate_twin.ports import Event, Principal, utc_now
from lockgate_twin.services.sagemaker.model_card_schema import metadata_only
from lockgate_twin.services.sagemaker.names import Named, user_context


@dataclass(frozen=True, kw_only=True)
class CardVersion:
    """One version of a card's content with its status."""

    number: int
    content: str
    status: str
    created: datetime = field(default_factory=utc_now)
    modified: datetime = field(default_factory=utc_now)

    def with_status(self, status: str) -> CardVersion:
        """Return this version in another status."""
        return replace(self, status=status, modified=utc_now())

    def followed_by(self, content: str) -> CardVersion:
        """Return the next version: new content, the same status."""
        return CardVersion(number=self.number + 1, content=content, status=self.status)


@dataclass(frozen=True, kw_only=True)
class Card:
    """A card; `latest` is the number of its newest version."""

    key: Named
    security: Mapping[str, Any]
    created_by: Principal
    modified_by: Principal
    created: datetime = field(default_factory=utc_now)
    latest: int = 1

    @property
    def name(self) -> str:
        """Return the card's name."""
        return self.key.name

    @property
    def arn(self) -> str:
        """Return the card's ARN."""
        return self.key.place.arn("model-card", self.name)

    def version_key(self, number: int) -> Named:
        """Return the key under which a version is kept."""
        return Named(self.key.place, f"{self.name}/{number}")

    def described(self, version: CardVersion, *, whole: bool) -> dict[str, Any]:
        """Return DescribeModelCard's members."""
        return {
            **self.summary(version),
            "ModelCardVersion": version.number,
            "Content": version.content if whole else metadata_only(version.content),
            "CreatedBy": user_context(self.created_by),
            "LastModifiedBy": user_context(self.modified_by),
            **({"SecurityConfig": dict(self.security)} if self.security else {}),
        }

    def summary(self, version: CardVersion) -> dict[str, Any]:
        """Return the members of ModelCardSummary."""
        return {
            "ModelCardName": self.name,
            "ModelCardArn": self.arn,
            "ModelCardStatus": version.status,
            "CreationTime": self.created,
            "LastModifiedTime": version.modified,
        }

    def version_summary(self, version: CardVersion) -> dict[str, Any]:
        """Return the members of ModelCardVersionSummary."""
        return {**self.summary(version), "ModelCardVersion": version.number, "CreationTime": version.created}

    def event(self, version: CardVersion) -> Event:
        """Return the event "SageMaker Model Card State Change" (Developer Guide, "Model card state change")."""
        where = self.key.place
        overview = json.loads(version.content).get("model_overview", {})
        detail = {
            "ModelCardVersion": version.number,
            "LastModifiedTime": _iso(version.modified),
            "LastModifiedBy": user_context(self.modified_by),
            "CreationTime": _iso(self.created),
            "CreatedBy": user_context(self.created_by),
            "ModelCardName": self.name,
            **({"ModelId": overview["model_id"]} if "model_id" in overview else {}),
            "ModelCardStatus": version.status,
            "AccountId": where.account,
            "SecurityConfig": dict(self.security),
        }
        return Event(
            source="aws.sagemaker",
            detail_type="SageMaker Model Card State Change",
            detail=detail,
            account=where.account,
            region=where.region,
            resources=[self.arn],
        )


def _iso(value: datetime) -> str:
    return f"{value:%Y-%m-%dT%H:%M:%S}.{value.microsecond // 1000:03d}Z"

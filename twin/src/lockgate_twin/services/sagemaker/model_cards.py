"""Standalone model cards: Create, Update, Describe, List, List versions, Delete. Export jobs are refused.

Source: API reference of these operations; Developer Guide, "Amazon SageMaker Model Cards".

Assumptions: new content makes a new version in the status of the one before, a new status changes the newest version;
an archived card's content cannot change until its status does (ConflictException); a card with a key of the customer
needs kms:GenerateDataKey on it to be written and kms:Decrypt to be read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lockgate_twin.errors import ApiError
from lockgate_twin.ports import Call, Context, Handler
from lockgate_twin.services.sagemaker.errors import conflict, not_found, validation
from lockgate_twin.services.sagemaker.listing import Facts, Lister
from lockgate_twin.services.sagemaker.model_card_record import Card, CardVersion
from lockgate_twin.services.sagemaker.model_card_schema import STANDALONE, checked
from lockgate_twin.services.sagemaker.names import Named, named, place
from lockgate_twin.services.sagemaker.registry import Registry
from lockgate_twin.services.sagemaker.tags import TagRegistry

ARCHIVED = "Model Card is in Archived state"
Shown = tuple[Card, CardVersion]
CARDS: Lister[Shown] = Lister(
    "ModelCardSummaries",
    facts=lambda shown: Facts(name=shown[0].name, created=shown[0].created),
    summary=lambda shown: shown[0].summary(shown[1]),
)
VERSIONS: Lister[Shown] = Lister(
    "ModelCardVersionSummaryList",
    facts=lambda shown: Facts(name=f"{shown[1].number:09d}", created=shown[1].created),
    summary=lambda shown: shown[0].version_summary(shown[1]),
    sort_by="Version",
)


class ModelCards:
    """The operations on model cards."""

    name = "sagemaker"

    def __init__(self, context: Context, tags: TagRegistry) -> None:
        self._context = context
        self._tags = tags
        self.cards: Registry[Card] = Registry(context.table("sagemaker.model-cards"))
        self._versions: Registry[CardVersion] = Registry(context.table("sagemaker.model-card-versions"))

    def operations(self) -> Mapping[str, Handler]:
        """Return the handlers by operation name."""
        return {
            "CreateModelCard": self.create,
            "UpdateModelCard": self.update,
            "DescribeModelCard": self.describe,
            "ListModelCards": self.list_all,
            "ListModelCardVersions": self.list_versions,
            "DeleteModelCard": self.delete,
        }

    def create(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Create a card with its first version.

        Raises:
            ApiError: ConflictException for a name that is used, ValidationException for content outside the schema.
        """
        checked(parameters["Content"], STANDALONE)
        card = Card(
            key=Named(place(call), parameters["ModelCardName"]),
            security=parameters.get("SecurityConfig") or {},
            created_by=call.principal,
            modified_by=call.principal,
        )
        taken = conflict(f"Modelcard with name {card.name} already exists.")
        if self.cards.get(card.key):
            raise taken
        self._require(call, card, "kms:GenerateDataKey")
        version = CardVersion(number=1, content=parameters["Content"], status=parameters["ModelCardStatus"])
        self._tags.register_for(self._context.session(call), card.arn, parameters.get("Tags", []))
        with self.cards.lock:
            if self.cards.get(card.key):
                raise taken
            self._versions.put(card.version_key(1), version)
            self.cards.add(card.key, card, taken)
        self._context.emit(card.event(version))
        return {"ModelCardArn": card.arn}

    def update(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Give a card new content (a new version) or a new status, never both ("in a single call").

        Raises:
            ApiError: ResourceNotFound, ConflictException for content of an archived card, ValidationException.
        """
        content, status = parameters.get("Content"), parameters.get("ModelCardStatus")
        if (content is None) == (status is None):
            raise validation("Exactly one of Content and ModelCardStatus can be updated in a single call.")
        if content is not None:
            checked(content, STANDALONE)
            self._require(call, self._find(call, parameters["ModelCardName"]), "kms:GenerateDataKey")
        with self.cards.lock:
            card = self._find(call, parameters["ModelCardName"])
            version = _changed(self._version(card, card.latest), content, status)
            card = replace(card, latest=version.number, modified_by=call.principal)
            self._versions.put(card.version_key(version.number), version)
            self.cards.put(card.key, card)
        self._context.emit(card.event(version))
        return {"ModelCardArn": card.arn}

    def describe(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Describe a card's version, the newest when none is given; MetadataOnly needs no right to its key."""
        card = self._find(call, parameters["ModelCardName"])
        version = self._version(card, parameters.get("ModelCardVersion", card.latest))
        whole = parameters.get("IncludedData", "AllData") == "AllData"
        if whole:
            self._require(call, card, "kms:Decrypt")
        return card.described(version, whole=whole)

    def list_all(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """List cards, newest first unless asked otherwise."""
        shown = [(card, self._version(card, card.latest)) for card in self.cards.here(place(call))]
        return CARDS.page(_in_status(shown, parameters), parameters)

    def list_versions(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """List a card's versions, newest first unless asked otherwise."""
        card = self._find(call, parameters["ModelCardName"])
        shown = [(card, self._version(card, number)) for number in range(1, card.latest + 1)]
        return VERSIONS.page(_in_status(shown, parameters), parameters)

    def delete(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Delete a card with all its versions."""
        with self.cards.lock:
            card = self._find(call, parameters["ModelCardName"])
            self.cards.remove(card.key, _missing(card.name))
            for number in range(1, card.latest + 1):
                self._versions.remove(card.version_key(number), _missing(card.name))
        self._tags.forget(card.arn)
        return {}

    def _find(self, call: Call, name_or_arn: str) -> Card:
        key = named(call, name_or_arn)
        return self.cards.find(key, _missing(key.name))

    def _version(self, card: Card, number: int) -> CardVersion:
        missing = not_found(f"Model card {card.name} has no version {number}; the latest is {card.latest}.")
        return self._versions.find(card.version_key(number), missing)

    def _require(self, call: Call, card: Card, action: str) -> None:
        key = card.security.get("KmsKeyId")
        if not key:
            return
        session = self._context.session(call)
        if not key.startswith("arn:") or ":key/" not in key:
            key = session.client("kms").describe_key(KeyId=key)["KeyMetadata"]["Arn"]
        session.require(action, key)


def _changed(version: CardVersion, content: str | None, status: str | None) -> CardVersion:
    if content is None:
        return version.with_status(str(status))
    if version.status == "Archived":
        raise conflict(f"{ARCHIVED}; its content cannot be updated.")
    return version.followed_by(content)


def _in_status(shown: list[Shown], parameters: Mapping[str, Any]) -> list[Shown]:
    wanted = parameters.get("ModelCardStatus")
    return [(card, version) for card, version in shown if wanted in {None, version.status}]


def _missing(name: str) -> ApiError:
    return not_found(f"Model card {name} does not exist.")

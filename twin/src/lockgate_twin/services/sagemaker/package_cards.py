"""The card and the life cycle of a model package version.

Source: API reference, ModelPackageModelCard ("Archived … If you try to update the model card content, you will receive
the message Model Card is in Archived state") and ModelLifeCycle (Stage and StageStatus are free names).

Assumptions: a card is registered with content and status both (AWS::SageMaker::ModelPackage requires them); an update
changes the one that it gives and keeps the other; the refusal of an archived card is a ConflictException, the error
that UpdateModelPackage documents; a life cycle is replaced whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lockgate_twin.services.sagemaker.errors import conflict, validation
from lockgate_twin.services.sagemaker.model_card_schema import OF_PACKAGES, checked

ARCHIVED = "Model Card is in Archived state"
MEMBERS = ("ModelCardContent", "ModelCardStatus")


def check_registered(request: Mapping[str, Any]) -> None:
    """Check the card of a CreateModelPackage request.

    Raises:
        ApiError: ValidationException for a card without content or status, or with content outside the schema.
    """
    card = request.get("ModelCard")
    if card is None:
        return
    if missing := [name for name in MEMBERS if name not in card]:
        raise validation(f"The ModelCard of a new model package needs {' and '.join(missing)}.")
    checked(card["ModelCardContent"], OF_PACKAGES)


def updated(package: Mapping[str, Any], request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the new ModelCard member of a package, or nothing if the request does not change it.

    Raises:
        ApiError: ValidationException for content outside the schema, ConflictException for an archived card's.
    """
    given = request.get("ModelCard")
    if not given:
        return {}
    known: Mapping[str, Any] = package.get("ModelCard", {})
    if "ModelCardContent" in given:
        checked(given["ModelCardContent"], OF_PACKAGES)
        if known.get("ModelCardStatus") == "Archived" and given["ModelCardContent"] != known["ModelCardContent"]:
            raise conflict(ARCHIVED)
    elif "ModelCardContent" not in known:
        raise validation("The model package has no model card yet; its first one needs ModelCardContent.")
    return {"ModelCard": {"ModelCardStatus": "Draft", **known, **given}}

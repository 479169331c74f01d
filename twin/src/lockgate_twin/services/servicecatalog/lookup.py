"""Finding products and versions by the ids or names that requests give."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lockgate_twin.errors import ApiError
from lockgate_twin.ports import Call
from lockgate_twin.services.servicecatalog.errors import invalid, not_found
from lockgate_twin.services.servicecatalog.model import Artifact, Product
from lockgate_twin.services.servicecatalog.state import State


def named_product(state: State, identifier: str | None, name: str | None, call: Call) -> Product:
    """Return a product by id or by name ("You must provide the name or ID, but not both").

    Raises:
        ApiError: InvalidParametersException or ResourceNotFoundException.
    """
    if bool(identifier) == bool(name):
        raise invalid("You must provide either the name or the ID of the product, but not both.")
    if identifier:
        return state.products.get(identifier, call)
    found = [p for p in state.products.of(call) if p.name == name]
    if len(found) != 1:
        raise not_found(
            f"Product {name} not found." if not found else f"Several products are named {name}; use the ID."
        )
    return found[0]


def version_of(product: Product, identifier: str) -> Artifact:
    """Return a version of a product.

    Raises:
        ApiError: ResourceNotFoundException.
    """
    found = next((a for a in product.artifacts if a.id == identifier), None)
    if found is None:
        raise missing_version(identifier)
    return found


def missing_version(identifier: str | None) -> ApiError:
    """Return the error for a version that does not exist (wording: aws-samples/sagemaker-studio-emr, issue 42)."""
    return not_found(f"Provisioning artifact {identifier} does not exist or access was denied")


def named_version(state: State, parameters: Mapping[str, Any], call: Call) -> tuple[Product, Artifact]:
    """Return the product and the version that a request names by ids or names.

    Raises:
        ApiError: InvalidParametersException or ResourceNotFoundException.
    """
    product = named_product(state, parameters.get("ProductId"), parameters.get("ProductName"), call)
    identifier, name = parameters.get("ProvisioningArtifactId"), parameters.get("ProvisioningArtifactName")
    if bool(identifier) == bool(name):
        raise invalid("You must provide either the name or the ID of the provisioning artifact, but not both.")
    if name:
        identifier = next((a.id for a in product.artifacts if a.name == name), name)
    artifact = version_of(product, str(identifier))
    if not artifact.active:
        raise missing_version(artifact.id)
    return product, artifact

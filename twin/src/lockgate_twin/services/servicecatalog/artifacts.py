"""Versions of products ("provisioning artifacts"): a template that never changes (botocore, servicecatalog)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lockgate_twin.errors import NotImplementedByTwin
from lockgate_twin.ports import Call, Context, Handler, Session, utc_now
from lockgate_twin.services.servicecatalog import templates
from lockgate_twin.services.servicecatalog.errors import in_use, invalid
from lockgate_twin.services.servicecatalog.identifiers import new_id
from lockgate_twin.services.servicecatalog.listing import paged
from lockgate_twin.services.servicecatalog.lookup import missing_version, version_of
from lockgate_twin.services.servicecatalog.model import Artifact, Product
from lockgate_twin.services.servicecatalog.state import State
from lockgate_twin.services.servicecatalog.tokens import Tokens
from lockgate_twin.services.servicecatalog.views import TEMPLATE, artifact_detail


def new_artifact(given: Mapping[str, Any] | None, session: Session) -> Artifact:
    """Load and check a template and make a version of it.

    Raises:
        ApiError: InvalidParametersException.
    """
    if not given or not given.get("Info"):
        raise invalid("ProvisioningArtifactParameters must have Info with LoadTemplateFromURL.")
    if given.get("Type", TEMPLATE) != TEMPLATE:
        raise NotImplementedByTwin(f"A product version of type {given['Type']}")
    text, source = templates.load(given["Info"], session)
    if not given.get("DisableTemplateValidation"):
        templates.check(text)
    return Artifact(
        id=new_id("pa"),
        created=utc_now(),
        name=given.get("Name", ""),
        description=given.get("Description", ""),
        template=text,
        source=source,
    )


class ArtifactOperations:
    """The operations on versions."""

    def __init__(self, context: Context, state: State, tokens: Tokens) -> None:
        self._context = context
        self._state = state
        self._tokens = tokens

    def operations(self) -> Mapping[str, Handler]:
        """Return the handlers by operation name."""
        return {
            "CreateProvisioningArtifact": self.create,
            "DescribeProvisioningArtifact": self.describe,
            "ListProvisioningArtifacts": self.list,
            "UpdateProvisioningArtifact": self.update,
            "DeleteProvisioningArtifact": self.delete,
        }

    def create(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Add a version to a product."""
        product = self._state.products.get(parameters["ProductId"], call)

        def work() -> dict[str, Any]:
            artifact = new_artifact(parameters["Parameters"], self._context.session(call))
            self._state.products.change(product.id, lambda p: replace(p, artifacts=(*p.artifacts, artifact)))
            return _shown(artifact)

        return self._tokens.once("IdempotencyToken", parameters, call, work)

    def describe(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Show a version and, if asked, the parameters of its template."""
        artifact = self._named(parameters, call)
        shown = _shown(artifact)
        if parameters.get("IncludeProvisioningArtifactParameters"):
            shown["ProvisioningArtifactParameters"] = templates.parameters_of(artifact.template)
        return shown

    def list(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """List all versions of a product, oldest first."""
        product = self._state.products.get(parameters["ProductId"], call)
        found, more = paged([artifact_detail(a) for a in product.artifacts], parameters)
        return {"ProvisioningArtifactDetails": found, **more}

    def update(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Rename, describe, deactivate or deprecate a version. Its template cannot change."""
        product = self._state.products.get(parameters["ProductId"], call)
        before = version_of(product, parameters["ProvisioningArtifactId"])
        artifact = replace(
            before,
            name=parameters.get("Name", before.name),
            description=parameters.get("Description", before.description),
            active=parameters.get("Active", before.active),
            guidance=parameters.get("Guidance", before.guidance),
        )
        self._replace(product, before, (artifact,))
        return _shown(artifact)

    def delete(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Delete a version, but not the last one of a product."""
        product = self._state.products.get(parameters["ProductId"], call)
        artifact = version_of(product, parameters["ProvisioningArtifactId"])
        if len(product.artifacts) == 1:
            raise in_use(f"{artifact.id} is the last version of product {product.id}; delete the product instead.")
        self._replace(product, artifact, ())
        return {}

    def _replace(self, product: Product, before: Artifact, after: tuple[Artifact, ...]) -> None:
        def change(current: Product) -> Product:
            kept = [after if a.id == before.id else (a,) for a in current.artifacts]
            return replace(current, artifacts=tuple(a for group in kept for a in group))

        self._state.products.change(product.id, change)

    def _named(self, parameters: Mapping[str, Any], call: Call) -> Artifact:
        identifier = parameters.get("ProvisioningArtifactId")
        products = self._state.products.of(call)
        if parameters.get("ProductId"):
            products = [self._state.products.get(parameters["ProductId"], call)]
        elif parameters.get("ProductName"):
            products = [p for p in products if p.name == parameters["ProductName"]]
        for product in products:
            for artifact in product.artifacts:
                if identifier == artifact.id or parameters.get("ProvisioningArtifactName") == artifact.name:
                    return artifact
        raise missing_version(identifier or parameters.get("ProvisioningArtifactName"))


def _shown(artifact: Artifact) -> dict[str, Any]:
    return {
        "ProvisioningArtifactDetail": artifact_detail(artifact),
        "Info": {"TemplateUrl": artifact.source},
        "Status": "AVAILABLE",
    }

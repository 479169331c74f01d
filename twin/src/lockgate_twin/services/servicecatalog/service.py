"""Service Catalog put together: this file only wires its parts and answers the twin's own questions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lockgate_twin.ports import Call, Context, Handler
from lockgate_twin.services.servicecatalog.artifacts import ArtifactOperations
from lockgate_twin.services.servicecatalog.constraints import ConstraintOperations
from lockgate_twin.services.servicecatalog.jobs import Jobs
from lockgate_twin.services.servicecatalog.launch_paths import LaunchPathOperations, LaunchPaths
from lockgate_twin.services.servicecatalog.model import ProvisionedProduct, Record
from lockgate_twin.services.servicecatalog.portfolios import PortfolioOperations
from lockgate_twin.services.servicecatalog.products import ProductOperations
from lockgate_twin.services.servicecatalog.provisioned_products import (
    ProvisionedProductOperations,
    levels,
)
from lockgate_twin.services.servicecatalog.provisioning import ProvisioningOperations
from lockgate_twin.services.servicecatalog.state import State
from lockgate_twin.services.servicecatalog.tokens import Tokens


class ServiceCatalog:
    """The catalogs of all accounts and regions."""

    name = "servicecatalog"

    def __init__(self, context: Context) -> None:
        self._state = State(context.table)
        self._jobs = Jobs(context, self._state)
        tokens, paths = Tokens(context.table("servicecatalog.tokens")), LaunchPaths(self._state)
        self._parts = (
            PortfolioOperations(self._state, tokens),
            ProductOperations(context, self._state, tokens, paths),
            ArtifactOperations(context, self._state, tokens),
            ConstraintOperations(context, self._state, tokens),
            LaunchPathOperations(self._state, paths),
            ProvisioningOperations(self._state, tokens, paths, self._jobs),
            ProvisionedProductOperations(self._state),
        )

    def operations(self) -> Mapping[str, Handler]:
        """Return the handlers by operation name."""
        return {name: handler for part in self._parts for name, handler in part.operations().items()}

    def resume(self) -> None:
        """Go on with what an earlier twin had under way."""
        self._jobs.resume()

    def on_end(self, record_id: str, tell: Callable[[Record], None]) -> None:
        """Call `tell` once with a record when its work has ended."""
        self._jobs.on_end(record_id, tell)

    def provisioned_product(self, identifier: str) -> ProvisionedProduct | None:
        """Return a provisioned product, or None if there is none (any more)."""
        return self._state.provisioned.find(identifier)

    def latest_artifact(self, product_id: str) -> str | None:
        """Return the id of the newest active version of a product, or None."""
        product = self._state.products.find(product_id)
        active = [a.id for a in product.artifacts if a.active] if product else []
        return active[-1] if active else None

    def condition_keys(self, parameters: Mapping[str, Any], call: Call) -> dict[str, str]:
        """Return servicecatalog:accountLevel, roleLevel and userLevel of a request.

        Source: Administrator Guide, "Predefined condition keys": the key is `self` if the caller made what the
        request names at that level, or if the request's AccessLevelFilter asks for that level only.
        """
        chosen = parameters.get("AccessLevelFilter")
        if chosen:
            return {_KEYS[chosen["Key"]]: chosen["Value"]}
        made = self._named(parameters, call)
        if made is None:
            return {}
        return {_KEYS[level]: "self" for level, own in levels(made.creator, call.principal).items() if own}

    def _named(self, parameters: Mapping[str, Any], call: Call) -> ProvisionedProduct | Record | None:
        identifier = parameters.get("ProvisionedProductId") or parameters.get("Id") or ""
        found = self._state.provisioned.find(identifier) or self._state.records.find(identifier)
        if found is not None:
            return found
        name = parameters.get("ProvisionedProductName") or parameters.get("Name")
        return next((p for p in self._state.provisioned.of(call) if name in {p.name, p.arn}), None)


_KEYS = {
    "Account": "servicecatalog:accountLevel",
    "Role": "servicecatalog:roleLevel",
    "User": "servicecatalog:userLevel",
}

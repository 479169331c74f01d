"""Products, as the administrator and as end users see them (botocore, servicecatalog)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from lockgate_twin.errors import NotImplementedByTwin
from lockgate_twin.ports import Call, Context, Handler, utc_now
from lockgate_twin.services.servicecatalog.artifacts import new_artifact
from lockgate_twin.services.servicecatalog.errors import in_use, invalid
from lockgate_twin.services.servicecatalog.identifiers import new_id
from lockgate_twin.services.servicecatalog.launch_paths import LaunchPaths
from lockgate_twin.services.servicecatalog.listing import changed_tags, paged, tag_list, tags_of
from lockgate_twin.services.servicecatalog.lookup import named_product
from lockgate_twin.services.servicecatalog.model import Product
from lockgate_twin.services.servicecatalog.state import State
from lockgate_twin.services.servicecatalog.tokens import Tokens
from lockgate_twin.services.servicecatalog.views import (
    TEMPLATE,
    artifact_detail,
    artifact_summary,
    product_detail,
    product_summary,
)

_DETAILS = {
    "Description": "ShortDescription",
    "Distributor": "Distributor",
    "SupportDescription": "SupportDescription",
    "SupportEmail": "SupportEmail",
    "SupportUrl": "SupportUrl",
}
_SORTS = {"Title": lambda p: p.name, "VersionCount": lambda p: len(p.artifacts), "CreationDate": lambda p: p.created}


class ProductOperations:
    """The operations on products."""

    def __init__(self, context: Context, state: State, tokens: Tokens, paths: LaunchPaths) -> None:
        self._context = context
        self._state = state
        self._tokens = tokens
        self._paths = paths

    def operations(self) -> Mapping[str, Handler]:
        """Return the handlers by operation name."""
        return {
            "CreateProduct": self.create_product,
            "DescribeProduct": self.describe_product,
            "DescribeProductAsAdmin": self.describe_product_as_admin,
            "SearchProducts": self.search_products,
            "SearchProductsAsAdmin": self.search_products_as_admin,
            "UpdateProduct": self.update_product,
            "DeleteProduct": self.delete_product,
        }

    def create_product(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Make a product with its first version."""
        _refuse(parameters)
        return self._tokens.once("IdempotencyToken", parameters, call, lambda: self._create(parameters, call))

    def describe_product(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Show a product, its active versions and the caller's launch paths.

        Assumption: an account's product is shown to callers without a launch path too.
        """
        product = self._named(parameters, call)
        return {
            "ProductViewSummary": product_summary(product),
            "ProvisioningArtifacts": [artifact_summary(a) for a in product.artifacts if a.active],
            "Budgets": [],
            "LaunchPaths": [{"Id": p.id, "Name": p.portfolio.name} for p in self._paths.of(product, call)],
        }

    def describe_product_as_admin(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Show a product with all versions and its tags."""
        product = self._named(parameters, call)
        return {
            "ProductViewDetail": product_detail(product),
            "ProvisioningArtifactSummaries": [_version(a) for a in product.artifacts],
            "Tags": tag_list(product.tags),
            "TagOptions": [],
            "Budgets": [],
        }

    def search_products(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Find the products that the caller may launch."""
        mine = [p for p in self._state.products.of(call) if self._paths.of(p, call)]
        found, more = paged(_chosen(mine, parameters), parameters)
        summaries = [product_summary(p) for p in found]
        return {"ProductViewSummaries": summaries, "ProductViewAggregations": {}, **more}

    def search_products_as_admin(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Find products of the account, or of one portfolio."""
        products = self._state.products.of(call)
        if "PortfolioId" in parameters:
            held = self._state.portfolios.get(parameters["PortfolioId"], call).products
            products = [p for p in products if p.id in held]
        found, more = paged(_chosen(products, parameters), parameters)
        return {"ProductViewDetails": [product_detail(p) for p in found], **more}

    def update_product(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Change a product's description or tags."""
        _refuse(parameters)
        product = self._state.products.get(parameters["Id"], call)
        changed = replace(
            product,
            name=parameters.get("Name", product.name),
            owner=parameters.get("Owner", product.owner),
            details={**product.details, **_details(parameters)},
            tags=changed_tags(product.tags, parameters),
        )
        self._state.products.add(changed)
        return {"ProductViewDetail": product_detail(changed), "Tags": tag_list(changed.tags)}

    def delete_product(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Delete a product that is in no portfolio."""
        product = self._state.products.get(parameters["Id"], call)
        holding = [p.id for p in self._state.portfolios.of(call) if product.id in p.products]
        if holding:
            raise in_use(
                f"Product {product.id} is associated with portfolio {', '.join(holding)}; disassociate it first."
            )
        self._state.products.remove(product.id)
        return {}

    def _create(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        artifact = new_artifact(parameters.get("ProvisioningArtifactParameters"), self._context.session(call))
        product = Product(
            id=new_id("prod"),
            account=call.account,
            region=call.region,
            created=utc_now(),
            name=parameters["Name"],
            owner=parameters["Owner"],
            details=_details(parameters),
            tags=tags_of(parameters.get("Tags")),
            artifacts=(artifact,),
        )
        self._state.products.add(product)
        return {
            "ProductViewDetail": product_detail(product),
            "ProvisioningArtifactDetail": artifact_detail(artifact),
            "Tags": tag_list(product.tags),
        }

    def _named(self, parameters: Mapping[str, Any], call: Call) -> Product:
        return named_product(self._state, parameters.get("Id"), parameters.get("Name"), call)


def _refuse(parameters: Mapping[str, Any]) -> None:
    if parameters.get("ProductType", TEMPLATE) != TEMPLATE:
        raise NotImplementedByTwin(f"A Service Catalog product of type {parameters['ProductType']}")
    if parameters.get("SourceConnection"):
        raise NotImplementedByTwin("SourceConnection of a Service Catalog product")


def _details(parameters: Mapping[str, Any]) -> dict[str, str]:
    return {shown: parameters[given] for given, shown in _DETAILS.items() if parameters.get(given)}


def _version(artifact: Any) -> dict[str, Any]:
    shown = artifact_summary(artifact)
    shown.pop("Guidance")
    return {**shown, "ProvisioningArtifactMetadata": {"TemplateUrl": artifact.source}}


def _chosen(products: Sequence[Product], parameters: Mapping[str, Any]) -> list[Product]:
    filters = parameters.get("Filters") or {}
    found = [p for p in products if all(_matches(p, name, values) for name, values in filters.items())]
    if "SortBy" in parameters:
        found.sort(key=_SORTS[parameters["SortBy"]], reverse=parameters.get("SortOrder") == "DESCENDING")
    return found


def _matches(product: Product, name: str, values: Sequence[str]) -> bool:
    if name == "FullTextSearch":
        text = " ".join([product.name, product.owner, *product.details.values()]).lower()
        return any(value.lower() in text for value in values)
    if name == "Owner":
        return product.owner in values
    if name == "ProductType":
        return TEMPLATE in values
    if name == "SourceProductId":
        return product.id in values
    raise invalid(f"Filter {name} is not valid.")

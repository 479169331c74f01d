"""Look at an account: describe and list calls only."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from catalog.clients import Clients
from catalog.errors import PublishError
from catalog.instructions import HUB_STACK
from catalog.observed import Account, FoundPortfolio, FoundProduct, FoundStack, HubStack, LaunchConstraint, Observed
from catalog.parts import SETTINGS, stack_name
from catalog.release import HubOutputs, make_release
from catalog.sources import Sources


def observe(clients: Clients, sources: Sources) -> Observed:
    """Return the account's state as far as these sources are concerned.

    Raises:
        PublishError: several portfolios or products have the wanted name.
        HubError: the hub stack lacks an output.
    """
    identity = clients.sts.get_caller_identity()
    hub = find_hub(clients.cloudformation)
    portfolio = _portfolio(clients.servicecatalog, sources.catalog.portfolio.name)
    return Observed(
        account=Account(
            id=identity["Account"],
            region=clients.region,
            partition=clients.partition,
            caller_arn=identity["Arn"],
        ),
        hub=hub,
        objects=_objects(clients.s3, sources, hub.outputs) if hub and hub.outputs else {},
        portfolio=portfolio,
        product=_product(clients.servicecatalog, sources.catalog.product.name, portfolio),
        parts=find_parts(clients.cloudformation),
    )


def find_hub(cloudformation: Any) -> HubStack | None:
    """Return the hub stack, or None if there is none."""
    found = _described(cloudformation, HUB_STACK)
    if found is None:
        return None
    stack, outputs = found, {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}
    return HubStack(
        status=stack["StackStatus"],
        template=_template(cloudformation, HUB_STACK),
        outputs=HubOutputs.parse(outputs) if outputs else None,
    )


def find_parts(cloudformation: Any) -> dict[str, FoundStack]:
    """Return the stacks beside the hub's that exist, by name."""
    described = {name: _described(cloudformation, name) for name in map(stack_name, SETTINGS)}
    return {
        name: FoundStack(status=stack["StackStatus"], template=_template(cloudformation, name))
        for name, stack in described.items()
        if stack is not None
    }


def _described(cloudformation: Any, name: str) -> dict[str, Any] | None:
    try:
        stack: dict[str, Any] = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in error.response["Error"].get("Message", ""):
            return None
        raise
    return stack


def _template(cloudformation: Any, name: str) -> str:
    template = cloudformation.get_template(StackName=name, TemplateStage="Original")["TemplateBody"]
    return template if isinstance(template, str) else json.dumps(template)


def _objects(s3: Any, sources: Sources, hub: HubOutputs) -> Mapping[str, frozenset[tuple[str, str]]]:
    found = {}
    for wanted in make_release(sources, hub).objects:
        place = {"Bucket": hub.hub_bucket_name, "Key": wanted.key}
        try:
            s3.head_object(**place)
        except ClientError as error:
            if error.response["Error"]["Code"] in {"404", "NoSuchKey", "NotFound"}:
                continue
            raise
        found[wanted.key] = _pairs(s3.get_object_tagging(**place)["TagSet"])
    return found


def _portfolio(servicecatalog: Any, name: str) -> FoundPortfolio | None:
    portfolios = _pages(servicecatalog.list_portfolios, "PortfolioDetails")
    detail = _only("portfolio", name, (p for p in portfolios if p["DisplayName"] == name))
    if detail is None:
        return None
    principals = _pages(servicecatalog.list_principals_for_portfolio, "Principals", PortfolioId=detail["Id"])
    return FoundPortfolio(
        id=detail["Id"],
        provider=detail["ProviderName"],
        description=detail.get("Description", ""),
        principals=frozenset((p["PrincipalARN"], p.get("PrincipalType", "IAM")) for p in principals),
    )


def _product(servicecatalog: Any, name: str, portfolio: FoundPortfolio | None) -> FoundProduct | None:
    views = _pages(servicecatalog.search_products_as_admin, "ProductViewDetails")
    summaries = (view["ProductViewSummary"] for view in views)
    summary = _only("product", name, (s for s in summaries if s["Name"] == name))
    if summary is None:
        return None
    product_id = summary["ProductId"]
    described = servicecatalog.describe_product_as_admin(Id=product_id)
    artifacts = servicecatalog.list_provisioning_artifacts(ProductId=product_id)
    places = _pages(servicecatalog.list_portfolios_for_product, "PortfolioDetails", ProductId=product_id)
    in_portfolio = portfolio is not None and portfolio.id in {place["Id"] for place in places}
    constraint = _constraint(servicecatalog, portfolio.id, product_id) if portfolio and in_portfolio else None
    return FoundProduct(
        id=product_id,
        owner=summary["Owner"],
        description=summary.get("ShortDescription", ""),
        tags=_pairs(described.get("Tags", [])),
        versions=frozenset(a["Name"] for a in artifacts["ProvisioningArtifactDetails"]),
        in_portfolio=in_portfolio,
        launch_constraint=constraint,
    )


def _constraint(servicecatalog: Any, portfolio_id: str, product_id: str) -> LaunchConstraint | None:
    constraints = _pages(
        servicecatalog.list_constraints_for_portfolio,
        "ConstraintDetails",
        PortfolioId=portfolio_id,
        ProductId=product_id,
    )
    # Service Catalog allows one launch constraint per product and portfolio (CreateConstraint).
    for constraint in constraints:
        if constraint["Type"] == "LAUNCH":
            described = servicecatalog.describe_constraint(Id=constraint["ConstraintId"])
            role_arn = json.loads(described["ConstraintParameters"]).get("RoleArn")
            return LaunchConstraint(id=constraint["ConstraintId"], role_arn=role_arn)
    return None


def _only(kind: str, name: str, found: Iterable[dict[str, Any]]) -> dict[str, Any] | None:
    matches = list(found)
    if len(matches) > 1:
        raise PublishError(
            f"{len(matches)} {kind}s of this account are named '{name}': rename all but one in Service Catalog."
        )
    return matches[0] if matches else None


def _pages(call: Any, member: str, **request: Any) -> Iterator[dict[str, Any]]:
    token: str | None = None
    while True:
        page = call(**request, **({"PageToken": token} if token else {}))
        yield from page.get(member, [])
        token = page.get("NextPageToken")
        if not token:
            return


def _pairs(tags: Iterable[Mapping[str, str]]) -> frozenset[tuple[str, str]]:
    return frozenset((tag["Key"], tag["Value"]) for tag in tags)

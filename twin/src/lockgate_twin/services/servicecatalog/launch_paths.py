"""Launch paths: through which portfolios may a caller launch a product, and as which role?

Source: Administrator Guide, "Granting Access to Users": access is by association of the user, group or role with the
portfolio, whatever else the caller may do. Wildcards of IAM_PATTERN are those of botocore's
AssociatePrincipalWithPortfolio ("*" and "?").

Assumption: the account's root user cannot be associated and so has no launch path.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lockgate_twin.ports import Call, Handler, Principal
from lockgate_twin.services.servicecatalog import templates
from lockgate_twin.services.servicecatalog.constraints import launch_role
from lockgate_twin.services.servicecatalog.errors import invalid, not_found
from lockgate_twin.services.servicecatalog.identifiers import path_id
from lockgate_twin.services.servicecatalog.listing import filled, paged, tag_list
from lockgate_twin.services.servicecatalog.lookup import named_version
from lockgate_twin.services.servicecatalog.model import Constraint, Portfolio, Product
from lockgate_twin.services.servicecatalog.state import State


@dataclass(frozen=True, kw_only=True)
class LaunchPath:
    """A product in a portfolio that the caller is associated with."""

    product: Product
    portfolio: Portfolio
    constraint: Constraint | None

    @property
    def id(self) -> str:
        """Return the path's identifier."""
        return path_id(self.product.id, self.portfolio.id)

    @property
    def role(self) -> str | None:
        """Return the ARN of the role that launches; None: the caller's own credentials do."""
        return launch_role(self.constraint) if self.constraint else None

    def summary(self) -> dict[str, Any]:
        """Return LaunchPathSummary."""
        return {
            "Id": self.id,
            "Name": self.portfolio.name,
            "ConstraintSummaries": self.constraints(),
            "Tags": tag_list(self.portfolio.tags),
        }

    def constraints(self) -> list[dict[str, Any]]:
        """Return ConstraintSummaries."""
        if self.constraint is None:
            return []
        return [filled(Type="LAUNCH", Description=self.constraint.description)]


class LaunchPaths:
    """Finds launch paths."""

    def __init__(self, state: State) -> None:
        self._state = state

    def of(self, product: Product, call: Call) -> list[LaunchPath]:
        """Return the caller's paths to a product."""
        holding = [p for p in self._state.portfolios.of(call) if product.id in p.products]
        return [
            LaunchPath(product=product, portfolio=p, constraint=self._constraint(product, p, call))
            for p in holding
            if may_launch(p, call.principal)
        ]

    def choose(self, product: Product, parameters: Mapping[str, Any], call: Call) -> LaunchPath:
        """Return the one path a request means (PathId or PathName; optional if there is only one).

        Raises:
            ApiError: ResourceNotFoundException, or InvalidParametersException if the choice is open.
        """
        paths = self.of(product, call)
        identifier, name = parameters.get("PathId"), parameters.get("PathName")
        if identifier or name:
            paths = [p for p in paths if identifier == p.id or name == p.portfolio.name]
        if not paths:
            raise not_found(f"No launch paths found for resource: {product.id}")
        if len(paths) > 1:
            listed = ", ".join(f"{p.id} ({p.portfolio.name})" for p in paths)
            raise invalid(f"Product {product.id} has several launch paths, name one with PathId: {listed}")
        return paths[0]

    def _constraint(self, product: Product, portfolio: Portfolio, call: Call) -> Constraint | None:
        of_both = (portfolio.id, product.id)
        found = (c for c in self._state.constraints.of(call) if (c.portfolio_id, c.product_id) == of_both)
        return next(found, None)


def may_launch(portfolio: Portfolio, principal: Principal) -> bool:
    """Tell whether a principal is associated with a portfolio."""
    if principal.is_root or principal.account != portfolio.account:
        return False
    arn = principal.role_arn or principal.arn
    without_account = arn.replace(f":{principal.account}:", "::", 1)
    return any(
        associated == arn if kind == "IAM" else _matches(associated, without_account)
        for associated, kind in portfolio.principals.items()
    )


def _matches(pattern: str, arn: str) -> bool:
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(expression, arn) is not None


class LaunchPathOperations:
    """The operations that tell callers how they may launch."""

    def __init__(self, state: State, paths: LaunchPaths) -> None:
        self._state = state
        self._paths = paths

    def operations(self) -> Mapping[str, Handler]:
        """Return the handlers by operation name."""
        return {
            "ListLaunchPaths": self.list_launch_paths,
            "DescribeProvisioningParameters": self.describe_provisioning_parameters,
        }

    def list_launch_paths(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """List the caller's paths to a product."""
        product = self._state.products.get(parameters["ProductId"], call)
        paths = self._paths.of(product, call)
        if not paths:
            raise not_found(f"No launch paths found for resource: {product.id}")
        found, more = paged([p.summary() for p in paths], parameters)
        return {"LaunchPathSummaries": found, **more}

    def describe_provisioning_parameters(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Tell what a launch asks for."""
        product, artifact = named_version(self._state, parameters, call)
        path = self._paths.choose(product, parameters, call)
        return {
            "ProvisioningArtifactParameters": templates.parameters_of(artifact.template),
            "ConstraintSummaries": path.constraints(),
            "UsageInstructions": [],
            "TagOptions": [],
            "ProvisioningArtifactOutputKeys": templates.outputs_of(artifact.template),
        }

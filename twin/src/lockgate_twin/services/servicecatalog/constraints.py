"""Launch constraints: the role that Service Catalog assumes to launch a product from a portfolio.

Source: botocore, CreateConstraint ("You are required to specify either the RoleArn or the LocalRoleName but can't use
both"; only one LAUNCH constraint per product and portfolio); Administrator Guide, "AWS Service Catalog Launch
Constraints" (the administrator needs iam:PassRole).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lockgate_twin.errors import NotImplementedByTwin
from lockgate_twin.ports import Call, Context, Handler, utc_now
from lockgate_twin.services.servicecatalog.errors import duplicate, invalid, not_found
from lockgate_twin.services.servicecatalog.identifiers import new_id
from lockgate_twin.services.servicecatalog.listing import paged
from lockgate_twin.services.servicecatalog.model import Constraint
from lockgate_twin.services.servicecatalog.state import State
from lockgate_twin.services.servicecatalog.tokens import Tokens
from lockgate_twin.services.servicecatalog.views import constraint_detail

SERVICE = "servicecatalog.amazonaws.com"


def launch_role(constraint: Constraint) -> str:
    """Return the ARN of the role that launches; a local role name is one of the launching account, without path."""
    given = json.loads(constraint.parameters)
    local = f"arn:aws:iam::{constraint.account}:role/{given.get('LocalRoleName')}"
    return str(given.get("RoleArn") or local)


class ConstraintOperations:
    """The operations on constraints."""

    def __init__(self, context: Context, state: State, tokens: Tokens) -> None:
        self._context = context
        self._state = state
        self._tokens = tokens

    def operations(self) -> Mapping[str, Handler]:
        """Return the handlers by operation name."""
        return {
            "CreateConstraint": self.create,
            "DescribeConstraint": self.describe,
            "UpdateConstraint": self.update,
            "DeleteConstraint": self.delete,
            "ListConstraintsForPortfolio": self.list,
        }

    def create(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Set the role that launches a product from a portfolio."""
        if parameters["Type"] != "LAUNCH":
            raise NotImplementedByTwin(f"A Service Catalog constraint of type {parameters['Type']}")

        def work() -> dict[str, Any]:
            constraint = self._new(parameters, call)
            with self._state.lock:
                self._require_single(constraint, call)
                self._state.constraints.add(constraint)
            return _shown(constraint)

        return self._tokens.once("IdempotencyToken", parameters, call, work)

    def describe(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Show a constraint."""
        return _shown(self._state.constraints.get(parameters["Id"], call))

    def update(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Change a constraint's role or description."""
        before = self._state.constraints.get(parameters["Id"], call)
        constraint = replace(
            before,
            parameters=parameters.get("Parameters", before.parameters),
            description=parameters.get("Description", before.description),
        )
        self._check(constraint, call)
        return _shown(self._state.constraints.add(constraint))

    def delete(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Delete a constraint."""
        self._state.constraints.remove(self._state.constraints.get(parameters["Id"], call).id)
        return {}

    def list(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """List the constraints of a portfolio, or of one product in it."""
        portfolio = self._state.portfolios.get(parameters["PortfolioId"], call)
        wanted = parameters.get("ProductId")
        of_portfolio = [c for c in self._state.constraints.of(call) if c.portfolio_id == portfolio.id]
        found, more = paged([c for c in of_portfolio if wanted in {None, c.product_id}], parameters)
        return {"ConstraintDetails": [constraint_detail(c) for c in found], **more}

    def _new(self, parameters: Mapping[str, Any], call: Call) -> Constraint:
        portfolio = self._state.portfolios.get(parameters["PortfolioId"], call)
        product = self._state.products.get(parameters["ProductId"], call)
        if product.id not in portfolio.products:
            raise not_found(f"Product {product.id} is not in portfolio {portfolio.id}; associate it first.")
        constraint = Constraint(
            id=new_id("cons"),
            account=call.account,
            region=call.region,
            created=utc_now(),
            portfolio_id=portfolio.id,
            product_id=product.id,
            parameters=parameters["Parameters"],
            description=parameters.get("Description", ""),
        )
        self._check(constraint, call)
        return constraint

    def _check(self, constraint: Constraint, call: Call) -> None:
        try:
            given = json.loads(constraint.parameters)
        except ValueError as error:
            raise invalid(f"Parameters of a LAUNCH constraint must be JSON: {error}") from error
        names = {"RoleArn", "LocalRoleName"}
        if not isinstance(given, dict) or len(names & set(given)) != 1 or set(given) - names:
            raise invalid("Parameters of a LAUNCH constraint must have exactly one of RoleArn and LocalRoleName.")
        if "RoleArn" in given:
            session = self._context.session(call)
            session.require("iam:PassRole", given["RoleArn"], context={"iam:PassedToService": SERVICE})

    def _require_single(self, constraint: Constraint, call: Call) -> None:
        of_both = (constraint.portfolio_id, constraint.product_id)
        if any((c.portfolio_id, c.product_id) == of_both for c in self._state.constraints.of(call)):
            text = f"Product {constraint.product_id} has a LAUNCH constraint in portfolio {constraint.portfolio_id}."
            raise duplicate(text)


def _shown(constraint: Constraint) -> dict[str, Any]:
    return {
        "ConstraintDetail": constraint_detail(constraint),
        "ConstraintParameters": constraint.parameters,
        "Status": "AVAILABLE",
    }

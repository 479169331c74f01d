"""Portfolios, what is in them, and who may launch from them.

Source: botocore (servicecatalog) and the Administrator Guide, "Managing Portfolios" and "Granting Access to Users".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lockgate_twin.ports import Call, Handler, utc_now
from lockgate_twin.services.servicecatalog.errors import in_use, invalid, not_found
from lockgate_twin.services.servicecatalog.identifiers import new_id
from lockgate_twin.services.servicecatalog.listing import changed_tags, paged, tag_list, tags_of
from lockgate_twin.services.servicecatalog.model import Portfolio
from lockgate_twin.services.servicecatalog.state import State
from lockgate_twin.services.servicecatalog.tokens import Tokens
from lockgate_twin.services.servicecatalog.views import portfolio_detail

_FORMS = {
    "IAM": re.compile(r"arn:aws[\w-]*:iam::\d{12}:(user|role|group)/.+"),
    "IAM_PATTERN": re.compile(r"arn:aws[\w-]*:iam:::(user|role|group)/.+"),
}


class PortfolioOperations:
    """The operations on portfolios."""

    def __init__(self, state: State, tokens: Tokens) -> None:
        self._state = state
        self._tokens = tokens

    def operations(self) -> Mapping[str, Handler]:
        """Return the handlers by operation name."""
        return {
            "CreatePortfolio": self.create_portfolio,
            "DescribePortfolio": self.describe_portfolio,
            "ListPortfolios": self.list_portfolios,
            "UpdatePortfolio": self.update_portfolio,
            "DeletePortfolio": self.delete_portfolio,
            "AssociateProductWithPortfolio": self.associate_product,
            "DisassociateProductFromPortfolio": self.disassociate_product,
            "ListPortfoliosForProduct": self.list_portfolios_for_product,
            "AssociatePrincipalWithPortfolio": self.associate_principal,
            "DisassociatePrincipalFromPortfolio": self.disassociate_principal,
            "ListPrincipalsForPortfolio": self.list_principals,
        }

    def create_portfolio(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Make an empty portfolio."""

        def work() -> dict[str, Any]:
            portfolio = Portfolio(
                id=new_id("port"),
                account=call.account,
                region=call.region,
                created=utc_now(),
                name=parameters["DisplayName"],
                provider=parameters["ProviderName"],
                description=parameters.get("Description", ""),
                tags=tags_of(parameters.get("Tags")),
            )
            return _shown(self._state.portfolios.add(portfolio))

        return self._tokens.once("IdempotencyToken", parameters, call, work)

    def describe_portfolio(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Show a portfolio."""
        shown = _shown(self._state.portfolios.get(parameters["Id"], call))
        return {**shown, "TagOptions": [], "Budgets": []}

    def list_portfolios(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """List the account's portfolios."""
        found, more = paged(self._state.portfolios.of(call), parameters)
        return {"PortfolioDetails": [portfolio_detail(p) for p in found], **more}

    def update_portfolio(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Change a portfolio's description or tags."""
        portfolio = self._state.portfolios.get(parameters["Id"], call)
        changed = replace(
            portfolio,
            name=parameters.get("DisplayName", portfolio.name),
            provider=parameters.get("ProviderName", portfolio.provider),
            description=parameters.get("Description", portfolio.description),
            tags=changed_tags(portfolio.tags, parameters),
        )
        return _shown(self._state.portfolios.add(changed))

    def delete_portfolio(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Delete a portfolio that nothing is associated with."""
        portfolio = self._state.portfolios.get(parameters["Id"], call)
        constrained = any(c.portfolio_id == portfolio.id for c in self._state.constraints.of(call))
        if portfolio.products or portfolio.principals or constrained:
            raise in_use(f"Portfolio {portfolio.id} still has products, principals or constraints; remove them first.")
        self._state.portfolios.remove(portfolio.id)
        return {}

    def associate_product(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Put a product into a portfolio; doing it again changes nothing."""
        product = self._state.products.get(parameters["ProductId"], call)

        def change(portfolio: Portfolio) -> Portfolio:
            products = tuple(dict.fromkeys((*portfolio.products, product.id)))
            return replace(portfolio, products=products)

        self._change(parameters["PortfolioId"], call, change)
        return {}

    def disassociate_product(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Take a product out of a portfolio.

        Assumption: constraints on the product in the portfolio must be deleted first.
        """
        portfolio_id, product_id = parameters["PortfolioId"], parameters["ProductId"]
        portfolio = self._state.portfolios.get(portfolio_id, call)
        if product_id not in portfolio.products:
            raise not_found(f"Product {product_id} is not in portfolio {portfolio_id}.")
        of_both = (portfolio_id, product_id)
        if any((c.portfolio_id, c.product_id) == of_both for c in self._state.constraints.of(call)):
            raise in_use(f"Product {product_id} has constraints in portfolio {portfolio_id}; delete them first.")
        left = tuple(p for p in portfolio.products if p != product_id)
        self._change(portfolio_id, call, lambda p: replace(p, products=left))
        return {}

    def list_portfolios_for_product(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """List the portfolios that a product is in."""
        product = self._state.products.get(parameters["ProductId"], call)
        holding = [p for p in self._state.portfolios.of(call) if product.id in p.products]
        found, more = paged(holding, parameters)
        return {"PortfolioDetails": [portfolio_detail(p) for p in found], **more}

    def associate_principal(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Let a user, group or role (IAM), or all that match a pattern (IAM_PATTERN), launch."""
        arn, kind = parameters["PrincipalARN"], parameters["PrincipalType"]
        if not _FORMS[kind].fullmatch(arn):
            form = "arn:aws:iam::<account>:role/<name>" if kind == "IAM" else "arn:aws:iam:::role/<name or pattern>"
            raise invalid(f"Principal ARN {arn} is not valid for type {kind}; it has the form {form}.")
        if kind == "IAM" and ("*" in arn or "?" in arn):
            raise invalid(f"Principal ARN {arn} has a wildcard; use PrincipalType IAM_PATTERN.")
        self._change(parameters["PortfolioId"], call, lambda p: replace(p, principals={**p.principals, arn: kind}))
        return {}

    def disassociate_principal(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Take the right to launch away; doing it again changes nothing."""
        gone = parameters["PrincipalARN"]
        self._change(
            parameters["PortfolioId"],
            call,
            lambda p: replace(p, principals={k: v for k, v in p.principals.items() if k != gone}),
        )
        return {}

    def list_principals(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """List who may launch from a portfolio."""
        portfolio = self._state.portfolios.get(parameters["PortfolioId"], call)
        found, more = paged(list(portfolio.principals.items()), parameters)
        return {"Principals": [{"PrincipalARN": arn, "PrincipalType": kind} for arn, kind in found], **more}

    def _change(self, portfolio_id: str, call: Call, change: Any) -> None:
        self._state.portfolios.get(portfolio_id, call)
        self._state.portfolios.change(portfolio_id, change)


def _shown(portfolio: Portfolio) -> dict[str, Any]:
    return {"PortfolioDetail": portfolio_detail(portfolio), "Tags": tag_list(portfolio.tags)}

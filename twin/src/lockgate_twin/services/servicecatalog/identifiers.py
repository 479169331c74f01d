"""Identifiers and ARNs of Service Catalog (Service Authorization Reference, "AWS Service Catalog")."""

from __future__ import annotations

import hashlib
import secrets
import string

_ALPHABET = string.ascii_lowercase + "234567"
_LENGTH = 13


def new_id(prefix: str) -> str:
    """Return a new identifier, e.g. prod-4dmmrhhbhqkm2."""
    return f"{prefix}-" + "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))


def path_id(product_id: str, portfolio_id: str) -> str:
    """Return the identifier of the launch path to a product through a portfolio; it is always the same."""
    digest = hashlib.sha256(f"{product_id}/{portfolio_id}".encode()).digest()
    return "lpv2-" + "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in digest[:_LENGTH])


def catalog_arn(kind: str, region: str, account: str, identifier: str) -> str:
    """Return the ARN of a portfolio or product."""
    return f"arn:aws:catalog:{region}:{account}:{kind}/{identifier}"


def provisioned_product_arn(region: str, account: str, name: str, identifier: str) -> str:
    """Return the ARN of a provisioned product."""
    return f"arn:aws:servicecatalog:{region}:{account}:stack/{name}/{identifier}"

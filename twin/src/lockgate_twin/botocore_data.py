"""botocore's data files, read once for the whole process.

Every botocore session (and moto, for every service) has a loader of its own otherwise, which lists and reads the same
files again; the first call of each service would wait for that.
"""

from __future__ import annotations

from functools import cache
from typing import Any


@cache
def loader() -> Any:
    """Return the one loader, which keeps what it has read."""
    from botocore.loaders import create_loader

    return create_loader()


def model(service: str, kind: str) -> dict[str, Any]:
    """Return a service's model of a kind ("service-2", "paginators-1", ...).

    Raises:
        UnknownServiceError: botocore knows no such service.
    """
    # A client of S3 takes the bucket out of its model's paths, in place: the model read here must not be that one.
    own = _untouched() if service.startswith("s3") else loader()
    found: dict[str, Any] = own.load_service_model(service, kind)
    return found


@cache
def _untouched() -> Any:
    from botocore.loaders import create_loader

    return create_loader()

from __future__ import annotations

from typing import Any

import pytest
from conftest import ARN, ENDPOINT, SageMaker

from deploy.errors import RefusedError
from deploy.serving import check_serving


def test_an_endpoint_that_serves_the_version_passes() -> None:
    """InService, and the way from endpoint to package ends at this ARN."""
    check_serving(SageMaker(), ENDPOINT, ARN)


@pytest.mark.parametrize(
    ("world", "sentence"),
    [
        (
            {"container": {"ModelPackageName": ARN[:-1] + "1"}},
            r"is InService but serves .*/1 instead of .*/2: the update",
        ),
        ({"container": {"Image": "image:1"}}, "serves image:1 instead"),
        (
            {
                "endpoint": {
                    "EndpointStatus": "Failed",
                    "FailureReason": "no memory",
                    "EndpointConfigName": "c",
                }
            },
            "is Failed, not InService: no memory",
        ),
    ],
)
def test_an_endpoint_that_serves_something_else_is_found_out(world: dict[str, Any], sentence: str) -> None:
    """A rolled-back update ends InService on the old version, and that is not success."""
    with pytest.raises(RefusedError, match=sentence):
        check_serving(SageMaker(**world), ENDPOINT, ARN)


def test_a_missing_endpoint_is_named() -> None:
    """An endpoint that cannot be read is refused by name."""
    with pytest.raises(RefusedError, match="The endpoint nowhere cannot be read"):
        check_serving(SageMaker(), "nowhere", ARN)

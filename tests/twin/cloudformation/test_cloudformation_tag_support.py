"""Stack tags reach every type that takes tags. Source: "Resource tags" of the CloudFormation user guide."""

from __future__ import annotations

import pytest
from lockgate_twin.cloudformation import schemas
from lockgate_twin.cloudformation.resources import ADAPTERS


@pytest.mark.parametrize("name", sorted(ADAPTERS))
def test_a_type_that_takes_tags_gets_the_stacks(name: str) -> None:
    """A handler takes the tags that its type's schema says it takes, so that a tagged stack is never refused."""
    schema = schemas.load(name, "us-east-1")
    assert schema is not None
    assert schema.tags_property is None or schema.tags_property in ADAPTERS[name].properties

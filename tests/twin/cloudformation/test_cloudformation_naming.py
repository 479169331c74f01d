"""Generated physical names and stack names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lockgate_twin.cloudformation.naming import NameRule, check_stack_name, physical_name, random_suffix
from lockgate_twin.errors import ApiError

STACK = st.from_regex(r"[a-zA-Z][-a-zA-Z0-9]{0,127}", fullmatch=True)
LOGICAL = st.from_regex(r"[a-zA-Z0-9]{1,255}", fullmatch=True)


@given(STACK, LOGICAL, st.sampled_from([30, 63, 64, 100, 255]))
def test_a_generated_name_fits_its_limit(stack: str, logical_id: str, limit: int) -> None:
    """A name never exceeds the type's limit, keeps its random part, and begins with stack and logical id."""
    name = physical_name(NameRule(None, limit), stack, logical_id, "ABCDEFGHIJKL")
    assert len(name) <= limit
    assert name.endswith("-ABCDEFGHIJKL")
    assert name[0] == stack[0]
    assert f"-{logical_id[:5]}" in name


def test_a_short_name_is_not_cut() -> None:
    """Stack name, logical id and random part are joined by hyphens; buckets are lower case."""
    assert physical_name(NameRule(None, 64), "shop", "Role", "A1B2C3D4E5F6") == "shop-Role-A1B2C3D4E5F6"
    assert physical_name(NameRule(None, 63, lower=True), "Shop", "Data", "A1B2C3D4E5F6") == "shop-data-a1b2c3d4e5f6"


def test_random_parts_differ() -> None:
    """Two names drawn in a row are not the same."""
    assert random_suffix() != random_suffix()
    assert len(random_suffix()) == 12


@pytest.mark.parametrize("name", ["1stack", "my_stack", "", "a" * 129, "a stack"])
def test_a_wrong_stack_name_is_refused(name: str) -> None:
    """Names begin with a letter and hold letters, digits and hyphens, at most 128."""
    with pytest.raises(ApiError, match="at 'stackName' failed to satisfy constraint"):
        check_stack_name(name)


def test_a_right_stack_name_passes() -> None:
    """A name at the limit is fine."""
    check_stack_name("a" * 128)

"""The reference page of the twin is what its code says."""

from __future__ import annotations

from pathlib import Path

from lockgate_twin.reference import page, served_operations

COMMITTED = Path(__file__).parents[3] / "docs" / "twin.md"


def test_the_reference_page_is_not_stale() -> None:
    """docs/twin.md is what `python -m lockgate_twin.reference` writes."""
    assert COMMITTED.read_text(encoding="utf-8") == page(served_operations())


def test_the_page_tells_what_is_served_what_is_kept_by_moto_and_what_is_assumed() -> None:
    """The page names operations, moto's services, resource types and assumptions."""
    text = page({"sagemaker": ["CreateModel"]})
    assert "- **sagemaker** (1): CreateModel\n" in text
    assert "- AWS::SageMaker::Endpoint\n" in text
    assert "nobody else can listen to, aws:SecureTransport is true. (`authorization/condition_keys.py`)" in text

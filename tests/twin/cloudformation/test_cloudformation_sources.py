"""Where templates come from."""

from __future__ import annotations

import pytest
from lockgate_twin.cloudformation.sources import location
from lockgate_twin.errors import ApiError

ENDPOINT = "http://127.0.0.1:4566"


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://hub.s3.amazonaws.com/a/t.yaml", ("hub", "a/t.yaml", "")),
        ("https://hub.s3.us-east-1.amazonaws.com/a%20b.yaml", ("hub", "a b.yaml", "")),
        ("https://hub.s3-eu-west-1.amazonaws.com/t.yaml", ("hub", "t.yaml", "")),
        ("https://my.hub.s3.dualstack.us-east-1.amazonaws.com/t.yaml", ("my.hub", "t.yaml", "")),
        ("https://s3.amazonaws.com/hub/a/t.yaml", ("hub", "a/t.yaml", "")),
        ("https://s3.us-west-2.amazonaws.com/hub/t.yaml?versionId=v1", ("hub", "t.yaml", "v1")),
        ("http://127.0.0.1:4566/hub/t.yaml", ("hub", "t.yaml", "")),
    ],
)
def test_an_s3_url_names_an_object(url: str, place: tuple[str, str, str]) -> None:
    """Virtual-hosted and path style, with region and version; path style on the twin's own endpoint."""
    assert location(url, ENDPOINT) == place


@pytest.mark.parametrize(
    "url",
    [
        "http://hub.s3.amazonaws.com/t.yaml",
        "https://example.org/t.yaml",
        "https://hub.s3.amazonaws.com/",
        "https://s3.amazonaws.com/hub",
        "https://hub.s3.amazonaws.com.example.org/t.yaml",
        "http://127.0.0.1:1/hub/t.yaml",
        "file:///etc/passwd",
    ],
)
def test_another_url_is_refused(url: str) -> None:
    """Only https addresses of S3 objects are supported."""
    with pytest.raises(ApiError, match=r"TemplateURL must be a supported URL\."):
        location(url, ENDPOINT)

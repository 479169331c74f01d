"""A program: build the pipeline definition of a checkout against an AWS account in memory and print it as JSON.

Arguments: the checkout. While the SDK is imported, every package that requirements.txt does not pin is out of reach.
"""

from __future__ import annotations

import dataclasses
import importlib.abc
import importlib.metadata
import json
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any


class Unpinned(importlib.abc.MetaPathFinder):
    """Refuses to find modules that belong to none of the pinned distributions."""

    def __init__(self, pinned: set[str]) -> None:
        owners = importlib.metadata.packages_distributions()
        self.hidden = {module for module, names in owners.items() if not {normal(name) for name in names} & pinned}

    def find_spec(self, name: str, _path: Sequence[str] | None, _target: ModuleType | None = None) -> None:
        """Raise for a hidden module; otherwise let the other finders look."""
        if name.partition(".")[0] in self.hidden:
            raise ModuleNotFoundError(f"{name} is in no package that requirements.txt pins", name=name)


@contextmanager
def only_pinned(repository: Path) -> Iterator[None]:
    """Hide what the repository's builds do not install."""
    text = (repository / "requirements.txt").read_text(encoding="utf-8")
    finder = Unpinned({normal(name) for name in re.findall(r"^([A-Za-z0-9_.\-]+)==", text, re.MULTILINE)})
    sys.meta_path.insert(0, finder)
    yield
    sys.meta_path.remove(finder)


def normal(name: str) -> str:
    """A distribution's name in its normal form."""
    return re.sub(r"[-_.]+", "-", name).lower()


def describe(repository: Path) -> dict[str, Any]:
    """The definition, the same again, and one with another hyperparameter; and which objects and calls it took."""
    with only_pinned(repository):
        from pipeline import config, environment, run

        given = environment.read_environment(os.environ)
        environment.prepare_sdk(os.environ, given.region)
        import pipeline.definition  # noqa: F401
    import boto3
    from moto import mock_aws

    configured = config.load_config(repository / "config.toml")
    data = run.read_data(repository, configured)
    deeper = dataclasses.replace(configured, training=dataclasses.replace(configured.training, max_depth=9))
    retraining = dataclasses.replace(given, retrain_reason="drift")
    with mock_aws():
        s3 = boto3.client("s3", region_name=given.region)
        s3.create_bucket(Bucket=given.artifact_bucket)
        first, again, changed = (run.define(repository, item, given, data) for item in (configured, configured, deeper))
        uncached = run.define(repository, configured, retraining, data)
        listed = s3.list_object_versions(Bucket=given.artifact_bucket)["Versions"]
    return {
        "definition": first,
        "again": again,
        "with_another_hyperparameter": changed,
        "without_caching": uncached,
        "objects": sorted(item["Key"] for item in listed),
    }


if __name__ == "__main__":
    checkout = Path(sys.argv[1])
    sys.path.insert(0, str(checkout))
    print(json.dumps(describe(checkout)))

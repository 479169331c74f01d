"""Says in one line what a twin found of an earlier one in its folder."""

from __future__ import annotations

from collections.abc import Mapping

# What people know by name, by the table that has one record for each.
_NAMES = {
    "sagemaker.projects": "project",
    "cloudformation.stacks": "stack",
    "codecommit.repositories": "repository",
    "moto.s3.buckets": "bucket",
    "moto.s3.versions": "object",
    "sagemaker.model-packages": "model package",
    "sagemaker.pipelines": "SageMaker pipeline",
    "sagemaker.endpoints": "endpoint",
    "lambda.functions": "function",
    "codepipeline.pipelines": "pipeline",
    "codebuild.builds": "build",
    "events.deliveries": "event under way",
}
_MANY = {"repository": "repositories", "event under way": "events under way"}


def sentence(counts: Mapping[str, int], seconds: float) -> str:
    """Return what the records of these tables mean, or nothing if there are none."""
    if not any(count for name, count in counts.items() if name not in {"credentials", "twin", "moto.about"}):
        return ""
    parts = [_counted(counts[table], name) for table, name in _NAMES.items() if counts.get(table)]
    return f"Restored {', '.join(parts) or 'settings'} in {seconds:.1f} s."


def _counted(count: int, name: str) -> str:
    return f"{count:,} {name if count == 1 else _MANY.get(name, name + 's')}"

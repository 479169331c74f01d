"""AWS CodePipeline: pipelines, and executions that really run their actions."""

from __future__ import annotations

from lockgate_twin.services.codepipeline.service import CodePipeline

__all__ = ["CodePipeline"]

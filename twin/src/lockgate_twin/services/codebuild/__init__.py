"""AWS CodeBuild: projects, and builds that really run their buildspec."""

from __future__ import annotations

from lockgate_twin.services.codebuild.locations import S3Location
from lockgate_twin.services.codebuild.pipeline_builds import BuildResult, PipelineBuilds
from lockgate_twin.services.codebuild.service import CodeBuild
from lockgate_twin.services.codebuild.start import PipelineBuild

__all__ = ["BuildResult", "CodeBuild", "PipelineBuild", "PipelineBuilds", "S3Location"]

"""The choices of this version of the template that are not a project's to make."""

from __future__ import annotations

from dataclasses import dataclass

VERSION = "0.1.0"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What every project of this version is made with; times are in minutes or days as named."""

    version: str = VERSION
    branch: str = "main"
    image: str = "aws/codebuild/amazonlinux-x86_64-standard:6.0"
    compute_type: str = "BUILD_GENERAL1_SMALL"
    build_minutes: int = 120
    deploy_minutes: int = 60
    log_days: int = 90
    noncurrent_version_days: int = 90
    incomplete_upload_days: int = 7

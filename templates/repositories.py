"""The project's two git repositories, filled from the hub's seeds, and their entries for Studio."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Fn, Stack
from aws_cdk import aws_codecommit as codecommit
from aws_cdk import aws_sagemaker as sagemaker

from templates import hub, names
from templates.settings import Settings
from templates.storage import keep


@dataclass(frozen=True, kw_only=True)
class Repositories:
    """The repository of the model build code and that of the deploy code."""

    build: codecommit.CfnRepository
    deploy: codecommit.CfnRepository


def add_repositories(stack: Stack, settings: Settings) -> Repositories:
    """Make both repositories, each with its seed as the first commit."""
    build = _repository(stack, settings, "Build", names.MODELBUILD, hub.Setting.BUILD_SEED_KEY)
    deploy = _repository(stack, settings, "Deploy", names.MODELDEPLOY, hub.Setting.DEPLOY_SEED_KEY)
    return Repositories(build=build, deploy=deploy)


def _repository(
    stack: Stack, settings: Settings, use: str, name: str, seed_key: hub.Setting
) -> codecommit.CfnRepository:
    repository = codecommit.CfnRepository(
        stack,
        f"{use}Repository",
        repository_name=Fn.sub(name),
        repository_description=Fn.sub(f"Model {use.lower()} code of SageMaker project {names.PROJECT_NAME}"),
        code=codecommit.CfnRepository.CodeProperty(
            branch_name=settings.branch,
            s3=codecommit.CfnRepository.S3Property(
                bucket=hub.value(hub.Setting.HUB_BUCKET_NAME), key=hub.value(seed_key)
            ),
        ),
    )
    keep(repository)
    sagemaker.CfnCodeRepository(
        stack,
        f"{use}CodeRepository",
        code_repository_name=Fn.sub(f"{names.PROJECT}-{use.lower()}"),
        git_config=sagemaker.CfnCodeRepository.GitConfigProperty(
            branch=settings.branch, repository_url=repository.attr_clone_url_http
        ),
    )
    return repository

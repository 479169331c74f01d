"""The product: the stack that wires what one project gets."""

from __future__ import annotations

from aws_cdk import App, BootstraplessSynthesizer, CfnOutput, Fn, Stack

from templates import names
from templates.build_pipeline import add_build_pipeline
from templates.deploy_pipeline import add_deploy_pipeline
from templates.hub import add_hub_mapping, lint_metadata
from templates.parameters import add_parameters, add_project_tags, interface_metadata
from templates.permissions import acknowledge_patterns, add_roles
from templates.registry import add_model_package_group
from templates.repositories import Repositories, add_repositories
from templates.settings import Settings
from templates.storage import add_artifact_bucket

STACK = "LockgateProject"


def add_product(app: App, settings: Settings) -> Stack:
    """Add one project's stack. It serves Service Catalog and S3-hosted project templates alike, so it has no assets."""
    stack = Stack(
        app,
        STACK,
        synthesizer=BootstraplessSynthesizer(),
        description=f"Lockgate SageMaker project, version {settings.version}: models built and deployed through gates",
    )
    stack.template_options.metadata = interface_metadata() | lint_metadata()
    add_parameters(stack)
    add_hub_mapping(stack)
    _add_outputs(stack, _add_resources(stack, settings))
    add_project_tags(stack)
    acknowledge_patterns(stack)
    return stack


def _add_resources(stack: Stack, settings: Settings) -> Repositories:
    bucket = add_artifact_bucket(stack, settings)
    roles = add_roles(stack)
    group = add_model_package_group(stack)
    repositories = add_repositories(stack, settings)
    build = add_build_pipeline(stack, settings, roles, bucket.ref)
    deploy = add_deploy_pipeline(stack, settings, roles, bucket.ref)
    # CodePipeline runs a new pipeline once, by itself: that run builds the seed, so everything it needs comes first.
    for resource in (repositories.build, group):
        build.add_resource_dependency(resource)
    deploy.add_resource_dependency(repositories.deploy)
    return repositories


def _add_outputs(stack: Stack, repositories: Repositories) -> None:
    outputs = {
        "ModelBuildCloneUrl": (repositories.build.attr_clone_url_http, "git clone URL of the model build code"),
        "ModelDeployCloneUrl": (repositories.deploy.attr_clone_url_http, "git clone URL of the deploy code"),
        "ModelBuildPipelineName": (Fn.ref("BuildPipeline"), "CodePipeline that builds and registers models"),
        "ModelDeployPipelineName": (Fn.ref("DeployPipeline"), "CodePipeline that deploys an approved version"),
        "ModelPackageGroupName": (Fn.sub(names.MODEL_PACKAGE_GROUP), "Model package group of the project"),
        "ArtifactBucketName": (Fn.ref("ArtifactBucket"), "Bucket of the project's artifacts"),
    }
    for key, (value, description) in outputs.items():
        CfnOutput(stack, key, value=value, description=description)

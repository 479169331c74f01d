"""The resource types the twin makes: one adapter per file, each with calls of public APIs only."""

from __future__ import annotations

from collections.abc import Mapping

from lockgate_twin.cloudformation.resources import (
    cdk_metadata,
    cloudwatch_alarm,
    codebuild_project,
    codecommit_repository,
    codepipeline_pipeline,
    events_rule,
    iam_managed_policy,
    iam_policy,
    iam_role,
    kms_alias,
    kms_key,
    lambda_function,
    lambda_permission,
    logs_log_group,
    s3_bucket,
    s3_bucket_policy,
    sagemaker_code_repository,
    sagemaker_endpoint,
    sagemaker_endpoint_config,
    sagemaker_model,
    sagemaker_model_package_group,
    sagemaker_pipeline,
    sns_topic,
    sqs_queue,
    sqs_queue_policy,
    ssm_parameter,
)
from lockgate_twin.cloudformation.resources.adapter import Adapter

_MODULES = (
    cdk_metadata,
    cloudwatch_alarm,
    codebuild_project,
    codecommit_repository,
    codepipeline_pipeline,
    events_rule,
    iam_managed_policy,
    iam_policy,
    iam_role,
    kms_alias,
    kms_key,
    lambda_function,
    lambda_permission,
    logs_log_group,
    s3_bucket,
    s3_bucket_policy,
    sagemaker_code_repository,
    sagemaker_endpoint,
    sagemaker_endpoint_config,
    sagemaker_model,
    sagemaker_model_package_group,
    sagemaker_pipeline,
    sns_topic,
    sqs_queue,
    sqs_queue_policy,
    ssm_parameter,
)
ADAPTERS: Mapping[str, Adapter] = {module.ADAPTER.type: module.ADAPTER for module in _MODULES}

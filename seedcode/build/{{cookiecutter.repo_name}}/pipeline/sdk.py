"""The SageMaker Python SDK's session, set up to build a definition quietly, quickly and without telemetry."""

from __future__ import annotations

import logging
import warnings

import boto3
from sagemaker.core.config.config_manager import SageMakerConfig
from sagemaker.core.workflow.pipeline_context import PipelineSession

TELEMETRY_OFF = {"SchemaVersion": "1.0", "SageMaker": {"PythonSDK": {"Modules": {"TelemetryOptOut": True}}}}


def open_session(region: str, bucket: str) -> PipelineSession:
    """A session that records requests instead of sending them, with the SDK's telemetry switched off."""
    logging.disable(logging.WARNING)  # the SDK's loggers set their own levels
    warnings.filterwarnings("ignore", message="Running within a PipelineSession")
    _validate_defaults_once()
    boto_session = boto3.Session(region_name=region)
    return PipelineSession(boto_session=boto_session, default_bucket=bucket, sagemaker_config=TELEMETRY_OFF)


def _validate_defaults_once() -> None:
    """Check TELEMETRY_OFF against the SDK's schema now, and not again.

    sagemaker 3.27.0 repeats this check at each of some forty look-ups of a default, three seconds for each
    definition.
    """
    SageMakerConfig.validate_sagemaker_config(TELEMETRY_OFF)
    SageMakerConfig.validate_sagemaker_config = staticmethod(lambda sagemaker_config=None: None)

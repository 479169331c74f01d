"""SageMaker: the model registry, pipelines, jobs, models and endpoints of the twin."""

from lockgate_twin.services.sagemaker.service import SageMaker, assemble

__all__ = ["SageMaker", "assemble"]

"""SageMaker Projects: a project is what a Service Catalog product, or a template in S3, provisions for it."""

from lockgate_twin.services.sagemaker_projects.service import Projects

__all__ = ["Projects"]

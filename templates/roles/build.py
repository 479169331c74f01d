"""The build role: CodeBuild tests the model build code and runs its SageMaker pipeline. It registers nothing itself."""

from __future__ import annotations

from templates import names
from templates.roles import shared
from templates.statements import Statement

_PIPELINE = names.arn("sagemaker", f"pipeline/sagemaker-*-{names.PROJECT_ID}")

STATEMENTS = (
    shared.write_build_logs(names.MODELBUILD),
    shared.LIST_BUCKET,
    shared.OBJECTS,
    shared.USE_KEY,
    Statement(
        sid="RunSageMakerPipeline",
        actions=(
            "sagemaker:AddTags",
            "sagemaker:CreatePipeline",
            "sagemaker:DescribePipeline",
            "sagemaker:DescribePipelineExecution",
            "sagemaker:ListPipelineExecutionSteps",
            "sagemaker:ListPipelineExecutions",
            "sagemaker:ListTags",
            "sagemaker:StartPipelineExecution",
            "sagemaker:UpdatePipeline",
        ),
        resources=(_PIPELINE, f"{_PIPELINE}/execution/*"),
        reason="The project's own pipeline and its executions; SageMaker may lower-case the project's name in the ARN.",
    ),
    shared.READ_REGISTRY,
    shared.PASS_EXECUTION_ROLE,
    shared.KEEP_PIPELINE_ARTIFACTS,
    shared.DENY_APPROVAL,
)

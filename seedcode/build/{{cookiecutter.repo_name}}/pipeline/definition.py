"""The SageMaker pipeline: prepare -> train -> evaluate -> good enough? -> register, or fail with the reason.

This is the only module that imports the SageMaker Python SDK (three seconds), and only a push that changes
something needs it. The definition holds no date, no commit and no path of the build machine: same source,
same bytes.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from sagemaker.core import image_uris
from sagemaker.core.drift_check_baselines import DriftCheckBaselines
from sagemaker.core.metadata_properties import MetadataProperties
from sagemaker.core.model_metrics import MetricsSource, ModelMetrics
from sagemaker.core.network import NetworkConfig
from sagemaker.core.processing import Processor
from sagemaker.core.shapes import (
    ProcessingInput,
    ProcessingOutput,
    ProcessingS3Input,
    ProcessingS3Output,
)
from sagemaker.core.workflow.conditions import ConditionGreaterThanOrEqualTo
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join, JsonGet
from sagemaker.core.workflow.parameters import ParameterFloat, ParameterString
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.fail_step import FailStep
from sagemaker.mlops.workflow.model_step import ModelStep
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.steps import CacheConfig, ProcessingStep, TrainingStep
from sagemaker.serve import ModelBuilder
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, InputData, OutputDataConfig, StoppingCondition

from pipeline import __version__
from pipeline.config import Config
from pipeline.environment import Environment
from pipeline.sdk import open_session
from pipeline.source import CodeLocations

XGBOOST_VERSION = "3.2-0"
JOB_LIMIT_SECONDS = 3600
JSON = "application/json"
INPUT_DIR = "/opt/ml/processing/input"
CODE_DIR = f"{INPUT_DIR}/code"
REPORT = PropertyFile(name="EvaluationReport", output_name="evaluation", path="evaluation.json")
NOT_RECORDED = "not-recorded"  # of an execution that somebody started by hand
BY_HAND = "Started by hand"
# SageMaker's toolkit runs `pip install .` on this code before it trains or serves. pip would fetch setuptools
# for that, unpinned, which fails without a network (aws/deep-learning-containers, xgboost 3.2.0,
# test_network_isolation.py). "0" lets it use the image's own: pip reads its no-switches the wrong way round.
BUILD_OFFLINE = {"PIP_NO_BUILD_ISOLATION": "0"}


@dataclass(frozen=True)
class Parameters:
    """What can be set anew at each start of the pipeline."""

    input_data_url: ParameterString
    auc_threshold: ParameterFloat
    commit_id: ParameterString
    source_digest: ParameterString
    build_reason: ParameterString
    processing_instance_type: ParameterString
    training_instance_type: ParameterString


@dataclass(frozen=True)
class Context:
    """What every step needs to be described."""

    config: Config
    environment: Environment
    code: CodeLocations
    parameters: Parameters
    session: PipelineSession
    image: str
    caching: bool

    @property
    def root(self) -> str:
        """S3 address below which this pipeline writes."""
        return f"s3://{self.environment.artifact_bucket}/{self.environment.pipeline_name}"


def build_definition(
    config: Config, environment: Environment, code: CodeLocations, *, caching: bool = True
) -> str:
    """The pipeline definition as canonical JSON: sorted keys, no spaces. Without caching every step runs."""
    definition = json.loads(build_pipeline(config, environment, code, caching=caching).definition())
    return json.dumps(definition, sort_keys=True, separators=(",", ":"))


def build_pipeline(
    config: Config, environment: Environment, code: CodeLocations, *, caching: bool
) -> Pipeline:
    """The pipeline as the SDK's object."""
    session = open_session(environment.region, environment.artifact_bucket)
    parameters = _parameters(config, code)
    image = image_uris.retrieve("xgboost", environment.region, version=XGBOOST_VERSION)
    context = Context(config, environment, code, parameters, session, image, caching)
    prepare = _prepare(context)
    train = _train(context, prepare)
    evaluate = _evaluate(context, prepare, train)
    return Pipeline(
        name=environment.pipeline_name,
        parameters=list(vars(parameters).values()),
        steps=[prepare, train, evaluate, _gate(context, train, evaluate)],
        sagemaker_session=session,
        pipeline_experiment_config=None,
    )


def _parameters(config: Config, code: CodeLocations) -> Parameters:
    return Parameters(
        input_data_url=ParameterString("InputDataUrl", default_value=code.data),
        auc_threshold=ParameterFloat("AucThreshold", default_value=config.quality.auc_threshold),
        commit_id=ParameterString("CommitId", default_value=NOT_RECORDED),
        source_digest=ParameterString("SourceDigest", default_value=NOT_RECORDED),
        build_reason=ParameterString("BuildReason", default_value=BY_HAND),
        processing_instance_type=ParameterString(
            "ProcessingInstanceType", default_value=config.instances.processing
        ),
        training_instance_type=ParameterString(
            "TrainingInstanceType", default_value=config.instances.training
        ),
    )


def _prepare(context: Context) -> ProcessingStep:
    """Check the table, split it, and describe its columns."""
    arguments = ["--table", f"{CODE_DIR}/table.json", "--input-dir", "/opt/ml/processing/input/data"]
    arguments += ["--output-dir", "/opt/ml/processing/output", "--message-file", "/opt/ml/output/message"]
    step_args = _processor(context, "prepare.py").run(
        inputs=[
            _input("code", context.code.prepare, CODE_DIR),
            _input("data", context.parameters.input_data_url, "/opt/ml/processing/input/data"),
        ],
        outputs=[_output(context, "prepare", name) for name in ("train", "validation", "test")],
        arguments=arguments,
    )
    # SageMaker compares addresses, not bytes: a table outside the repository could change unnoticed.
    cached = context.caching and not context.config.data.is_remote
    return ProcessingStep("Prepare", step_args=step_args, cache_config=_cache(enabled=cached))


def _train(context: Context, prepare: ProcessingStep) -> TrainingStep:
    """XGBoost in script mode: the image's toolkit runs train.py from the content-hashed archive."""
    hyperparameters = {name: str(value) for name, value in asdict(context.config.training).items()}
    hyperparameters |= {"sagemaker_program": "train.py", "sagemaker_submit_directory": context.code.train}
    trainer = ModelTrainer(
        training_image=context.image,
        role=context.environment.execution_role_arn,
        sagemaker_session=context.session,
        base_job_name="train",
        compute=Compute(
            instance_type=context.parameters.training_instance_type, instance_count=1, volume_size_in_gb=30
        ),
        stopping_condition=StoppingCondition(max_runtime_in_seconds=JOB_LIMIT_SECONDS),
        output_data_config=OutputDataConfig(
            s3_output_path=f"{context.root}/models", kms_key_id=context.environment.kms_key_arn
        ),
        hyperparameters=hyperparameters,
        environment=dict(BUILD_OFFLINE),
    )
    channels = [
        InputData(channel_name=name, data_source=_prepared(prepare, name), content_type="text/csv")
        for name in ("train", "validation")
    ]
    step_args = trainer.train(input_data_config=channels)
    return TrainingStep("Train", step_args=step_args, cache_config=_cache(enabled=context.caching))


def _evaluate(context: Context, prepare: ProcessingStep, train: TrainingStep) -> ProcessingStep:
    """Score the held-out rows with the model archive exactly as it will be served, and write the evidence."""
    options = {
        "model-dir": f"{INPUT_DIR}/model",
        "train-dir": f"{INPUT_DIR}/train",
        "test-dir": f"{INPUT_DIR}/test",
        "policy": f"{CODE_DIR}/policy.yaml",
        "output-dir": "/opt/ml/processing/output/evaluation",
        "evidence-dir": "/opt/ml/processing/output/evidence",
        "message-file": "/opt/ml/output/message",
        "commit": context.parameters.commit_id,
        "image": context.image,
        "seed-version": __version__,
        "cutoff": str(context.config.quality.cutoff),
    }
    step_args = _processor(context, "evaluate.py").run(
        inputs=[
            _input("code", context.code.evaluate, CODE_DIR),
            _input("model", train.properties.ModelArtifacts.S3ModelArtifacts, f"{INPUT_DIR}/model"),
            *(_input(name, _prepared(prepare, name), f"{INPUT_DIR}/{name}") for name in ("train", "test")),
        ],
        outputs=[_output(context, "evaluate", name) for name in ("evaluation", "evidence")],
        arguments=[part for name, value in options.items() for part in (f"--{name}", value)],
    )
    caching = _cache(enabled=context.caching)
    return ProcessingStep("Evaluate", step_args=step_args, property_files=[REPORT], cache_config=caching)


def _gate(context: Context, train: TrainingStep, evaluate: ProcessingStep) -> ConditionStep:
    """Register the model if its AUC reaches the threshold; otherwise fail with the reason."""
    auc = JsonGet(step_name=evaluate.name, property_file=REPORT, json_path="auc")
    threshold = context.parameters.auc_threshold
    advice = ": nothing was registered. Improve the model, or change quality.auc_threshold in config.toml."
    words = ["The AUC on held-out rows is ", auc, ", below the threshold ", threshold, advice]
    return ConditionStep(
        "AucReachesThreshold",
        conditions=[ConditionGreaterThanOrEqualTo(left=auc, right=threshold)],
        if_steps=[_register(context, train, evaluate)],
        else_steps=[FailStep("AucBelowThreshold", error_message=Join(on="", values=words))],
    )


def _register(context: Context, train: TrainingStep, evaluate: ProcessingStep) -> ModelStep:
    """A new version in the registry, waiting for approval, with its evidence and the digest of its bytes."""
    builder = ModelBuilder(
        image_uri=context.image,
        s3_model_data_url=train.properties.ModelArtifacts.S3ModelArtifacts,
        role_arn=context.environment.execution_role_arn,
        sagemaker_session=context.session,
        dependencies={},  # the archive is complete: the SDK must not look for code to add
        # Without these v3 registers an empty SAGEMAKER_PROGRAM, with which the XGBoost image cannot start.
        env_vars={
            "SAGEMAKER_PROGRAM": "inference.py",
            "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
            "SAGEMAKER_CONTAINER_LOG_LEVEL": "20",
            "SAGEMAKER_REGION": context.environment.region,
            **BUILD_OFFLINE,
        },
    )
    step_args = builder.register(
        model_package_group_name=context.environment.model_package_group,
        approval_status="PendingManualApproval",
        content_types=["text/csv"],
        response_types=["text/csv", JSON],
        description=Join(
            on="", values=[context.parameters.build_reason, "; commit ", context.parameters.commit_id]
        ),
        model_metrics=_metrics(evaluate),
        drift_check_baselines=_baselines(evaluate),
        metadata_properties=MetadataProperties(
            commit_id=context.parameters.commit_id,
            repository=context.environment.repository,
            generated_by=ExecutionVariables.PIPELINE_EXECUTION_ARN,
            project_id=context.environment.project_id,
        ),
        customer_metadata_properties={
            "ModelDigest": _reported(evaluate, "model_digest"),
            "DataDigest": _reported(evaluate, "data_digest"),
            "SourceDigest": context.parameters.source_digest,
            "EvaluationDataUri": _evidence_file(evaluate, "holdout.csv"),
            "EvidenceUri": _evidence_file(evaluate, ""),
            "EvidenceDigest": _reported(evaluate, "evidence_digest"),
        },
    )
    return ModelStep("RegisterModel", step_args=step_args)


def _metrics(evaluate: ProcessingStep) -> ModelMetrics:
    """The reports about this version."""
    return ModelMetrics(
        model_statistics=_source(evaluate, "statistics.json"),
        model_constraints=_source(evaluate, "constraints.json"),
        model_data_statistics=_source(evaluate, "data_quality/statistics.json"),
        model_data_constraints=_source(evaluate, "data_quality/constraints.json"),
        bias=_source(evaluate, "analysis.json"),
        explainability=_source(evaluate, "analysis.json"),
    )


def _baselines(evaluate: ProcessingStep) -> DriftCheckBaselines:
    """What later versions, and the endpoint's traffic, are compared with once this version is approved."""
    return DriftCheckBaselines(
        model_statistics=_source(evaluate, "statistics.json"),
        model_constraints=_source(evaluate, "constraints.json"),
        model_data_statistics=_source(evaluate, "data_quality/statistics.json"),
        model_data_constraints=_source(evaluate, "data_quality/constraints.json"),
        bias_pre_training_constraints=_source(evaluate, "analysis.json"),
        bias_post_training_constraints=_source(evaluate, "analysis.json"),
        explainability_constraints=_source(evaluate, "analysis.json"),
    )


def _processor(context: Context, script: str) -> Processor:
    return Processor(
        image_uri=context.image,
        role=context.environment.execution_role_arn,
        instance_count=1,
        instance_type=context.parameters.processing_instance_type,
        entrypoint=["python3", f"{CODE_DIR}/{script}"],
        output_kms_key=context.environment.kms_key_arn,
        max_runtime_in_seconds=JOB_LIMIT_SECONDS,
        sagemaker_session=context.session,
        network_config=NetworkConfig(enable_network_isolation=True),
    )


def _input(name: str, source: Any, local_path: str) -> ProcessingInput:
    location = ProcessingS3Input(
        s3_uri=source,
        local_path=local_path,
        s3_data_type="S3Prefix",
        s3_input_mode="File",
        s3_data_distribution_type="FullyReplicated",
    )
    return ProcessingInput(input_name=name, s3_input=location)


def _output(context: Context, step: str, name: str) -> ProcessingOutput:
    address = Join(
        on="/", values=[context.root, "executions", ExecutionVariables.PIPELINE_EXECUTION_ID, step, name]
    )
    location = ProcessingS3Output(
        s3_uri=address, local_path=f"/opt/ml/processing/output/{name}", s3_upload_mode="EndOfJob"
    )
    return ProcessingOutput(output_name=name, s3_output=location)


def _prepared(prepare: ProcessingStep, name: str) -> Any:
    return prepare.properties.ProcessingOutputConfig.Outputs[name].S3Output.S3Uri


def _evidence_file(evaluate: ProcessingStep, name: str) -> Join:
    """Address of a file of the evidence; without a name the folder's own, which ends in a slash."""
    folder = evaluate.properties.ProcessingOutputConfig.Outputs["evidence"].S3Output.S3Uri
    return Join(on="", values=[folder, f"/{name}"])


def _source(evaluate: ProcessingStep, name: str) -> MetricsSource:
    return MetricsSource(content_type=JSON, s3_uri=_evidence_file(evaluate, name))


def _reported(evaluate: ProcessingStep, key: str) -> JsonGet:
    return JsonGet(step_name=evaluate.name, property_file=REPORT, json_path=key)


def _cache(*, enabled: bool) -> CacheConfig:
    return CacheConfig(enable_caching=enabled, expire_after="P30D")

"""SageMaker put together: this file only wires its parts."""

from __future__ import annotations

from dataclasses import dataclass

from lockgate_twin.jobs.running import Launcher
from lockgate_twin.ports import Context, Service
from lockgate_twin.services.sagemaker import request_shapes
from lockgate_twin.services.sagemaker.callback_steps import Callbacks
from lockgate_twin.services.sagemaker.code_repositories import CodeRepositories
from lockgate_twin.services.sagemaker.endpoint_configs import EndpointConfigs
from lockgate_twin.services.sagemaker.endpoints import Endpoints
from lockgate_twin.services.sagemaker.model_cards import ModelCards
from lockgate_twin.services.sagemaker.model_package_groups import ModelPackageGroups
from lockgate_twin.services.sagemaker.model_packages import ModelPackages
from lockgate_twin.services.sagemaker.models import Models
from lockgate_twin.services.sagemaker.pipeline_executions import PipelineExecutions
from lockgate_twin.services.sagemaker.pipelines import Pipelines
from lockgate_twin.services.sagemaker.processing_jobs import ProcessingJobs
from lockgate_twin.services.sagemaker.runtime import Runtime
from lockgate_twin.services.sagemaker.step_runners import runners
from lockgate_twin.services.sagemaker.tags import Tagging, TagRegistry
from lockgate_twin.services.sagemaker.training_jobs import TrainingJobs
from lockgate_twin.services.sagemaker.transform_jobs import TransformJobs
from lockgate_twin.services.timers import Scheduler, Timers


@dataclass(frozen=True, kw_only=True)
class SageMaker:
    """All services of sagemaker and sagemaker-runtime; `tags` is where others (projects) register their resources."""

    services: tuple[Service, ...]
    launcher: Launcher
    tags: TagRegistry
    groups: ModelPackageGroups
    packages: ModelPackages
    executions: PipelineExecutions
    callbacks: Callbacks
    processing: ProcessingJobs
    training: TrainingJobs
    transform: TransformJobs
    endpoints: Endpoints
    clock: Scheduler

    def warm_up(self) -> None:
        """Do once, in the background, what the first job and the first pipeline would wait for (0.3 s)."""
        _ = self.launcher.sandbox
        request_shapes.request_shape("Processing")

    def close(self) -> None:
        """Stop executions, jobs and endpoints."""
        self.executions.close()
        self.callbacks.close()
        self.processing.close()
        self.training.close()
        self.transform.close()
        self.endpoints.close()
        self.clock.close()


def assemble(context: Context, clock: Scheduler | None = None) -> SageMaker:
    """Construct every part for one twin; `clock` is for tests that move the time themselves."""
    clock = clock or Timers(context.in_background)
    tags = TagRegistry(context.table("sagemaker.tags"))
    launcher = Launcher(context.start_process, context.settings.python)
    groups = ModelPackageGroups(context, tags)
    packages = ModelPackages(context, groups)
    processing, training = ProcessingJobs(context, launcher, tags), TrainingJobs(context, launcher, tags)
    pipelines = Pipelines(context, tags)
    models = Models(context, packages, tags)
    transform = TransformJobs(context, launcher, models, tags)
    callbacks = Callbacks()
    waiters = {"ProcessingJob": processing.wait, "TrainingJob": training.wait, "TransformJob": transform.wait}
    executions = PipelineExecutions(context, pipelines, runners(waiters, callbacks))
    configs = EndpointConfigs(context, models, tags)
    endpoints = Endpoints(context, launcher, configs, clock)
    registry: tuple[Service, ...] = (groups, packages, ModelCards(context, tags), Tagging(tags))
    building: tuple[Service, ...] = (pipelines, executions, callbacks)
    hosting: tuple[Service, ...] = (models, configs, endpoints, Runtime(endpoints))
    return SageMaker(
        services=(*registry, *building, processing, training, transform, *hosting, CodeRepositories(context, tags)),
        launcher=launcher,
        tags=tags,
        groups=groups,
        packages=packages,
        executions=executions,
        callbacks=callbacks,
        processing=processing,
        training=training,
        transform=transform,
        endpoints=endpoints,
        clock=clock,
    )

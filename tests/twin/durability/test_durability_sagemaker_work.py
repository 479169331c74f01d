"""What SageMaker's pipelines, jobs and endpoints are after their twin has ended, orderly or killed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from lockgate_twin.errors import ApiError

from tests.twin.durability.sagemaker_restarts import Restarting, job, step

WAITS = ("sleep", "600")
EXECUTION = "SageMaker Model Building Pipeline Execution Status Change"


@pytest.fixture
def twin(tmp_path: Path) -> Iterator[Restarting]:
    """The services in a folder of their own."""
    made = Restarting(tmp_path / "state")
    yield made
    made.close()


@pytest.fixture(params=["killed", "ended"])
def restart(request: pytest.FixtureRequest, twin: Restarting) -> Callable[[], None]:
    """The two ways to the next twin."""
    return {"killed": twin.kill, "ended": twin.end}[request.param]


def under_way(twin: Restarting, *others: dict[str, Any]) -> str:
    """Start an execution, wait until a job of it has started, and return its ARN."""
    twin.pipeline(step("Wait", *WAITS), *others)
    arn = twin.start_pipeline()
    while not twin("ListProcessingJobs")["ProcessingJobSummaries"] or "Metadata" not in twin.steps(arn)["Wait"]:
        twin.sagemaker.executions.executions.all()[0].done.wait(0.01)
    return arn


def test_an_execution_that_was_over_is_read_as_before(twin: Restarting, restart: Callable[[], None]) -> None:
    """Describe and List answer the same about an execution, its steps and its jobs."""
    twin.pipeline(step("One", "true"), step("Two", "false", DependsOn=["One"]))
    arn = twin.start_pipeline()
    before = twin.finished(arn), twin.steps(arn), twin("ListPipelineExecutions", PipelineName="demo")
    jobs = twin("ListProcessingJobs")
    restart()
    after = twin.finished(arn), twin.steps(arn), twin("ListPipelineExecutions", PipelineName="demo")
    assert after == before
    assert before[0]["PipelineExecutionStatus"] == "Failed"
    assert twin("ListProcessingJobs") == jobs


def test_an_execution_that_ran_is_stopped_with_the_reason(twin: Restarting, restart: Callable[[], None]) -> None:
    """No execution and no step of it is left running; both tell why, and the pipeline can be deleted."""
    arn = under_way(twin, step("After", "true", DependsOn=["Wait"]))
    restart()
    execution, steps = twin("DescribePipelineExecution", PipelineExecutionArn=arn), twin.steps(arn)
    assert (execution["PipelineExecutionStatus"], steps["Wait"]["StepStatus"]) == ("Stopped", "Stopped")
    assert "The twin ended" in execution["FailureReason"]
    assert "The twin ended" in steps["Wait"]["FailureReason"]
    assert list(steps) == ["Wait"]
    assert twin("DeletePipeline", PipelineName="demo", ClientRequestToken="d" * 32)


def test_the_end_of_an_execution_is_told(twin: Restarting, restart: Callable[[], None]) -> None:
    """The event of its new status is emitted by the twin that found the execution running."""
    under_way(twin)
    restart()
    assert twin.world.statuses(EXECUTION, "currentPipelineExecutionStatus") == ["Stopped"]


def test_a_job_that_ran_has_failed_with_the_reason(twin: Restarting, restart: Callable[[], None]) -> None:
    """Its program ended with the twin: the job is Failed, says so, and its name stays taken."""
    twin("CreateProcessingJob", ProcessingJobName="long", **job(*WAITS))
    restart()
    described = twin("DescribeProcessingJob", ProcessingJobName="long")
    assert described["ProcessingJobStatus"] == "Failed"
    assert described["FailureReason"].startswith("InternalServerError: The twin ended")
    with pytest.raises(ApiError, match="already exists"):
        twin("CreateProcessingJob", ProcessingJobName="long", **job(*WAITS))


def test_a_job_that_was_being_stopped_is_stopped(twin: Restarting) -> None:
    """A job that somebody had stopped did not fail."""
    ignores = ("bash", "-c", "trap '' TERM; while true; do sleep 0.05; done")
    twin("CreateProcessingJob", ProcessingJobName="long", **job(*ignores))
    twin("StopProcessingJob", ProcessingJobName="long")
    twin.kill()
    assert twin("DescribeProcessingJob", ProcessingJobName="long")["ProcessingJobStatus"] == "Stopped"


def test_a_client_request_token_still_names_its_execution(twin: Restarting, restart: Callable[[], None]) -> None:
    """The same token starts nothing again, even after a restart."""
    twin.pipeline(step("One", "true"))
    arn = twin.start_pipeline(token="k" * 32)
    twin.finished(arn)
    restart()
    assert twin.start_pipeline(token="k" * 32) == arn
    assert len(twin("ListPipelineExecutions", PipelineName="demo")["PipelineExecutionSummaries"]) == 1


def test_cached_steps_stay_cached(twin: Restarting, restart: Callable[[], None]) -> None:
    """A step of which a successful run is known is not run again by the next twin."""
    twin.pipeline(step("One", "true", CacheConfig={"Enabled": True, "ExpireAfter": "P1D"}))
    first = twin.start_pipeline()
    twin.finished(first)
    restart()
    second = twin.start_pipeline()
    assert twin.finished(second)["PipelineExecutionStatus"] == "Succeeded"
    assert twin.steps(second)["One"]["CacheHitResult"] == {"SourcePipelineExecutionArn": first}


def test_a_pipeline_keeps_its_versions(twin: Restarting, restart: Callable[[], None]) -> None:
    """Each definition, the settings and who changed them are as before; the next version has the next number."""
    first = twin.pipeline(step("One", "true"))
    twin("UpdatePipeline", PipelineName="demo", PipelineDefinition=first.replace("One", "Two"))
    twin("UpdatePipeline", PipelineName="demo", PipelineDescription="described")
    before = twin("DescribePipeline", PipelineName="demo")
    restart()
    assert twin("DescribePipeline", PipelineName="demo") == before
    assert twin("DescribePipeline", PipelineName="demo", PipelineVersionId=1)["PipelineDefinition"] == first
    changed = twin("UpdatePipeline", PipelineName="demo", PipelineDefinition=first.replace("One", "Three"))
    assert changed["PipelineVersionId"] == 3


def test_nothing_is_left_of_a_deleted_pipeline(twin: Restarting, restart: Callable[[], None]) -> None:
    """A pipeline made again under a deleted one's name has no executions, not even after a restart."""
    twin.pipeline(step("One", "true"))
    twin.finished(twin.start_pipeline(token="k" * 32))
    twin("DeletePipeline", PipelineName="demo", ClientRequestToken="d" * 32)
    twin.pipeline(step("One", "true"))
    restart()
    assert twin("ListPipelineExecutions", PipelineName="demo")["PipelineExecutionSummaries"] == []
    assert "LastRunTime" not in twin("DescribePipeline", PipelineName="demo")


def test_an_endpoint_serves_again(twin: Restarting, restart: Callable[[], None]) -> None:
    """Its server is started again, its description is the same, and nobody is told of a change there was not."""
    twin("CreateEndpoint", EndpointName="shop", EndpointConfigName=twin.endpoint_config("two"))
    twin.world.settle()
    before = twin("DescribeEndpoint", EndpointName="shop")
    restart()
    twin.world.settle()
    assert before["EndpointStatus"] == "InService"
    assert twin("DescribeEndpoint", EndpointName="shop") == before
    assert twin.answer() == b"6.0"
    assert twin.world.events == []


def test_a_caller_waits_until_an_endpoint_serves_again(twin: Restarting, restart: Callable[[], None]) -> None:
    """From the next twin's first moment an endpoint that was InService answers."""
    twin("CreateEndpoint", EndpointName="shop", EndpointConfigName=twin.endpoint_config("two"))
    twin.world.settle()
    restart()
    assert twin.answer() == b"6.0"


def test_an_endpoint_serves_on_without_its_model_and_configuration(twin: Restarting) -> None:
    """Deleting what an endpoint was made of does not end it, not even with the twin."""
    twin("CreateEndpoint", EndpointName="shop", EndpointConfigName=twin.endpoint_config("two"))
    twin.world.settle()
    twin("DeleteEndpointConfig", EndpointConfigName="two")
    twin("DeleteModel", ModelName="two")
    twin.kill()
    twin.world.settle()
    assert twin.answer() == b"6.0"


def test_an_endpoint_that_was_being_created_is_created(twin: Restarting) -> None:
    """What the call had promised comes true in the next twin."""
    config = twin.endpoint_config("two")
    twin("CreateEndpoint", EndpointName="shop", EndpointConfigName=config)
    twin.kill()
    twin.world.settle()
    assert twin("DescribeEndpoint", EndpointName="shop")["EndpointStatus"] == "InService"
    assert twin.answer() == b"6.0"


def test_an_endpoint_that_was_being_updated_is_updated(twin: Restarting) -> None:
    """The new configuration serves in the end."""
    twin("CreateEndpoint", EndpointName="shop", EndpointConfigName=twin.endpoint_config("two"))
    twin.world.settle()
    twin("UpdateEndpoint", EndpointName="shop", EndpointConfigName=twin.endpoint_config("three", "3"))
    twin.kill()
    twin.world.settle()
    described = twin("DescribeEndpoint", EndpointName="shop")
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", "three")
    assert twin.answer() == b"9.0"


def test_an_endpoint_that_cannot_be_served_again_has_failed(twin: Restarting) -> None:
    """It tells why, instead of being Updating for ever."""
    twin("CreateEndpoint", EndpointName="shop", EndpointConfigName=twin.endpoint_config("two"))
    twin.world.settle()
    twin.world.s3.objects.clear()
    twin.kill()
    twin.world.settle()
    described = twin("DescribeEndpoint", EndpointName="shop")
    assert described["EndpointStatus"] == "Failed"
    assert "Failed to download model data" in described["FailureReason"]


def test_an_endpoint_that_was_being_deleted_is_gone(twin: Restarting) -> None:
    """A deletion that was accepted is carried out."""
    twin("CreateEndpoint", EndpointName="shop", EndpointConfigName=twin.endpoint_config("two"))
    twin.world.settle()
    twin("DeleteEndpoint", EndpointName="shop")
    twin.kill()
    assert twin("ListEndpoints")["Endpoints"] == []

"""Models and endpoints: the user's inference code is really served and invoked over HTTP."""

from __future__ import annotations

import base64
import io
import json
import tarfile
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from lockgate_twin.errors import ApiError, NotImplementedByTwin
from lockgate_twin.jobs.serving import Request
from lockgate_twin.services.sagemaker.errors import ModelError

BUCKET = "sagemaker-project-p-test"
ROLE = "arn:aws:iam::111122223333:role/lockgate/sagemaker-p-test-execution"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0"
ENVIRONMENT = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
STATUS = "SageMaker Endpoint State Change"

INFERENCE = """
import json, os, pathlib, threading
from werkzeug.wrappers import Response
together = threading.Barrier(2, timeout=10)

def model_fn(model_dir):
    return float(pathlib.Path(model_dir, "factor").read_text())

def input_fn(body, content_type):
    assert isinstance(body, str), type(body)
    if content_type != "text/csv":
        return Response(f"send text/csv, not {content_type}", status=415)
    if body == "together":
        together.wait()
        return [[1.0]]
    return [[float(cell) for cell in line.split(",")] for line in body.strip().splitlines()]

def predict_fn(rows, model):
    return rows if isinstance(rows, Response) else [sum(row) * model for row in rows]

def output_fn(prediction, accept):
    if isinstance(prediction, Response):
        return prediction
    if accept == "application/json":
        return json.dumps({"predictions": prediction}), accept
    return "\\n".join(map(str, prediction)), "text/csv"
"""


def archive(factor: str, code: str = INFERENCE) -> bytes:
    """Return a model.tar.gz with one number as its model and inference code."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, text in (("factor", factor), ("code/inference.py", code)):
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    return packed.getvalue()


def make_config(
    world: Any, name: str, factor: str = "2", code: str = INFERENCE, *, isolated: bool = False, **changes: Any
) -> str:
    """Create a model and an endpoint configuration that serves it; return the configuration's name."""
    url = world.put(f"models/{name}/model.tar.gz", archive(factor, code))
    container = {"Image": IMAGE, "ModelDataUrl": url, "Environment": ENVIRONMENT}
    world.call(
        "CreateModel",
        ModelName=f"{name}-model",
        ExecutionRoleArn=ROLE,
        PrimaryContainer=container,
        EnableNetworkIsolation=isolated,
    )
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": f"{name}-model",
        "InitialInstanceCount": 1,
        "InstanceType": "ml.m5.large",
    }
    world.call("CreateEndpointConfig", EndpointConfigName=name, ProductionVariants=[variant], **changes)
    return name


def deploy(world: Any, config: str, name: str = "Demo-staging") -> dict[str, Any]:
    """Create an endpoint, wait until it settled, and describe it."""
    world.call("CreateEndpoint", EndpointName=name, EndpointConfigName=config)
    world.settle()
    return dict(world.call("DescribeEndpoint", EndpointName=name))


def invoke(world: Any, body: str, **changes: Any) -> tuple[bytes, str]:
    """Invoke the endpoint with CSV and return body and content type."""
    request = {"EndpointName": "Demo-staging", "Body": body.encode(), "ContentType": "text/csv", **changes}
    answer = world.call("InvokeEndpoint", **request)
    assert answer["InvokedProductionVariant"] == "AllTraffic"
    return answer["Body"], answer["ContentType"]


def test_an_endpoint_serves_the_models_own_code(world: Any) -> None:
    """An endpoint becomes InService and answers with the model and the code of its archive."""
    described = deploy(world, make_config(world, "one"))
    assert described["EndpointStatus"] == "InService", described
    assert described["EndpointConfigName"] == "one"
    assert described["ProductionVariants"][0]["DeployedImages"][0]["SpecifiedImage"] == IMAGE
    assert invoke(world, "1,2\n3,4", Accept="text/csv") == (b"6.0\n14.0", "text/csv; charset=utf-8")
    body, content_type = invoke(world, "1", Accept="application/json")
    assert (json.loads(body), content_type) == ({"predictions": [2.0]}, "application/json")
    assert world.statuses(STATUS, "EndpointStatus") == ["CREATING", "IN_SERVICE"]
    assert world.events[-1].detail["EndpointArn"].endswith("endpoint/demo-staging")


@pytest.mark.parametrize(("isolated", "given"), [(True, b"False"), (False, b"True")])
def test_an_isolated_model_gets_no_credentials(world: Any, *, isolated: bool, given: bytes) -> None:
    """EnableNetworkIsolation: the container has no credentials of its role, as on AWS."""
    code = INFERENCE.replace('"\\n".join(map(str, prediction))', 'str("AWS_ACCESS_KEY_ID" in os.environ)')
    assert code != INFERENCE
    assert deploy(world, make_config(world, "kept", code=code, isolated=isolated))["EndpointStatus"] == "InService"
    assert invoke(world, "1", Accept="text/csv")[0] == given


def test_requests_are_answered_in_parallel(world: Any) -> None:
    """Two requests that wait for each other inside the model server are both answered."""
    deploy(world, make_config(world, "one"))
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: invoke(world, "together", Accept="text/csv"), range(2)))
    assert [body for body, _ in answers] == [b"2.0", b"2.0"]


def test_a_malformed_request_is_a_model_error(world: Any) -> None:
    """The container's status and message reach the caller; the endpoint goes on."""
    deploy(world, make_config(world, "one"))
    with pytest.raises(ModelError, match="could not convert string to float: 'x'") as caught:
        invoke(world, "x")
    assert (caught.value.status, caught.value.details["OriginalStatusCode"]) == (424, 500)
    with pytest.raises(ModelError, match="send text/csv, not application/json") as caught:
        invoke(world, "[]", ContentType="application/json")
    assert caught.value.details["OriginalStatusCode"] == 415
    log = caught.value.message.rpartition("Log: ")[2]
    with open(log) as lines:  # noqa: PTH123
        assert "Traceback" in lines.read()
    assert invoke(world, "1", Accept="text/csv")[0] == b"2.0"


def test_an_endpoint_or_variant_that_does_not_exist(world: Any) -> None:
    """The runtime's ValidationError names what is missing."""
    with pytest.raises(ApiError, match="ValidationError: Endpoint Demo-staging of account 111122223333 not found"):
        invoke(world, "1")
    deploy(world, make_config(world, "one"))
    with pytest.raises(ApiError, match="Variant other of endpoint"):
        invoke(world, "1", TargetVariant="other")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("def model_fn(model_dir):\n    raise OSError('model file is damaged')", "OSError: model file is damaged"),
        ("import nothing_like_this", "No module named 'nothing_like_this'"),
        ("x = 1", "must define model_fn"),
    ],
)
def test_a_model_that_cannot_be_loaded_fails_the_endpoint(world: Any, code: str, reason: str) -> None:
    """The endpoint is Failed with the error of the user's code and the log's path."""
    described = deploy(world, make_config(world, "one", code=code))
    assert described["EndpointStatus"] == "Failed"
    assert reason in described["FailureReason"]
    assert "did not pass the ping health check" in described["FailureReason"]
    assert "AllTraffic.log" in described["FailureReason"]
    with pytest.raises(ApiError, match="not found"):
        invoke(world, "1")


def test_an_update_switches_to_the_new_configuration(world: Any) -> None:
    """UpdateEndpoint serves the new model under the same name and ends the old process."""
    deploy(world, make_config(world, "one"))
    make_config(world, "two", factor="10")
    policy = {"TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}}
    deployment = {"BlueGreenUpdatePolicy": policy}
    world.call("UpdateEndpoint", EndpointName="Demo-staging", EndpointConfigName="two", DeploymentConfig=deployment)
    world.settle()
    described = world.call("DescribeEndpoint", EndpointName="Demo-staging")
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", "two")
    assert described["LastDeploymentConfig"] == deployment
    assert invoke(world, "1", Accept="text/csv")[0] == b"10.0"
    assert world.statuses(STATUS, "EndpointStatus")[2:] == ["UPDATING", "IN_SERVICE"]


def test_a_failing_update_keeps_the_old_configuration(world: Any) -> None:
    """If the new fleet is not healthy the endpoint stays InService on the old one and says why."""
    deploy(world, make_config(world, "one"))
    make_config(world, "bad", code="raise RuntimeError('cannot start')")
    world.call("UpdateEndpoint", EndpointName="Demo-staging", EndpointConfigName="bad")
    world.settle()
    described = world.call("DescribeEndpoint", EndpointName="Demo-staging")
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", "one")
    assert "RuntimeError: cannot start" in described["FailureReason"]
    assert invoke(world, "1", Accept="text/csv")[0] == b"2.0"


@pytest.mark.parametrize("kind", ["CANARY", "LINEAR"])
def test_other_traffic_routing_is_refused(world: Any, kind: str) -> None:
    """Only all-at-once blue/green deployments are implemented; others are named."""
    deploy(world, make_config(world, "one"))
    routing = {"TrafficRoutingConfiguration": {"Type": kind, "WaitIntervalInSeconds": 60}}
    with pytest.raises(NotImplementedByTwin, match=kind):
        world.call(
            "UpdateEndpoint",
            EndpointName="Demo-staging",
            EndpointConfigName="one",
            DeploymentConfig={"BlueGreenUpdatePolicy": routing},
        )


def test_a_deleted_endpoint_is_gone(world: Any) -> None:
    """DeleteEndpoint ends the process; the endpoint can no longer be described or invoked."""
    deploy(world, make_config(world, "one"))
    world.call("DeleteEndpoint", EndpointName="Demo-staging")
    world.settle()
    with pytest.raises(ApiError, match=r'ValidationException: Could not find endpoint ".*/demo-staging"'):
        world.call("DescribeEndpoint", EndpointName="Demo-staging")
    assert world.statuses(STATUS, "EndpointStatus")[-1] == "DELETING"
    assert not list((world.settings.state_dir / "sagemaker/endpoints/Demo-staging").glob("AllTraffic-*"))


def test_captured_data_is_written_with_the_models_role(world: Any) -> None:
    """Requests and answers are JSON lines in the documented shape, written at the latest when the endpoint goes."""
    capture = {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": f"s3://{BUCKET}/capture",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
    }
    deploy(world, make_config(world, "one", DataCaptureConfig=capture))
    invoke(world, "1,2", Accept="application/json", InferenceId="row-7")
    world.call("DeleteEndpoint", EndpointName="Demo-staging")
    world.settle()
    (key,) = [key for _, key in world.s3.objects if key.startswith("capture/")]
    assert key.startswith("capture/Demo-staging/AllTraffic/20")
    (line,) = world.s3.objects[BUCKET, key].decode().splitlines()
    told = json.loads(line)
    given, got = told["captureData"]["endpointInput"], told["captureData"]["endpointOutput"]
    assert given == {"observedContentType": "text/csv", "mode": "INPUT", "data": "1,2", "encoding": "CSV"}
    assert (got["encoding"], base64.b64decode(got["data"])) == ("BASE64", b'{"predictions": [6.0]}')
    assert told["eventMetadata"]["inferenceId"] == "row-7"
    assert told["eventVersion"] == "0"


def test_only_an_approved_package_becomes_a_model(world: Any) -> None:
    """CreateModel from a model package needs it to exist and to be Approved; its container is served."""
    url = world.put("models/model.tar.gz", archive("3"))
    container = {"Image": IMAGE, "ModelDataUrl": url, "Environment": ENVIRONMENT}
    world.call("CreateModelPackageGroup", ModelPackageGroupName="g")
    specification = {"Containers": [container], "SupportedContentTypes": [], "SupportedResponseMIMETypes": []}
    created = world.call("CreateModelPackage", ModelPackageGroupName="g", InferenceSpecification=specification)
    request = {"ModelName": "m", "ExecutionRoleArn": ROLE}
    packaged = {"Containers": [{"ModelPackageName": created["ModelPackageArn"]}]}
    with pytest.raises(ApiError, match="has ModelApprovalStatus PendingManualApproval"):
        world.call("CreateModel", **request, **packaged)
    with pytest.raises(ApiError, match="model-package/g/2 does not exist"):
        world.call("CreateModel", **request, Containers=[{"ModelPackageName": created["ModelPackageArn"][:-1] + "2"}])
    world.call("UpdateModelPackage", ModelPackageArn=created["ModelPackageArn"], ModelApprovalStatus="Approved")
    world.call("CreateModel", **request, **packaged)
    assert world.call("DescribeModel", ModelName="m")["Containers"] == packaged["Containers"]
    variant = {"VariantName": "AllTraffic", "ModelName": "m", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    world.call("CreateEndpointConfig", EndpointConfigName="c", ProductionVariants=[variant])
    assert deploy(world, "c")["EndpointStatus"] == "InService"
    assert invoke(world, "1", Accept="text/csv")[0] == b"3.0"


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"PrimaryContainer": {"Image": IMAGE}}, "needs ModelDataUrl"),
        ({"PrimaryContainer": {"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/none"}}, "Could not find model data"),
        ({}, "Exactly one of PrimaryContainer and Containers"),
    ],
)
def test_models_that_cannot_be_served_are_refused(world: Any, change: dict[str, Any], error: str) -> None:
    """What a model lacks is told when it is created."""
    with pytest.raises(ApiError, match=error):
        world.call("CreateModel", ModelName="m", ExecutionRoleArn=ROLE, **change)


def test_an_unknown_image_is_refused_by_name(world: Any) -> None:
    """An endpoint with an image that the twin has no stand-in for is not created."""
    url = world.put("models/model.tar.gz", archive("1"))
    world.call(
        "CreateModel",
        ModelName="m",
        ExecutionRoleArn=ROLE,
        PrimaryContainer={"Image": "1.dkr.ecr.us-east-1.amazonaws.com/mine:1", "ModelDataUrl": url},
    )
    variant = {"VariantName": "v", "ModelName": "m", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    world.call("CreateEndpointConfig", EndpointConfigName="c", ProductionVariants=[variant])
    with pytest.raises(NotImplementedByTwin, match=r"amazonaws\.com/mine:1"):
        world.call("CreateEndpoint", EndpointName="e", EndpointConfigName="c")
    assert world.call("ListEndpoints")["Endpoints"] == []


def test_a_configuration_names_models_that_exist(world: Any) -> None:
    """An endpoint configuration with an unknown model, or serverless, is refused."""
    variant = {"VariantName": "v", "ModelName": "none", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    with pytest.raises(ApiError, match=r'Could not find model ".*model/none"'):
        world.call("CreateEndpointConfig", EndpointConfigName="c", ProductionVariants=[variant])
    variant["ServerlessConfig"] = {"MemorySizeInMB": 1024, "MaxConcurrency": 1}
    with pytest.raises(NotImplementedByTwin, match="variant v: ServerlessConfig"):
        world.call("CreateEndpointConfig", EndpointConfigName="c", ProductionVariants=[variant])


def test_closing_stops_every_endpoint(stage: Any) -> None:
    """close() ends the model servers at once."""
    deploy(stage.world, make_config(stage.world, "one"))
    server = stage.sagemaker.endpoints.endpoints.all()[0].fleet.variants[0].server
    stage.sagemaker.close()
    assert server.invoke(Request(body=b"1", content_type="text/csv")).status == 0


def test_an_endpoint_can_be_deleted_while_it_is_being_created(stage: Any) -> None:
    """A fleet that becomes healthy after the endpoint was deleted is stopped, not put in service."""
    world = stage.world
    make_config(world, "one")
    world.call("CreateEndpoint", EndpointName="Demo-staging", EndpointConfigName="one")
    world.call("DeleteEndpoint", EndpointName="Demo-staging")
    world.settle()
    assert world.call("ListEndpoints")["Endpoints"] == []
    assert "IN_SERVICE" not in world.statuses(STATUS, "EndpointStatus")
    assert not list((world.settings.state_dir / "sagemaker/endpoints/Demo-staging").glob("AllTraffic-*"))


def test_two_variants_share_the_traffic(world: Any) -> None:
    """Each variant has its own process; a variant of weight 0 answers only when it is targeted."""
    for name, factor in (("a", "1"), ("b", "100")):
        make_config(world, name, factor)
    variants = [
        {
            "VariantName": name,
            "ModelName": f"{name}-model",
            "InitialInstanceCount": 1,
            "InstanceType": "ml.m5.large",
            "InitialVariantWeight": weight,
        }
        for name, weight in (("a", 1.0), ("b", 0.0))
    ]
    world.call("CreateEndpointConfig", EndpointConfigName="both", ProductionVariants=variants)
    deploy(world, "both")
    request = {"EndpointName": "Demo-staging", "Body": b"1", "ContentType": "text/csv", "Accept": "text/csv"}
    assert {world.call("InvokeEndpoint", **request)["Body"] for _ in range(20)} == {b"1.0"}
    targeted = world.call("InvokeEndpoint", **request, TargetVariant="b")
    assert (targeted["Body"], targeted["InvokedProductionVariant"]) == (b"100.0", "b")

"""Jobs on several instances: one program each, told who it is, with its part of the data.

Source: Amazon SageMaker Developer Guide, "How Amazon SageMaker Provides Training Information" and "How Amazon SageMaker
Processing Configures Your Processing Container"; API reference, S3DataSource.S3DataDistributionType.
"""

from __future__ import annotations

import io
import json
import tarfile
from typing import Any

import pytest
from lockgate_twin.errors import ApiError

from tests.support.namespaces import NEEDS_NAMESPACES

pytestmark = NEEDS_NAMESPACES
BUCKET = "sagemaker-project-p-test"
ROLE = "arn:aws:iam::111122223333:role/lockgate/sagemaker-p-test-execution"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0"
LOCAL = "/opt/ml/processing"
TELL = """
import json, os, pathlib
config = json.load(open("/opt/ml/config/resourceconfig.json"))
me = config["current_host"]
out = pathlib.Path("/opt/ml/processing/output")
(out / f"{me}.json").write_text(json.dumps({**config, "files": sorted(os.listdir("/opt/ml/processing/input/data"))}))
(out / "last.txt").write_text(me)
print("this is", me)
"""


def source(uri: str, local: str, sharded: bool = False) -> dict[str, Any]:  # noqa: FBT001, FBT002
    """Return an S3Input."""
    kind = "ShardedByS3Key" if sharded else "FullyReplicated"
    where = {"S3Uri": uri, "LocalPath": local, "S3DataType": "S3Prefix", "S3InputMode": "File"}
    return {**where, "S3DataDistributionType": kind}


def process(world: Any, script: str, count: int = 3, **changes: Any) -> dict[str, Any]:
    """Run a processing job on some instances and describe it."""
    create(world, script, count, **changes)
    world.settle()
    return dict(world.call("DescribeProcessingJob", ProcessingJobName="many"))


def create(world: Any, script: str, count: int = 3, **changes: Any) -> None:
    """Create a processing job on some instances; its data are four objects, shared out."""
    code = world.put("code/run.py", script)
    for name in "abcd":
        world.put(f"data/{name}.csv", name)
    output = {"S3Uri": f"s3://{BUCKET}/out", "LocalPath": f"{LOCAL}/output", "S3UploadMode": "EndOfJob"}
    cluster = {"InstanceCount": count, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 30}
    world.call(
        "CreateProcessingJob",
        ProcessingJobName="many",
        RoleArn=ROLE,
        AppSpecification={"ImageUri": IMAGE, "ContainerEntrypoint": ["python3", f"{LOCAL}/input/code/run.py"]},
        ProcessingInputs=[
            {"InputName": "code", "S3Input": source(code, f"{LOCAL}/input/code")},
            {"InputName": "data", "S3Input": source(f"s3://{BUCKET}/data/", f"{LOCAL}/input/data", sharded=True)},
        ],
        ProcessingOutputConfig={"Outputs": [{"OutputName": "out", "S3Output": output}]},
        ProcessingResources={"ClusterConfig": cluster},
        **changes,
    )


def written(world: Any, name: str) -> str:
    """Return an output object."""
    return str(world.s3.objects[BUCKET, f"out/{name}"].decode())


def test_every_instance_knows_itself_and_gets_its_part(world: Any) -> None:
    """Each program sees its own current_host, all hosts, and its share; outputs meet in S3; each has a log stream."""
    described = process(world, TELL)
    assert described["ProcessingJobStatus"] == "Completed", described
    hosts = ["algo-1", "algo-2", "algo-3"]
    told = [json.loads(written(world, f"{host}.json")) for host in hosts]
    assert [(t["current_host"], t["hosts"]) for t in told] == [(host, hosts) for host in hosts]
    assert [t["files"] for t in told] == [["a.csv", "d.csv"], ["b.csv"], ["c.csv"]]
    assert written(world, "last.txt") == "algo-3"
    streams = {name.partition("/")[2].rpartition("-")[0]: lines for (_, name), lines in world.logs.streams.items()}
    assert streams == {host: [f"this is {host}"] for host in hosts}


def test_more_instances_than_objects_leave_some_without(world: Any) -> None:
    """An instance without a share has an empty directory; the job goes on."""
    described = process(world, TELL, count=5)
    assert described["ProcessingJobStatus"] == "Completed", described
    assert json.loads(written(world, "algo-5.json"))["files"] == []


def test_one_instance_that_fails_ends_the_job_with_its_reason(world: Any) -> None:
    """The others are ended too; the failing one's message is the reason; nothing is uploaded."""
    script = """
import json, sys, time
if json.load(open("/opt/ml/config/resourceconfig.json"))["current_host"] == "algo-2":
    open("/opt/ml/output/message", "w").write("shard two is broken")
    sys.exit(3)
time.sleep(60)
"""
    described = process(world, script)
    assert described["ProcessingJobStatus"] == "Failed"
    assert "shard two is broken, exit code: 3" in described["FailureReason"]
    assert not [key for _, key in world.s3.objects if key.startswith("out/")]


@pytest.mark.parametrize("stop", [True, False])
def test_all_instances_end_together(stage: Any, *, stop: bool) -> None:
    """A stop, and the end of MaxRuntimeInSeconds, end every program."""
    world = stage.world
    condition = {"MaxRuntimeInSeconds": 3600 if stop else 1}
    create(world, "import time; time.sleep(60)", StoppingCondition=condition)
    if stop:
        world.call("StopProcessingJob", ProcessingJobName="many")
    world.settle()
    described = world.call("DescribeProcessingJob", ProcessingJobName="many")
    assert described["ProcessingJobStatus"] == "Stopped"
    assert ("MaxRuntimeInSeconds" in described.get("FailureReason", "")) is not stop


def test_a_model_holds_the_files_of_all_instances(world: Any) -> None:
    """Training on two instances: resourceconfig.json of each, and one model.tar.gz of both."""
    script = """
import json, os, pathlib
config = json.load(open("/opt/ml/input/config/resourceconfig.json"))
assert config["instance_groups"][0]["hosts"] == config["hosts"] == json.loads(os.environ["SM_HOSTS"])
assert os.environ["SM_CURRENT_HOST"] == config["current_host"]
model = pathlib.Path(os.environ["SM_MODEL_DIR"])
(model / config["current_host"]).write_text(" ".join(os.listdir(os.environ["SM_CHANNEL_TRAIN"])))
"""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        member = tarfile.TarInfo("train.py")
        member.size = len(script.encode())
        archive.addfile(member, io.BytesIO(script.encode()))
    where = world.put("code/sourcedir.tar.gz", packed.getvalue())
    for name in "ab":
        world.put(f"train/{name}.csv", name)
    data = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/train/", "S3DataDistributionType": "ShardedByS3Key"}
    parameters = {"sagemaker_program": "train.py", "sagemaker_submit_directory": where}
    world.call(
        "CreateTrainingJob",
        TrainingJobName="many",
        RoleArn=ROLE,
        AlgorithmSpecification={"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        HyperParameters={name: json.dumps(value) for name, value in parameters.items()},
        InputDataConfig=[{"ChannelName": "train", "DataSource": {"S3DataSource": data}}],
        OutputDataConfig={"S3OutputPath": f"s3://{BUCKET}/models"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 30},
        StoppingCondition={"MaxRuntimeInSeconds": 600},
    )
    world.settle()
    described = world.call("DescribeTrainingJob", TrainingJobName="many")
    assert described["TrainingJobStatus"] == "Completed", described
    model = world.s3.objects[BUCKET, "models/many/output/model.tar.gz"]
    with tarfile.open(fileobj=io.BytesIO(model)) as archive:
        found = {m.name: archive.extractfile(m).read() for m in archive.getmembers()}  # type: ignore[union-attr]
    assert found == {"algo-1": b"a.csv", "algo-2": b"b.csv"}


def test_a_cluster_above_the_quota_is_refused(world: Any) -> None:
    """ResourceLimitExceeded, in AWS's words."""
    with pytest.raises(ApiError, match=r"limit 'ml.m5.large for processing job usage' is 20 Instances") as caught:
        create(world, "", count=21)
    assert caught.value.code == "ResourceLimitExceeded"

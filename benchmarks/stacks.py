"""Time to create a stack of 40 resources against its bar: the first one of a twin, and later ones.

    PYTHONPATH=twin/src python benchmarks/stacks.py

The template has types that the hub and the projects have; every resource is made through the front, authorized.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from lockgate_twin.control import State
from lockgate_twin.demo.twin_process import twin_process

ROOT = Path(__file__).resolve().parents[1]
BAR = 2.0
LATER = 5
_STEP = 0.02
_QUIET = 0.5


def main() -> int:
    """Measure and print; exit 1 if a figure is above its bar."""
    at_once, _ = measure(warmed_up=False)
    first, later = measure(warmed_up=True)
    count = len(template("x")["Resources"])
    figures = {f"a stack of {count} resources, the twin's first": first, "the same, later (median)": later}
    for name, value in figures.items():
        print(f"{'ok  ' if value <= BAR else 'OVER'} {name:<58} {value:9.2f} s   (budget {BAR:g})")
    print(f"     {'the first, asked for while the twin still warms up':<58} {at_once:9.2f} s")
    return int(any(value > BAR for value in figures.values()))


def measure(*, warmed_up: bool) -> tuple[float, float]:
    """Return the seconds of a twin's first stack and the median of later ones."""
    with tempfile.TemporaryDirectory() as folder, twin_process(ROOT, Path(folder), port=0) as state:
        if warmed_up:
            _idle(state.pid)
        api = _client(state)
        first = _created(api, "first")
        return first, statistics.median(_created(api, f"later-{number}") for number in range(LATER))


def _idle(pid: int) -> None:
    """Wait until a process has not worked for a while: the twin warms up in the background once it is ready."""
    pause, before = threading.Event(), -1
    while (now := _ticks(pid)) != before:
        before = now
        pause.wait(_QUIET)


def _ticks(pid: int) -> int:
    members = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return int(members[11]) + int(members[12])


def template(prefix: str) -> dict[str, Any]:
    """Return a template of 40 resources of the kinds that projects are made of."""
    found: dict[str, Any] = {"Key": {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": _key_policy()}}}
    for number in range(3):
        found |= _storage(f"{number}", prefix)
    for number in range(6):
        found |= _worker(f"{number}", prefix)
    for number in range(3):
        found[f"Note{number}"] = _resource("AWS::SSM::Parameter", Type="String", Value={"Ref": "Key"})
    return {"Resources": found}


def _storage(number: str, prefix: str) -> dict[str, Any]:
    bucket, arn = {"Ref": f"Data{number}"}, {"Fn::Sub": f"${{Data{number}.Arn}}/*"}
    insecure = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": arn,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return {
        f"Data{number}": _resource(
            "AWS::S3::Bucket",
            BucketName=f"bench-{prefix}-{number}",
            VersioningConfiguration={"Status": "Enabled"},
            PublicAccessBlockConfiguration={"BlockPublicAcls": True, "BlockPublicPolicy": True},
        ),
        f"Tls{number}": _resource("AWS::S3::BucketPolicy", Bucket=bucket, PolicyDocument=_document(insecure)),
    }


def _worker(number: str, prefix: str) -> dict[str, Any]:
    role, queue = {"Fn::GetAtt": [f"Role{number}", "Arn"]}, {"Fn::GetAtt": [f"Queue{number}", "Arn"]}
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    send = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": queue}
    policy = {"PolicyName": "send", "PolicyDocument": _document(send)}
    return {
        f"Queue{number}": _resource("AWS::SQS::Queue", KmsMasterKeyId={"Ref": "Key"}),
        f"Role{number}": _resource("AWS::IAM::Role", AssumeRolePolicyDocument=_document(trust), Policies=[policy]),
        f"Log{number}": _resource("AWS::Logs::LogGroup", LogGroupName=f"/aws/lambda/bench-{prefix}-{number}"),
        f"Function{number}": _resource(
            "AWS::Lambda::Function",
            FunctionName=f"bench-{prefix}-{number}",
            Runtime="python3.12",
            Handler="index.handler",
            Role=role,
            Code={"ZipFile": "def handler(event, context): return event"},
        ),
        f"Rule{number}": _resource(
            "AWS::Events::Rule",
            EventPattern={"source": [f"bench.{prefix}"]},
            Targets=[{"Id": "queue", "Arn": queue}],
        ),
    }


def _resource(resource_type: str, **properties: Any) -> dict[str, Any]:
    return {"Type": resource_type, "Properties": properties}


def _document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _key_policy() -> dict[str, Any]:
    root = {"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:root"}
    return _document({"Effect": "Allow", "Principal": {"AWS": root}, "Action": "kms:*", "Resource": "*"})


def _created(api: Any, prefix: str) -> float:
    """Create a stack and return the seconds from the request to its rest."""
    body, began, pause = json.dumps(template(prefix)), time.monotonic(), threading.Event()
    stack = api.create_stack(StackName=f"bench-{prefix}", TemplateBody=body, Capabilities=["CAPABILITY_NAMED_IAM"])
    while (status := _status(api, stack["StackId"])) == "CREATE_IN_PROGRESS":
        pause.wait(_STEP)
    spent = time.monotonic() - began
    if status != "CREATE_COMPLETE":
        events = api.describe_stack_events(StackName=stack["StackId"])["StackEvents"]
        reasons = [e.get("ResourceStatusReason") for e in events if e["ResourceStatus"] == "CREATE_FAILED"]
        raise RuntimeError(f"The stack is {status}: {reasons}")
    return spent


def _status(api: Any, stack: str) -> str:
    return str(api.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"])


def _client(state: State) -> Any:
    return boto3.client(
        "cloudformation",
        endpoint_url=state.endpoint_url,
        region_name=state.region,
        aws_access_key_id=state.access_key_id,
        aws_secret_access_key=state.secret_access_key,
        config=Config(retries={"total_max_attempts": 1}),
    )


if __name__ == "__main__":
    sys.exit(main())

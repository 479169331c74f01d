"""What authorization adds to a call, in ms: `python benchmarks/authorization.py`. Budget: 1 ms, median.

Two callers are measured: a role with one small policy, and the hub's real launch role with its boundary. Reading
and writing an object under a customer's KMS key has a line of its own.
"""

from __future__ import annotations

import contextlib
import json
import logging
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "twin/src")]

from lockgate_twin.core import Core  # noqa: E402
from lockgate_twin.errors import ApiError  # noqa: E402
from lockgate_twin.ports import Call, Principal, Settings  # noqa: E402

BUDGET_MS = 1.0
OTHER_ROLES = 60
ROUNDS = 300
Requests = Sequence[tuple[str, str, Mapping[str, Any]]]
REQUESTS: Requests = (
    ("s3", "GetObject", {"Bucket": "sagemaker-lockgate-hub", "Key": "templates/1"}),
    ("sagemaker", "CreateModelPackageGroup", {"ModelPackageGroupName": "n-p-1", "Tags": [{"Key": "a", "Value": "b"}]}),
    ("codebuild", "BatchGetBuilds", {"ids": ["sagemaker-n-p-1-modelbuild:1"]}),
    ("iam", "CreateRole", {"RoleName": "sagemaker-p-1-build", "Path": "/lockgate/"}),
    ("codepipeline", "StartPipelineExecution", {"name": "sagemaker-n-p-1-modelbuild"}),
)

ENCRYPTED: Requests = (
    ("s3", "GetObject", {"Bucket": "encrypted", "Key": "templates/1"}),
    ("s3", "PutObject", {"Bucket": "encrypted", "Key": "templates/2"}),
)


def main() -> int:
    """Print the figures; exit 1 if a median exceeds the budget."""
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        core = Core(Settings(state_dir=Path(folder), endpoint_url="http://127.0.0.1:1", python=Path(sys.executable)))
        for number in range(OTHER_ROLES):
            new_role(core, f"other-{number}", [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}])
        encrypted_bucket(core)
        small = new_role(core, "small", [{"Effect": "Allow", "Action": "*", "Resource": "*"}])
        launch = new_role(core, "launch", launch_statements(), bounded=True)
        callers = (("small role", small), ("launch role", launch))
        medians = [measured(core, name, role, REQUESTS) for name, role in callers]
        medians.append(measured(core, "S3 and KMS", small, ENCRYPTED))
        core.log.close()
    return 1 if max(medians) > BUDGET_MS else 0


def new_role(core: Core, name: str, statements: Sequence[Mapping[str, Any]], *, bounded: bool = False) -> Principal:
    """Create a role and return a session of it; a bounded one has its policy as its boundary too."""
    iam = core.session_of(core.administrator.principal, "us-east-1").client("iam")
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    policy = iam.create_policy(PolicyName=name, PolicyDocument=document)["Policy"]["Arn"]
    boundary = {"PermissionsBoundary": policy} if bounded else {}
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust, **boundary)["Role"]["Arn"]
    iam.attach_role_policy(RoleName=name, PolicyArn=policy)
    return core.credentials.issue(arn, "bench").principal


def encrypted_bucket(core: Core) -> None:
    """Make a bucket whose objects are encrypted with a customer's key: every call needs the key as well."""
    administrator = core.session_of(core.administrator.principal, "us-east-1")
    s3, key = administrator.client("s3"), administrator.client("kms").create_key()["KeyMetadata"]["Arn"]
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}
    s3.create_bucket(Bucket="encrypted")
    s3.put_bucket_encryption(Bucket="encrypted", ServerSideEncryptionConfiguration={"Rules": [rule]})
    s3.put_object(Bucket="encrypted", Key="templates/1", Body=b"{}")


def launch_statements() -> list[Mapping[str, Any]]:
    """Return the launch role's statements from the hub's template; references become wildcards."""
    template = yaml.load((ROOT / "catalog/hub.yaml").read_text(encoding="utf-8"), Loader=Loader)  # noqa: S506
    statements: list[Mapping[str, Any]] = template["Resources"]["LaunchPolicy"]["Properties"]["PolicyDocument"][
        "Statement"
    ]
    return statements


class Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms: a Sub keeps its text without variables, others become `*`."""


def short_form(_: Loader, suffix: str, node: yaml.Node) -> str:
    """Return what stands for one short form."""
    text = str(node.value) if suffix == "Sub" and isinstance(node, yaml.ScalarNode) else "*"
    text = re.sub(r"\$\{[^}]*\}", "*", text).replace("arn:*:", "arn:aws:")
    return f"arn:aws:s3:::some{text[1:]}" if text.startswith("*/") else text


Loader.add_multi_constructor("!", short_form)


def measured(core: Core, name: str, principal: Principal, requests: Requests) -> float:
    """Authorize every request many times, print the figures and return the median in ms."""
    authorize(core, principal, requests)
    spent: list[float] = []
    for _ in range(ROUNDS):
        spent += authorize(core, principal, requests)
    milliseconds = sorted(1000 * s for s in spent)
    median, slowest = statistics.median(milliseconds), milliseconds[int(len(milliseconds) * 0.99)]
    mark = "ok  " if median <= BUDGET_MS else "OVER"
    figures = f"{median:6.3f} ms median, {slowest:6.3f} ms p99"
    print(f"{mark} authorization of a call, {name:<12} {figures} (budget {BUDGET_MS:g})")
    return median


def authorize(core: Core, principal: Principal, requests: Requests) -> list[float]:
    """Return the seconds that each request's authorization takes, allowed or not."""
    spent = []
    for service, operation, parameters in requests:
        call = Call(principal=principal, region="us-east-1", service=service, operation=operation, request_id="bench")
        began = time.perf_counter()
        with contextlib.suppress(ApiError):
            core.authorizer.authorize(call, parameters)
        spent.append(time.perf_counter() - began)
    return spent


if __name__ == "__main__":
    sys.exit(main())

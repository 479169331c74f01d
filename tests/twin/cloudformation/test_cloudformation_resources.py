"""Each resource type: what its handler makes, changes and deletes, through the APIs."""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from typing import Any

import pytest
from botocore.exceptions import ClientError
from lockgate_twin.cloudformation import schemas
from lockgate_twin.cloudformation.resources import ADAPTERS

from tests.twin.cloudformation.world import NAMED, World, resources

ACCOUNT, REGION = "111122223333", "us-east-1"
NOBODY = {"Version": "2012-10-17", "Statement": []}
READ = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
WRITE = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}]}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def unique(prefix: str) -> str:
    """Return a new name."""
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


def resource(resource_type: str, **properties: Any) -> dict[str, Any]:
    """Return a resource."""
    return {"Type": resource_type, "Properties": properties}


@pytest.mark.parametrize("name", sorted(ADAPTERS))
def test_a_handler_supports_only_what_its_type_has(name: str) -> None:
    """Every supported property is in AWS's schema and not read-only; the name rule names a property."""
    schema = schemas.load(name, REGION)
    assert schema is not None
    adapter = ADAPTERS[name]
    assert adapter.properties <= schema.properties.keys() - schema.read_only
    assert set(schema.document.get("required", [])) <= adapter.properties
    if adapter.name is not None and adapter.name.property is not None:
        assert adapter.name.property in adapter.properties


def test_a_bucket_has_all_its_settings(world: World) -> None:
    """Encryption, versioning, public access, ownership, lifecycle, CORS, tags; each can change and go."""
    s3, name = world.client("s3"), unique("data")
    encryption = {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "key"}}
    template = resources(
        Data=resource(
            "AWS::S3::Bucket",
            BucketName=name,
            BucketEncryption={"ServerSideEncryptionConfiguration": [{**encryption, "BucketKeyEnabled": True}]},
            VersioningConfiguration={"Status": "Enabled"},
            PublicAccessBlockConfiguration={"BlockPublicAcls": True, "BlockPublicPolicy": "true"},
            OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
            LifecycleConfiguration={"Rules": [{"Id": "r", "Status": "Enabled", "ExpirationInDays": 5}]},
            CorsConfiguration={"CorsRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "MaxAge": 9}]},
            Tags=[{"Key": "a", "Value": "b"}],
        )
    )
    template["Outputs"] = {"Domain": {"Value": {"Fn::GetAtt": ["Data", "RegionalDomainName"]}}}
    stack = world.stack(template)
    assert stack.outputs == {"Domain": f"{name}.s3.{REGION}.amazonaws.com"}
    rule = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert rule["ApplyServerSideEncryptionByDefault"] == encryption["ServerSideEncryptionByDefault"]
    assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
    assert s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]["BlockPublicPolicy"] is True
    assert s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"][0]["Expiration"]["Days"] == 5
    assert s3.get_bucket_cors(Bucket=name)["CORSRules"][0]["MaxAgeSeconds"] == 9
    stack.update(resources(Data=resource("AWS::S3::Bucket", BucketName=name)))
    assert (stack.status, s3.get_bucket_versioning(Bucket=name)["Status"]) == ("UPDATE_COMPLETE", "Suspended")
    for read in (s3.get_bucket_lifecycle_configuration, s3.get_bucket_cors, s3.get_bucket_tagging):
        with pytest.raises(ClientError):
            read(Bucket=name)
    assert stack.delete().status == "DELETE_COMPLETE"


def test_a_bucket_policy_is_set_and_another_refused(world: World) -> None:
    """A second policy resource on the same bucket fails as on AWS."""
    name = unique("data")
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
                "Action": "s3:GetObject",
                "Resource": {"Fn::Sub": "${Data.Arn}/*"},
            }
        ],
    }
    own = resource("AWS::S3::BucketPolicy", Bucket={"Ref": "Data"}, PolicyDocument=policy)
    stack = world.stack(resources(Data=resource("AWS::S3::Bucket", BucketName=name), Policy=own))
    found = json.loads(world.client("s3").get_bucket_policy(Bucket=name)["Policy"])
    assert found["Statement"][0]["Resource"] == f"arn:aws:s3:::{name}/*"
    other = resource("AWS::S3::BucketPolicy", Bucket=name, PolicyDocument=NOBODY)
    assert world.stack(resources(Policy=other)).status == "ROLLBACK_COMPLETE"
    assert json.loads(world.client("s3").get_bucket_policy(Bucket=name)["Policy"]) == found
    assert stack.delete().status == "DELETE_COMPLETE"


def test_a_role_has_exactly_its_policies(world: World) -> None:
    """Inline and managed policies, boundary, path and tags follow the template, removals too."""
    iam, name = world.client("iam"), unique("role")
    managed = resource("AWS::IAM::ManagedPolicy", PolicyDocument=READ, Path="/team/")
    role = {
        "RoleName": name,
        "Path": "/team/",
        "AssumeRolePolicyDocument": TRUST,
        "PermissionsBoundary": {"Ref": "Managed"},
        "Policies": [{"PolicyName": "a", "PolicyDocument": READ}, {"PolicyName": "b", "PolicyDocument": READ}],
        "ManagedPolicyArns": [{"Ref": "Managed"}],
        "Tags": [{"Key": "k", "Value": "1"}],
    }
    stack = world.stack(resources(Managed=managed, Role=resource("AWS::IAM::Role", **role)), Capabilities=NAMED)
    found = iam.get_role(RoleName=name)["Role"]
    assert found["PermissionsBoundary"]["PermissionsBoundaryArn"] == stack.physical_id("Managed")
    assert found["Arn"] == f"arn:aws:iam::{ACCOUNT}:role/team/{name}"
    less = {
        key: value for key, value in role.items() if key not in {"PermissionsBoundary", "ManagedPolicyArns", "Tags"}
    }
    less["Policies"] = [{"PolicyName": "b", "PolicyDocument": WRITE}]
    less["Description"] = "less"
    stack.update(resources(Managed=managed, Role=resource("AWS::IAM::Role", **less)), Capabilities=NAMED)
    found = iam.get_role(RoleName=name)["Role"]
    assert (found["Description"], found.get("PermissionsBoundary"), found.get("Tags", [])) == ("less", None, [])
    assert iam.list_role_policies(RoleName=name)["PolicyNames"] == ["b"]
    assert iam.get_role_policy(RoleName=name, PolicyName="b")["PolicyDocument"] == WRITE
    assert iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"] == []
    assert stack.delete().status == "DELETE_COMPLETE"


def test_a_managed_policy_gets_a_new_version(world: World) -> None:
    """An update makes a new default version; beyond five the oldest goes; deleting removes all."""
    iam = world.client("iam")

    def template(number: int) -> dict[str, Any]:
        allowed = [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::b{number}/*"}]
        policy = {"Version": "2012-10-17", "Statement": allowed}
        return resources(Managed=resource("AWS::IAM::ManagedPolicy", PolicyDocument=policy))

    stack = world.stack(template(0), Capabilities=NAMED)
    arn = stack.physical_id("Managed")
    assert arn.startswith(f"arn:aws:iam::{ACCOUNT}:policy/{stack.name}-Managed-")
    for number in range(1, 7):
        stack.update(template(number), Capabilities=NAMED)
    versions = iam.list_policy_versions(PolicyArn=arn)["Versions"]
    assert len(versions) == 5
    default = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    found = iam.get_policy_version(PolicyArn=arn, VersionId=default)["PolicyVersion"]["Document"]
    assert found["Statement"][0]["Resource"] == "arn:aws:s3:::b6/*"
    assert stack.delete().status == "DELETE_COMPLETE"


def test_an_inline_policy_follows_its_roles(world: World) -> None:
    """AWS::IAM::Policy is put on the roles named, and taken from those no longer named."""
    iam = world.client("iam")
    roles = {name: resource("AWS::IAM::Role", AssumeRolePolicyDocument=TRUST) for name in ("A", "B")}

    def template(*names: str) -> dict[str, Any]:
        held = [{"Ref": name} for name in names]
        return resources(**roles, P=resource("AWS::IAM::Policy", PolicyName="p", PolicyDocument=READ, Roles=held))

    stack = world.stack(template("A"), Capabilities=NAMED)
    stack.update(template("B"), Capabilities=NAMED)
    held = {name: iam.list_role_policies(RoleName=stack.physical_id(name))["PolicyNames"] for name in ("A", "B")}
    assert held == {"A": [], "B": ["p"]}
    assert stack.delete().status == "DELETE_COMPLETE"


def test_a_key_and_its_alias(world: World) -> None:
    """Ref of a key is its id; rotation and description change; deletion is scheduled."""
    kms, alias = world.client("kms"), f"alias/{unique('key')}"
    root = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "kms:*", "Resource": "*"}
    key = {"KeyPolicy": {"Version": "2012-10-17", "Statement": [root]}, "EnableKeyRotation": True}
    named = resource("AWS::KMS::Alias", AliasName=alias, TargetKeyId={"Ref": "Key"})
    stack = world.stack(resources(Key=resource("AWS::KMS::Key", **key), Alias=named))
    key_id = stack.physical_id("Key")
    assert kms.describe_key(KeyId=alias)["KeyMetadata"]["KeyId"] == key_id
    assert kms.get_key_rotation_status(KeyId=key_id)["KeyRotationEnabled"] is True
    changed = {**key, "EnableKeyRotation": False, "Description": "d", "PendingWindowInDays": 7}
    stack.update(resources(Key=resource("AWS::KMS::Key", **changed), Alias=named))
    assert kms.get_key_rotation_status(KeyId=key_id)["KeyRotationEnabled"] is False
    assert kms.describe_key(KeyId=key_id)["KeyMetadata"]["Description"] == "d"
    assert stack.delete().status == "DELETE_COMPLETE"
    assert kms.describe_key(KeyId=key_id)["KeyMetadata"]["KeyState"] == "PendingDeletion"


def test_a_queue_and_its_policy(world: World) -> None:
    """Ref of a queue is its URL; attributes and policy follow the template."""
    sqs = world.client("sqs")
    allow = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": {"Fn::GetAtt": ["Q", "Arn"]}}
    policy = resource(
        "AWS::SQS::QueuePolicy",
        Queues=[{"Ref": "Q"}],
        PolicyDocument={"Version": "2012-10-17", "Statement": [allow]},
    )
    redrive = {"deadLetterTargetArn": {"Fn::GetAtt": ["Dead", "Arn"]}, "maxReceiveCount": 3}
    queue = resource("AWS::SQS::Queue", MessageRetentionPeriod="600", RedrivePolicy=redrive)
    stack = world.stack(resources(Q=queue, Dead=resource("AWS::SQS::Queue"), Policy=policy))
    url = stack.physical_id("Q")

    def attributes() -> dict[str, str]:
        found: dict[str, str] = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        return found

    assert attributes()["MessageRetentionPeriod"] == "600"
    assert json.loads(attributes()["RedrivePolicy"])["maxReceiveCount"] == 3
    assert json.loads(attributes()["Policy"])["Statement"][0]["Resource"] == attributes()["QueueArn"]
    stack.update(resources(Q=resource("AWS::SQS::Queue", DelaySeconds=5), Dead=resource("AWS::SQS::Queue")))
    assert (attributes()["MessageRetentionPeriod"], attributes()["DelaySeconds"]) == ("345600", "5")
    assert "Policy" not in attributes()
    assert stack.delete().status == "DELETE_COMPLETE"


def test_a_topic_and_its_subscriptions(world: World) -> None:
    """Ref of a topic is its ARN; subscriptions come and go."""
    sns = world.client("sns")

    def template(*addresses: str) -> dict[str, Any]:
        subscriptions = [{"Protocol": "email", "Endpoint": address} for address in addresses]
        return resources(Topic=resource("AWS::SNS::Topic", DisplayName="d", Subscription=subscriptions))

    stack = world.stack(template("a@example.org", "b@example.org"))
    arn = stack.physical_id("Topic")
    assert sns.get_topic_attributes(TopicArn=arn)["Attributes"]["DisplayName"] == "d"
    stack.update(template("b@example.org", "c@example.org"))
    listed = sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]
    assert sorted(item["Endpoint"] for item in listed) == ["b@example.org", "c@example.org"]
    assert stack.delete().status == "DELETE_COMPLETE"


def test_a_log_group_keeps_its_retention(world: World) -> None:
    """Retention is set, changed and taken away; the Arn ends in :*."""
    logs, name = world.client("logs"), unique("/aws/group")

    def retention() -> int | None:
        found = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"][0]
        return found.get("retentionInDays")  # type: ignore[no-any-return]

    template = resources(G=resource("AWS::Logs::LogGroup", LogGroupName=name, RetentionInDays=7))
    template["Outputs"] = {"Arn": {"Value": {"Fn::GetAtt": ["G", "Arn"]}}}
    stack = world.stack(template)
    assert (retention(), stack.outputs["Arn"]) == (7, f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{name}:*")
    stack.update(resources(G=resource("AWS::Logs::LogGroup", LogGroupName=name)))
    assert retention() is None
    assert stack.delete().status == "DELETE_COMPLETE"


def test_a_rule_and_its_targets(world: World) -> None:
    """Targets carry retry policy, dead-letter queue and transformer; stale ones go; no rule is taken over."""
    events, name = world.client("events"), unique("rule")
    target = {
        "Id": "queue",
        "Arn": {"Fn::GetAtt": ["Q", "Arn"]},
        "RetryPolicy": {"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": "600"},
        "DeadLetterConfig": {"Arn": {"Fn::GetAtt": ["Q", "Arn"]}},
        "InputTransformer": {"InputPathsMap": {"a": "$.detail"}, "InputTemplate": "<a>"},
    }
    other = {"Id": "other", "Arn": {"Fn::GetAtt": ["Q", "Arn"]}}

    def template(source: str, *targets: dict[str, Any]) -> dict[str, Any]:
        rule = resource("AWS::Events::Rule", Name=name, EventPattern={"source": [source]}, Targets=list(targets))
        return resources(Q=resource("AWS::SQS::Queue"), Rule=rule)

    stack = world.stack(template("a", target, other))
    found = {item["Id"]: item for item in events.list_targets_by_rule(Rule=name)["Targets"]}
    assert found["queue"]["RetryPolicy"] == {"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 600}
    assert found["queue"]["InputTransformer"]["InputTemplate"] == "<a>"
    stack.update(template("b", target))
    assert [item["Id"] for item in events.list_targets_by_rule(Rule=name)["Targets"]] == ["queue"]
    assert json.loads(events.describe_rule(Name=name)["EventPattern"]) == {"source": ["b"]}
    second = world.stack(template("c", target))
    assert second.status == "ROLLBACK_COMPLETE"
    assert f"{name} already exists" in second.reason("Rule", "CREATE_FAILED")
    assert json.loads(events.describe_rule(Name=name)["EventPattern"]) == {"source": ["b"]}
    assert stack.delete().status == "DELETE_COMPLETE"


def test_an_alarm_is_put_and_changed(world: World) -> None:
    """An alarm on a metric follows its threshold."""
    cloudwatch, name = world.client("cloudwatch"), unique("alarm")

    def template(threshold: int) -> dict[str, Any]:
        return resources(
            Alarm=resource(
                "AWS::CloudWatch::Alarm",
                AlarmName=name,
                Namespace="AWS/SageMaker",
                MetricName="Invocation5XXErrors",
                Statistic="Sum",
                Period=60,
                EvaluationPeriods=1,
                Threshold=threshold,
                ComparisonOperator="GreaterThanThreshold",
            )
        )

    stack = world.stack(template(1))
    stack.update(template(2))
    assert cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["Threshold"] == 2
    assert stack.delete().status == "DELETE_COMPLETE"
    assert cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"] == []


def test_a_function_and_its_permission(world: World) -> None:
    """Inline code becomes an archive with index.py; creation waits until the function is active."""
    name = unique("function")

    def template(code: str) -> dict[str, Any]:
        return resources(
            F=resource(
                "AWS::Lambda::Function",
                FunctionName=name,
                Runtime="python3.12",
                Handler="index.handler",
                Role=f"arn:aws:iam::{ACCOUNT}:role/function",
                Timeout="30",
                Code={"ZipFile": code},
            ),
            Permission=resource(
                "AWS::Lambda::Permission",
                FunctionName={"Ref": "F"},
                Action="lambda:InvokeFunction",
                Principal="events.amazonaws.com",
            ),
        )

    stack = world.stack(template("first"))
    held = world.functions.functions[name]
    assert (stack.status, held["states"], held["Timeout"]) == ("CREATE_COMPLETE", ["Active"], 30)
    with zipfile.ZipFile(io.BytesIO(held["Code"]["ZipFile"])) as archive:
        assert {entry: archive.read(entry) for entry in archive.namelist()} == {"index.py": b"first"}
    assert world.functions.statements[name] == [stack.physical_id("Permission")]
    stack.update(template("second"))
    with zipfile.ZipFile(io.BytesIO(held["ZipFile"])) as archive:
        assert archive.read("index.py") == b"second"
    assert stack.delete().status == "DELETE_COMPLETE"
    assert (world.functions.functions, world.functions.statements[name]) == ({}, [])


def test_a_repository_is_filled_once_from_its_seed(world: World) -> None:
    """The seed is one commit on the branch, with file modes; a seed that cannot be read leaves no repository."""
    bucket, name = unique("seeds"), unique("repository")
    world.client("s3").create_bucket(Bucket=bucket)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("README.md", "hello")
    world.client("s3").put_object(Bucket=bucket, Key="seed.zip", Body=buffer.getvalue())

    def template(key: str, description: str = "d") -> dict[str, Any]:
        code = {"S3": {"Bucket": bucket, "Key": key}, "BranchName": "main"}
        return resources(
            R=resource("AWS::CodeCommit::Repository", RepositoryName=name, RepositoryDescription=description, Code=code)
        )

    failed = world.stack(template("absent.zip"))
    assert failed.status == "ROLLBACK_COMPLETE"
    assert "NoSuchKey" in failed.reason("R", "CREATE_FAILED")
    assert name not in world.codecommit.repositories
    stack = world.stack(template("seed.zip"))
    commits = world.codecommit.repositories[name]
    assert [commit["branchName"] for commit in commits] == ["main"]
    assert commits[0]["putFiles"] == [{"filePath": "README.md", "fileMode": "NORMAL", "fileContent": b"hello"}]
    stack.update(template("other.zip"))
    assert (stack.status, len(commits)) == ("UPDATE_COMPLETE", 1)
    assert stack.delete().status == "DELETE_COMPLETE"
    assert name not in world.codecommit.repositories

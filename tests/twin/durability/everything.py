"""Makes something of every kind that moto keeps, and describes all of it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from tests.support.killable_twin import KillableTwin

ACCOUNT = "111122223333"
POLICY = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
)
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}],
    }
)
QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:queue"


def make(twin: KillableTwin) -> dict[str, Any]:
    """Make everything; return what descriptions need to know."""
    for part in (_iam, _queues, _topics, _buckets, _logs, _others):
        part(twin)
    return {**_keys(twin), **_upload(twin)}


def _iam(twin: KillableTwin) -> None:
    iam = twin.client("iam")
    arn = iam.create_policy(PolicyName="policy", PolicyDocument=POLICY, Tags=[{"Key": "a", "Value": "b"}])["Policy"][
        "Arn"
    ]
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=POLICY, SetAsDefault=True)
    iam.create_role(RoleName="role", AssumeRolePolicyDocument=TRUST, PermissionsBoundary=arn, Path="/a/")
    iam.attach_role_policy(RoleName="role", PolicyArn=arn)
    iam.put_role_policy(RoleName="role", PolicyName="inline", PolicyDocument=POLICY)
    iam.create_role(RoleName="gone", AssumeRolePolicyDocument=TRUST)
    iam.delete_role(RoleName="gone")
    iam.create_instance_profile(InstanceProfileName="profile")
    iam.add_role_to_instance_profile(InstanceProfileName="profile", RoleName="role")


def _queues(twin: KillableTwin) -> None:
    sqs = twin.client("sqs")
    sqs.create_queue(QueueName="dead")
    redrive = {"deadLetterTargetArn": f"{QUEUE.rpartition(':')[0]}:dead", "maxReceiveCount": "1"}
    attributes = {"RedrivePolicy": json.dumps(redrive), "VisibilityTimeout": "0"}
    url = sqs.create_queue(QueueName="queue", Attributes=attributes, tags={"a": "b"})["QueueUrl"]
    for body in ("first", "second", "third"):
        sqs.send_message(QueueUrl=url, MessageBody=body, MessageAttributes=_attribute(body))
    got = sqs.receive_message(QueueUrl=url, VisibilityTimeout=600)["Messages"][0]
    assert got["Body"] == "first"
    deleted = sqs.receive_message(QueueUrl=url, VisibilityTimeout=600)["Messages"][0]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=deleted["ReceiptHandle"])
    sqs.receive_message(QueueUrl=url, VisibilityTimeout=0)
    # The second receipt moves the third message to the dead-letter queue.
    sqs.receive_message(QueueUrl=url)


def _attribute(text: str) -> dict[str, Any]:
    return {"which": {"DataType": "String", "StringValue": text}}


def _topics(twin: KillableTwin) -> None:
    sns, sqs = twin.client("sns"), twin.client("sqs")
    sqs.create_queue(QueueName="subscribed")
    topic = sns.create_topic(Name="topic", Tags=[{"Key": "a", "Value": "b"}])["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"{QUEUE.rpartition(':')[0]}:subscribed")
    sns.publish(TopicArn=topic, Message="told to the subscribed queue")


def _buckets(twin: KillableTwin) -> None:
    s3 = twin.client("s3")
    for name in ("bucket", "logged", "gone"):
        s3.create_bucket(Bucket=name)
    s3.delete_bucket(Bucket="gone")
    s3.put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_tagging(Bucket="bucket", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    s3.put_public_access_block(Bucket="bucket", PublicAccessBlockConfiguration={"BlockPublicAcls": True})
    allow = {**json.loads(POLICY)["Statement"][0], "Principal": "*", "Resource": "arn:aws:s3:::bucket/*"}
    s3.put_bucket_policy(Bucket="bucket", Policy=json.dumps({"Version": "2012-10-17", "Statement": [allow]}))
    s3.put_object(Bucket="bucket", Key="small", Body=b"1", Metadata={"name": "value"}, Tagging="a=b")
    s3.put_object(Bucket="bucket", Key="small", Body=b"2", ContentType="text/csv")
    s3.put_object(Bucket="bucket", Key="a/large é", Body=bytes(range(256)) * 1000)
    s3.copy_object(Bucket="bucket", Key="copied", CopySource={"Bucket": "bucket", "Key": "a/large é"})
    s3.put_object(Bucket="bucket", Key="deleted", Body=b"3")
    s3.delete_object(Bucket="bucket", Key="deleted")
    lost = s3.put_object(Bucket="bucket", Key="lost", Body=b"4" * 100_000)["VersionId"]
    s3.delete_object(Bucket="bucket", Key="lost", VersionId=lost)
    for body in (b"5" * 100_000, b"6" * 100_000, b"7"):
        s3.put_object(Bucket="logged", Key="overwritten", Body=body)
    for key in ("x", "y"):
        s3.put_object(Bucket="logged", Key=key, Body=b"8")
    s3.delete_objects(Bucket="logged", Delete={"Objects": [{"Key": "x"}, {"Key": "y"}]})
    s3.put_object_tagging(Bucket="logged", Key="overwritten", Tagging={"TagSet": [{"Key": "c", "Value": "d"}]})


def _upload(twin: KillableTwin) -> dict[str, Any]:
    s3 = twin.client("s3")
    whole = s3.create_multipart_upload(Bucket="logged", Key="whole")["UploadId"]
    tag = s3.upload_part(Bucket="logged", Key="whole", UploadId=whole, PartNumber=1, Body=b"9" * 20_000)["ETag"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": tag}]}
    s3.complete_multipart_upload(Bucket="logged", Key="whole", UploadId=whole, MultipartUpload=parts)
    upload = s3.create_multipart_upload(Bucket="logged", Key="under way", Metadata={"a": "b"})["UploadId"]
    s3.upload_part(Bucket="logged", Key="under way", UploadId=upload, PartNumber=1, Body=b"a" * 20_000)
    gone = s3.create_multipart_upload(Bucket="logged", Key="aborted")["UploadId"]
    s3.abort_multipart_upload(Bucket="logged", Key="aborted", UploadId=gone)
    return {"upload": upload}


def _keys(twin: KillableTwin) -> dict[str, Any]:
    kms = twin.client("kms")
    key = kms.create_key(Description="symmetric", Tags=[{"TagKey": "a", "TagValue": "b"}])["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/mine", TargetKeyId=key)
    sealed = kms.encrypt(KeyId=key, Plaintext=b"a secret")["CiphertextBlob"]
    signing = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    # The account's keys of AWS come into being when they are first asked for; in another region, before all others.
    for region in ("us-east-1", "eu-west-1"):
        twin.client("kms", region_name=region).describe_key(KeyId="alias/aws/s3")
    return {"key": key, "sealed": sealed, "signing": signing}


def _logs(twin: KillableTwin) -> None:
    logs = twin.client("logs")
    for group in ("group", "gone"):
        logs.create_log_group(logGroupName=group)
        logs.create_log_stream(logGroupName=group, logStreamName="stream")
        _put_events(logs, group, "first", "second")
    _put_events(logs, "group", "third")
    logs.delete_log_group(logGroupName="gone")
    logs.create_log_stream(logGroupName="group", logStreamName="empty")
    logs.put_retention_policy(logGroupName="group", retentionInDays=7)
    # The same name again: the events of the one before are not its.
    logs.create_log_stream(logGroupName="group", logStreamName="again")
    logs.delete_log_stream(logGroupName="group", logStreamName="again")
    logs.create_log_stream(logGroupName="group", logStreamName="again")


def _put_events(logs: Any, group: str, *texts: str) -> None:
    events = [{"timestamp": int(time.time() * 1000), "message": text} for text in texts]
    logs.put_log_events(logGroupName=group, logStreamName="stream", logEvents=events)


def _others(twin: KillableTwin) -> None:
    ssm, secrets = twin.client("ssm"), twin.client("secretsmanager")
    for value in ("1", "2"):
        ssm.put_parameter(Name="/a/parameter", Value=value, Type="String", Overwrite=True)
    secrets.create_secret(Name="secret", SecretString="first")
    secrets.put_secret_value(SecretId="secret", SecretString="second")
    twin.client("ecr").create_repository(repositoryName="images")
    events = twin.client("events")
    events.put_rule(Name="rule", EventPattern='{"source": ["mine"]}')
    events.put_targets(Rule="rule", Targets=[{"Id": "1", "Arn": QUEUE}])
    metrics = twin.client("cloudwatch")
    for value in (1.0, 2.0):
        metrics.put_metric_data(Namespace="Mine", MetricData=[{"MetricName": "metric", "Value": value}])


def describe(twin: KillableTwin, known: dict[str, Any]) -> dict[str, Any]:
    """Return what AWS tells of everything, by kind."""
    kinds: dict[str, Callable[[KillableTwin, dict[str, Any]], Any]] = {
        "roles": _roles,
        "messages": _messages,
        "subscriptions": lambda t, _: t.client("sns").list_subscriptions()["Subscriptions"],
        "bucket": _bucket,
        "versions": _versions,
        "uploads": _uploads,
        "keys": _described_keys,
        "logs": _described_logs,
        "parameters": lambda t, _: t.client("ssm").get_parameter_history(Name="/a/parameter")["Parameters"],
        "secrets": lambda t, _: t.client("secretsmanager").get_secret_value(SecretId="secret")["SecretString"],
        "images": lambda t, _: t.client("ecr").describe_repositories()["repositories"],
        "rules": lambda t, _: [t.client("events").list_rules()["Rules"], _targets(t)],
        "metrics": lambda t, _: _metrics(t),
    }
    return {kind: _plain(tell(twin, known)) for kind, tell in kinds.items()}


def _plain(value: Any) -> Any:
    """Return a description without what differs from call to call, or with the port."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items() if k not in {"ResponseMetadata", "QueueUrl"}}
    return [_plain(v) for v in value] if isinstance(value, list) else value


def _roles(twin: KillableTwin, _: Any) -> Any:
    iam = twin.client("iam")
    return iam.get_account_authorization_details() | {"profiles": iam.list_instance_profiles()["InstanceProfiles"]}


def _messages(twin: KillableTwin, _: Any) -> Any:
    sqs, found = twin.client("sqs"), {}
    for name in ("queue", "dead", "subscribed"):
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        found[name] = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        found[f"tags of {name}"] = sqs.list_queue_tags(QueueUrl=url).get("Tags")
    return found


def _bucket(twin: KillableTwin, _: Any) -> Any:
    s3 = twin.client("s3")
    return [
        s3.list_buckets()["Buckets"],
        s3.get_bucket_tagging(Bucket="bucket")["TagSet"],
        s3.get_bucket_policy(Bucket="bucket")["Policy"],
        s3.get_public_access_block(Bucket="bucket")["PublicAccessBlockConfiguration"],
    ]


def _versions(twin: KillableTwin, _: Any) -> Any:
    s3 = twin.client("s3")
    found = []
    for bucket in ("bucket", "logged"):
        listed = s3.list_object_versions(Bucket=bucket)
        found.append({k: v for k, v in listed.items() if k != "ResponseMetadata"})
        for version in listed["Versions"]:
            where = {"Bucket": bucket, "Key": version["Key"], "VersionId": version["VersionId"]}
            got = s3.get_object(**where)
            found.append({**got, "Body": got["Body"].read(), "tags": s3.get_object_tagging(**where)["TagSet"]})
    return found


def _uploads(twin: KillableTwin, known: dict[str, Any]) -> Any:
    s3 = twin.client("s3")
    parts = s3.list_parts(Bucket="logged", Key="under way", UploadId=known["upload"])["Parts"]
    return [[u["Key"] for u in s3.list_multipart_uploads(Bucket="logged")["Uploads"]], parts]


def _described_keys(twin: KillableTwin, known: dict[str, Any]) -> Any:
    kms = twin.client("kms")
    return [
        kms.list_aliases()["Aliases"],
        kms.describe_key(KeyId="alias/mine")["KeyMetadata"],
        kms.describe_key(KeyId="alias/aws/s3")["KeyMetadata"],
        twin.client("kms", region_name="eu-west-1").describe_key(KeyId="alias/aws/s3")["KeyMetadata"],
        kms.list_resource_tags(KeyId=known["key"])["Tags"],
        kms.decrypt(CiphertextBlob=known["sealed"])["Plaintext"],
        kms.get_public_key(KeyId=known["signing"])["PublicKey"],
    ]


def _described_logs(twin: KillableTwin, _: Any) -> Any:
    logs = twin.client("logs")
    streams = logs.describe_log_streams(logGroupName="group")["logStreams"]
    names = [stream["logStreamName"] for stream in streams]
    events = [logs.get_log_events(logGroupName="group", logStreamName=name)["events"] for name in names]
    return [logs.describe_log_groups()["logGroups"], streams, events]


def _targets(twin: KillableTwin) -> Any:
    return twin.client("events").list_targets_by_rule(Rule="rule")["Targets"]


def _metrics(twin: KillableTwin) -> Any:
    now = time.time()
    found = twin.client("cloudwatch").get_metric_statistics(
        Namespace="Mine", MetricName="metric", StartTime=now - 3600, EndTime=now + 3600, Period=7200, Statistics=["Sum"]
    )
    return sum(point["Sum"] for point in found["Datapoints"])

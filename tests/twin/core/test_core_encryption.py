"""The use of KMS keys by S3, SQS and SNS, as the caller."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from lockgate_twin.core import Core
from lockgate_twin.errors import ApiError

from tests.support.twin_server import client_of

REGION = "us-east-1"
S3_ACTIONS = ["s3:GetObject", "s3:PutObject", "s3:ListBucket", "s3:AbortMultipartUpload"]
USE_S3 = {"Effect": "Allow", "Action": S3_ACTIONS, "Resource": "*"}


def grant(*actions: str, key: str, **condition: str) -> dict[str, Any]:
    """Return a statement about a key."""
    keys = {"Condition": {"StringEquals": condition}} if condition else {}
    return {"Effect": "Allow", "Action": list(actions), "Resource": key, **keys}


class Encrypted:
    """A bucket under a key."""

    def __init__(self, core: Core, *, bucket_key: bool = False) -> None:
        self.key = client_of(core, "kms").create_key()["KeyMetadata"]["Arn"]
        self.name = f"bucket-{uuid.uuid4().hex[:10]}"
        self.arn = f"arn:aws:s3:::{self.name}"
        self.s3 = client_of(core, "s3")
        self.s3.create_bucket(Bucket=self.name)
        default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": self.key}
        rule = {"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": bucket_key}
        self.s3.put_bucket_encryption(Bucket=self.name, ServerSideEncryptionConfiguration={"Rules": [rule]})
        self.s3.put_object(Bucket=self.name, Key="k", Body=b"secret")


@pytest.fixture(scope="module")
def bucket(core: Core) -> Encrypted:
    """Make a bucket under a key."""
    return Encrypted(core)


Acting = Callable[..., Any]


@pytest.fixture
def acting(core: Core, new_role: Callable[..., str]) -> Acting:
    """Act as a role with some statements: `acting("s3", statement, ...)` returns a client."""
    return lambda service, *statements: client_of(core, service, core.credentials.issue(new_role(*statements), "me"))


def test_reading_takes_decrypt_and_writing_takes_a_data_key(bucket: Encrypted, acting: Acting) -> None:
    """Source: S3 User Guide, "Using server-side encryption with AWS KMS keys (SSE-KMS)", Permissions."""
    reader = acting("s3", USE_S3, grant("kms:Decrypt", key=bucket.key))
    writer = acting("s3", USE_S3, grant("kms:GenerateDataKey", key=bucket.key))
    assert reader.get_object(Bucket=bucket.name, Key="k")["Body"].read() == b"secret"
    writer.put_object(Bucket=bucket.name, Key="new", Body=b"n")
    with pytest.raises(ClientError, match="kms:Decrypt on resource: " + bucket.key):
        writer.get_object(Bucket=bucket.name, Key="k")
    with pytest.raises(ClientError, match="kms:GenerateDataKey on resource: " + bucket.key):
        reader.put_object(Bucket=bucket.name, Key="new", Body=b"n")
    assert writer.head_object(Bucket=bucket.name, Key="k")["ContentLength"] == len(b"secret")


def test_inner_reads_and_writes_of_services_take_the_key_too(
    core: Core, bucket: Encrypted, new_role: Callable[..., str]
) -> None:
    """What builds, jobs and pipelines read and write of S3 is checked as their calls are."""
    reading = grant("kms:Decrypt", key=bucket.key)
    arns = new_role(USE_S3, reading), new_role(USE_S3)
    may, may_not = (core.session_of(core.credentials.issue(arn, "me").principal, REGION) for arn in arns)
    assert may.read_object(bucket.name, "k") == b"secret"
    with pytest.raises(ApiError, match="kms:Decrypt"):
        may_not.read_object(bucket.name, "k")
    with pytest.raises(ApiError, match="kms:GenerateDataKey"):
        may.write_object(bucket.name, "new", b"n")


def test_the_key_sees_service_caller_and_context(bucket: Encrypted, acting: Acting) -> None:
    """kms:ViaService, kms:CallerAccount and the object's ARN as context. Source: "AWS KMS condition keys"."""
    right = {
        "kms:ViaService": f"s3.{REGION}.amazonaws.com",
        "kms:CallerAccount": "111122223333",
        "kms:EncryptionContext:aws:s3:arn": f"{bucket.arn}/k",
    }
    reader = acting("s3", USE_S3, grant("kms:Decrypt", key=bucket.key, **right))
    assert reader.get_object(Bucket=bucket.name, Key="k")["Body"].read() == b"secret"
    for name, wrong in (
        ("kms:ViaService", f"sqs.{REGION}.amazonaws.com"),
        ("kms:CallerAccount", "222222222222"),
        ("kms:EncryptionContext:aws:s3:arn", f"{bucket.arn}/other"),
    ):
        refused = acting("s3", USE_S3, grant("kms:Decrypt", key=bucket.key, **{**right, name: wrong}))
        with pytest.raises(ClientError, match="kms:Decrypt"):
            refused.get_object(Bucket=bucket.name, Key="k")


def test_a_direct_call_of_kms_is_not_via_s3(bucket: Encrypted, acting: Acting) -> None:
    """A key that may be used through S3 alone encrypts nothing for a direct call."""
    via = {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}
    with pytest.raises(ClientError, match="kms:Encrypt"):
        acting("kms", grant("kms:Encrypt", key=bucket.key, **via)).encrypt(KeyId=bucket.key, Plaintext=b"p")
    context = {"kms:EncryptionContext:team": "blue"}
    kms = acting("kms", grant("kms:Encrypt", key=bucket.key, **context))
    assert kms.encrypt(KeyId=bucket.key, Plaintext=b"p", EncryptionContext={"team": "blue"})["CiphertextBlob"]
    with pytest.raises(ClientError, match="kms:Encrypt"):
        kms.encrypt(KeyId=bucket.key, Plaintext=b"p", EncryptionContext={"team": "red"})


def test_with_a_bucket_key_the_context_is_the_bucket(core: Core, acting: Acting) -> None:
    """Source: S3 User Guide, "Reducing the cost of SSE-KMS with Amazon S3 Bucket Keys"."""
    shared = Encrypted(core, bucket_key=True)
    for arn, works in ((shared.arn, True), (f"{shared.arn}/k", False)):
        context = {"kms:EncryptionContext:aws:s3:arn": arn}
        reader = acting("s3", USE_S3, grant("kms:Decrypt", key=shared.key, **context))
        if works:
            assert reader.get_object(Bucket=shared.name, Key="k")["Body"].read() == b"secret"
        else:
            with pytest.raises(ClientError, match="kms:Decrypt"):
                reader.get_object(Bucket=shared.name, Key="k")


def test_the_key_that_a_request_names_is_the_one_that_is_asked(core: Core, bucket: Encrypted, acting: Acting) -> None:
    """x-amz-server-side-encryption-aws-kms-key-id decides over the bucket's default, AES256 over both."""
    other = client_of(core, "kms").create_key()["KeyMetadata"]["Arn"]
    writer = acting("s3", USE_S3, grant("kms:GenerateDataKey", key=other))
    writer.put_object(Bucket=bucket.name, Key="own", Body=b"n", ServerSideEncryption="aws:kms", SSEKMSKeyId=other)
    writer.put_object(Bucket=bucket.name, Key="plain", Body=b"n", ServerSideEncryption="AES256")
    with pytest.raises(ClientError, match="kms:GenerateDataKey"):
        writer.put_object(Bucket=bucket.name, Key="default", Body=b"n")


def test_a_copy_decrypts_its_source_and_encrypts_its_target(core: Core, bucket: Encrypted, acting: Acting) -> None:
    """Source: S3 API Reference, CopyObject: each bucket's key."""
    target = Encrypted(core)
    source = {"Bucket": bucket.name, "Key": "k"}
    decrypt, encrypt = grant("kms:Decrypt", key=bucket.key), grant("kms:GenerateDataKey", key=target.key)
    acting("s3", USE_S3, decrypt, encrypt).copy_object(Bucket=target.name, Key="c", CopySource=source)
    for lacking, named in ((decrypt, "kms:GenerateDataKey"), (encrypt, "kms:Decrypt")):
        with pytest.raises(ClientError, match=named):
            acting("s3", USE_S3, lacking).copy_object(Bucket=target.name, Key="c", CopySource=source)


def test_a_multipart_upload_takes_both(bucket: Encrypted, acting: Acting) -> None:
    """Source: S3 User Guide, "Multipart upload API and permissions"."""
    both = acting("s3", USE_S3, grant("kms:GenerateDataKey", "kms:Decrypt", key=bucket.key))
    writing = acting("s3", USE_S3, grant("kms:GenerateDataKey", key=bucket.key))
    options = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": bucket.key}
    where = {"Bucket": bucket.name, "Key": "parts"}
    with pytest.raises(ClientError, match="kms:GenerateDataKey"):
        acting("s3", USE_S3, grant("kms:Decrypt", key=bucket.key)).create_multipart_upload(**where, **options)
    upload = writing.create_multipart_upload(**where, **options)["UploadId"]
    with pytest.raises(ClientError, match="kms:Decrypt"):
        writing.upload_part(**where, UploadId=upload, PartNumber=1, Body=b"p")
    tag = both.upload_part(**where, UploadId=upload, PartNumber=1, Body=b"p")["ETag"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": tag}]}
    with pytest.raises(ClientError, match="kms:Decrypt"):
        writing.complete_multipart_upload(**where, UploadId=upload, MultipartUpload=parts)
    both.complete_multipart_upload(**where, UploadId=upload, MultipartUpload=parts)


def test_a_key_policy_that_names_nobody_closes_the_bucket(core: Core, acting: Acting) -> None:
    """A key policy must allow, whatever identity policies say; here it stops delegating to the account."""
    closed = Encrypted(core)
    kms = client_of(core, "kms")
    nobody = {"Effect": "Allow", "Principal": {"Service": "logs.us-east-1.amazonaws.com"}, "Action": "kms:*"}
    policy = {"Version": "2012-10-17", "Statement": [{**nobody, "Resource": "*"}]}
    kms.put_key_policy(KeyId=closed.key, PolicyName="default", Policy=json.dumps(policy))
    with pytest.raises(ClientError, match="kms:Decrypt"):
        acting("s3", USE_S3, grant("kms:*", key="*")).get_object(Bucket=closed.name, Key="k")


def test_an_encrypted_queue_takes_the_key_to_send_and_to_receive(core: Core, acting: Acting) -> None:
    """Source: SQS Developer Guide, "Key management": producers generate and decrypt data keys, consumers decrypt."""
    key = client_of(core, "kms").create_key()["KeyMetadata"]["Arn"]
    name = f"queue-{uuid.uuid4().hex[:8]}"
    url = client_of(core, "sqs").create_queue(QueueName=name, Attributes={"KmsMasterKeyId": key})["QueueUrl"]
    queues = {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}
    via = {"kms:ViaService": f"sqs.{REGION}.amazonaws.com"}
    consumer = acting("sqs", queues, grant("kms:Decrypt", key=key, **via))
    producer = acting("sqs", queues, grant("kms:Decrypt", "kms:GenerateDataKey", key=key, **via))
    with pytest.raises(ClientError, match="kms:GenerateDataKey"):
        consumer.send_message(QueueUrl=url, MessageBody="m")
    producer.send_message(QueueUrl=url, MessageBody="m")
    with pytest.raises(ClientError, match="kms:Decrypt"):
        acting("sqs", queues).receive_message(QueueUrl=url)
    assert consumer.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "m"


def test_a_service_sends_to_an_encrypted_queue_only_if_its_key_lets_it(core: Core) -> None:
    """Source: EventBridge User Guide, dead-letter queues "Encrypted queues": queue policy and key policy."""
    kms, sqs = client_of(core, "kms"), client_of(core, "sqs")
    key, name = kms.create_key()["KeyMetadata"]["Arn"], f"queue-{uuid.uuid4().hex[:8]}"
    url = sqs.create_queue(QueueName=name, Attributes={"KmsMasterKeyId": key})["QueueUrl"]
    arn = f"arn:aws:sqs:{REGION}:111122223333:{name}"
    events = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}}
    send = {"Version": "2012-10-17", "Statement": [{**events, "Action": "sqs:SendMessage", "Resource": arn}]}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(send)})
    assert not core.authorizer.service_may("events.amazonaws.com", "sqs:SendMessage", arn, {})
    use = [{**events, "Action": ["kms:GenerateDataKey", "kms:Decrypt"], "Resource": "*"}]
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps({"Version": "2012-10-17", "Statement": use}))
    assert core.authorizer.service_may("events.amazonaws.com", "sqs:SendMessage", arn, {})


def test_an_encrypted_topic_takes_the_key_to_publish(core: Core, acting: Acting) -> None:
    """Source: SNS Developer Guide, "Managing Amazon SNS encryption keys and costs"."""
    key = client_of(core, "kms").create_key()["KeyMetadata"]["Arn"]
    topic = client_of(core, "sns").create_topic(
        Name=f"topic-{uuid.uuid4().hex[:8]}", Attributes={"KmsMasterKeyId": key}
    )
    publish = {"Effect": "Allow", "Action": "sns:Publish", "Resource": topic["TopicArn"]}
    with pytest.raises(ClientError, match="kms:GenerateDataKey"):
        acting("sns", publish).publish(TopicArn=topic["TopicArn"], Message="m")
    use = grant("kms:GenerateDataKey", "kms:Decrypt", key=key)
    assert acting("sns", publish, use).publish(TopicArn=topic["TopicArn"], Message="m")["MessageId"]

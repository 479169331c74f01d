"""The hub registers a model; staging reads it and makes it ready to serve, each in its own account."""

from __future__ import annotations

import io
import tarfile
from dataclasses import dataclass

import pytest
from botocore.exceptions import ClientError

from tests.support.twin_server import client_of
from tests.twin.accounts.several import HUB, REGION, STAGING, Accounts, document

BUCKET = "hub-artifacts"
IMAGE = f"683313688378.dkr.ecr.{REGION}.amazonaws.com/sagemaker-xgboost:3.2-0"


def model() -> bytes:
    """Return an archive like a trained model's."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("model.json"), io.BytesIO(b""))
    return buffer.getvalue()


MODEL = model()


@dataclass(frozen=True)
class Registered:
    """What the hub has made."""

    key: str
    group: str
    package: str


@pytest.fixture(scope="module")
def registered(accounts: Accounts) -> Registered:
    """The hub keeps a model under its key and registers it; nobody else may read either yet."""
    s3, kms, sagemaker = (accounts.administrator(HUB, name) for name in ("s3", "kms", "sagemaker"))
    key = kms.create_key()["KeyMetadata"]["Arn"]
    s3.create_bucket(Bucket=BUCKET)
    rule = {
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key},
        "BucketKeyEnabled": True,
    }
    s3.put_bucket_encryption(Bucket=BUCKET, ServerSideEncryptionConfiguration={"Rules": [rule]})
    s3.put_object(Bucket=BUCKET, Key="model.tar.gz", Body=MODEL)
    group = sagemaker.create_model_package_group(ModelPackageGroupName="arrests")["ModelPackageGroupArn"]
    container = {"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/model.tar.gz"}
    package = sagemaker.create_model_package(
        ModelPackageGroupName="arrests",
        ModelApprovalStatus="Approved",
        InferenceSpecification={
            "Containers": [container],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
    )["ModelPackageArn"]
    return Registered(key=key, group=group, package=package)


def staging_roles(accounts: Accounts, made: Registered) -> tuple[str, str]:
    """Make the deployer that the hub's release role may assume, and the role of staging's models."""
    execution = accounts.role(
        STAGING,
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{BUCKET}/*"},
        {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": made.key},
        trust={"Principal": {"Service": "sagemaker.amazonaws.com"}},
    )
    deployer = accounts.role(
        STAGING,
        {
            "Effect": "Allow",
            "Action": ["sagemaker:*", "iam:PassRole", "s3:GetObject", "kms:Decrypt"],
            "Resource": "*",
        },
        trust={
            "Principal": {"AWS": f"arn:aws:iam::{HUB}:root"},
            "Condition": {"StringEquals": {"sts:ExternalId": "gate"}},
        },
    )
    return deployer, execution


def open_to_staging(accounts: Accounts, made: Registered, deployer: str, execution: str) -> None:
    """Let the hub open the artifact, the key and the group to staging."""
    roles = {"AWS": [deployer, execution]}
    read = {"Effect": "Allow", "Principal": roles, "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{BUCKET}/*"}
    accounts.administrator(HUB, "s3").put_bucket_policy(Bucket=BUCKET, Policy=document(read))
    own = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{HUB}:root"}, "Action": "kms:*", "Resource": "*"}
    decrypt = {
        "Effect": "Allow",
        "Principal": roles,
        "Action": "kms:Decrypt",
        "Resource": "*",
        "Condition": {
            "StringEquals": {
                "kms:ViaService": f"s3.{REGION}.amazonaws.com",
                "kms:CallerAccount": STAGING,
                "kms:EncryptionContext:aws:s3:arn": f"arn:aws:s3:::{BUCKET}",
            }
        },
    }
    accounts.administrator(HUB, "kms").put_key_policy(
        KeyId=made.key, PolicyName="default", Policy=document(own, decrypt)
    )
    actions = ["sagemaker:DescribeModelPackage", "sagemaker:ListModelPackages", "sagemaker:CreateModel"]
    group = {
        "Effect": "Allow",
        "Principal": roles,
        "Action": actions,
        "Resource": f"arn:aws:sagemaker:{REGION}:{HUB}:model-package/arrests/*",
    }
    accounts.administrator(HUB, "sagemaker").put_model_package_group_policy(
        ModelPackageGroupName="arrests", ResourcePolicy=document(group)
    )


def test_a_model_of_the_hub_becomes_an_endpoint_configuration_of_staging(
    accounts: Accounts, registered: Registered
) -> None:
    """With both sides' consent: assume the role in staging, read the artifact with the hub's key, make the model."""
    deployer, execution = staging_roles(accounts, registered)
    release = accounts.role(HUB, {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": deployer})
    sts = accounts.session(release, "sts")
    with pytest.raises(ClientError, match="not authorized to perform: sts:AssumeRole"):
        sts.assume_role(RoleArn=deployer, RoleSessionName="release")
    issued = sts.assume_role(RoleArn=deployer, RoleSessionName="release", ExternalId="gate")
    assert f":{STAGING}:" in issued["AssumedRoleUser"]["Arn"]
    found = accounts.twin.core.credentials.find(issued["Credentials"]["AccessKeyId"])
    s3, sagemaker = (client_of(accounts.twin.core, name, found) for name in ("s3", "sagemaker"))
    with pytest.raises(ClientError, match="s3:GetObject"):
        s3.get_object(Bucket=BUCKET, Key="model.tar.gz")
    with pytest.raises(ClientError, match="sagemaker:DescribeModelPackage"):
        sagemaker.describe_model_package(ModelPackageName=registered.package)

    open_to_staging(accounts, registered, deployer, execution)
    assert s3.get_object(Bucket=BUCKET, Key="model.tar.gz", ExpectedBucketOwner=HUB)["Body"].read() == MODEL
    listed = sagemaker.list_model_packages(ModelPackageGroupName=registered.group)["ModelPackageSummaryList"]
    assert [summary["ModelPackageArn"] for summary in listed] == [registered.package]
    made = sagemaker.create_model(
        ModelName="arrests",
        ExecutionRoleArn=execution,
        PrimaryContainer={"ModelPackageName": registered.package},
    )
    assert made["ModelArn"] == f"arn:aws:sagemaker:{REGION}:{STAGING}:model/arrests"
    variant = {"VariantName": "all", "ModelName": "arrests", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    configured = sagemaker.create_endpoint_config(EndpointConfigName="arrests", ProductionVariants=[variant])
    assert configured["EndpointConfigArn"].split(":")[4] == STAGING
    assert accounts.administrator(HUB, "sagemaker").list_models()["Models"] == []


def test_without_the_keys_consent_the_artifact_stays_closed(accounts: Accounts, registered: Registered) -> None:
    """A bucket policy alone does not open what the hub's key encrypts."""
    deployer, execution = staging_roles(accounts, registered)
    open_to_staging(accounts, registered, deployer, execution)
    stranger = accounts.role(STAGING, {"Effect": "Allow", "Action": ["s3:*", "kms:*"], "Resource": "*"})
    read = {
        "Effect": "Allow",
        "Principal": {"AWS": stranger},
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{BUCKET}/*",
    }
    accounts.administrator(HUB, "s3").put_bucket_policy(Bucket=BUCKET, Policy=document(read))
    with pytest.raises(ClientError, match="kms:Decrypt on resource: " + registered.key):
        accounts.session(stranger, "s3").get_object(Bucket=BUCKET, Key="model.tar.gz")


def test_the_models_own_role_must_be_let_in_as_well(accounts: Accounts, registered: Registered) -> None:
    """CreateModel reads the artifact as the execution role: a bucket that only knows the deployer refuses it."""
    deployer, execution = staging_roles(accounts, registered)
    open_to_staging(accounts, registered, deployer, deployer)
    with pytest.raises(ClientError, match=r"s3|S3|model data|not authorized"):
        accounts.session(deployer, "sagemaker").create_model(
            ModelName="closed", ExecutionRoleArn=execution, PrimaryContainer={"ModelPackageName": registered.package}
        )

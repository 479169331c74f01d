"""What crosses accounts, and what never does (IAM User Guide, "Cross-account policy evaluation logic")."""

from __future__ import annotations

import io
import uuid
import zipfile

import pytest
from botocore.exceptions import ClientError

from tests.twin.accounts.several import ANYTHING, HUB, PRODUCTION, REGION, STAGING, Accounts, document

LISTS = (
    ("s3", "list_buckets", "Buckets"),
    ("iam", "list_roles", "Roles"),
    ("kms", "list_keys", "Keys"),
    ("sqs", "list_queues", "QueueUrls"),
    ("sns", "list_topics", "Topics"),
    ("ssm", "describe_parameters", "Parameters"),
    ("logs", "describe_log_groups", "logGroups"),
    ("secretsmanager", "list_secrets", "SecretList"),
    ("events", "list_rules", "Rules"),
    ("cloudwatch", "describe_alarms", "MetricAlarms"),
    ("ecr", "describe_repositories", "repositories"),
    ("codecommit", "list_repositories", "repositories"),
    ("codebuild", "list_projects", "projects"),
    ("codepipeline", "list_pipelines", "pipelines"),
    ("lambda", "list_functions", "Functions"),
    ("cloudformation", "list_stacks", "StackSummaries"),
    ("servicecatalog", "list_portfolios", "PortfolioDetails"),
    ("sagemaker", "list_model_package_groups", "ModelPackageGroupSummaryList"),
    ("sagemaker", "list_pipelines", "PipelineSummaries"),
    ("sagemaker", "list_projects", "ProjectSummaryList"),
    ("sagemaker", "list_models", "Models"),
    ("sagemaker", "list_endpoints", "Endpoints"),
    ("sagemaker", "list_training_jobs", "TrainingJobSummaries"),
    ("scheduler", "list_schedules", "Schedules"),
)


@pytest.fixture(scope="module", autouse=True)
def furnished(accounts: Accounts) -> None:
    """Give the hub something of everything that is cheap to make."""
    made = {name: accounts.administrator(HUB, name) for name, _, _ in LISTS}
    made["s3"].create_bucket(Bucket="only-the-hubs")
    made["sqs"].create_queue(QueueName="only-the-hubs")
    made["sns"].create_topic(Name="only-the-hubs")
    made["ssm"].put_parameter(Name="only-the-hubs", Value="v", Type="String")
    made["logs"].create_log_group(logGroupName="only-the-hubs")
    made["secretsmanager"].create_secret(Name="only-the-hubs", SecretString="s")
    made["events"].put_rule(Name="only-the-hubs", EventPattern='{"source": ["a"]}')
    made["ecr"].create_repository(repositoryName="only-the-hubs")
    made["codecommit"].create_repository(repositoryName="only-the-hubs")
    made["servicecatalog"].create_portfolio(DisplayName="only-the-hubs", ProviderName="hub")
    made["sagemaker"].create_model_package_group(ModelPackageGroupName="only-the-hubs")
    made["kms"].create_key()
    accounts.role(HUB)


def test_every_administrator_is_of_its_own_account(accounts: Accounts) -> None:
    """Each account has an administrator with a key of their own."""
    seen = {a: accounts.administrator(a, "sts").get_caller_identity()["Account"] for a in (HUB, STAGING, PRODUCTION)}
    assert all(account == said for account, said in seen.items())


@pytest.mark.parametrize(("service", "operation", "member"), LISTS)
def test_an_account_lists_only_what_is_its_own(accounts: Accounts, service: str, operation: str, member: str) -> None:
    """Production has made nothing: whatever the hub has, its lists are empty."""
    client = accounts.administrator(PRODUCTION, service)
    assert getattr(client, operation)().get(member, []) == []


def test_the_hub_sees_what_it_made(accounts: Accounts) -> None:
    """The same lists of the hub are not empty, where it has made something."""
    made = {"s3", "iam", "kms", "sqs", "sns", "ssm", "logs", "secretsmanager", "events", "ecr", "codecommit"}
    empty = [s for s, o, m in LISTS if s in made and not getattr(accounts.administrator(HUB, s), o)().get(m)]
    assert empty == []


# ---------------------------------------------------------------------------------------------- roles


def test_a_role_of_another_account_needs_trust_and_permission(accounts: Accounts) -> None:
    """AssumeRole: the caller's own policies and the role's trust policy, with its conditions."""
    caller = accounts.role(
        HUB, {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": f"arn:aws:iam::{STAGING}:role/*"}
    )
    bystander = accounts.role(HUB)
    of_hub = {"Principal": {"AWS": f"arn:aws:iam::{HUB}:root"}}
    trusting = accounts.role(STAGING, ANYTHING, trust=of_hub)
    by_name = accounts.role(
        STAGING, ANYTHING, trust={**of_hub, "Condition": {"ArnEquals": {"aws:PrincipalArn": caller}}}
    )
    other = accounts.role(
        STAGING, ANYTHING, trust={**of_hub, "Condition": {"StringEquals": {"aws:PrincipalAccount": PRODUCTION}}}
    )
    for role in (trusting, by_name):
        issued = accounts.session(caller, "sts").assume_role(RoleArn=role, RoleSessionName="me")
        assert issued["AssumedRoleUser"]["Arn"].startswith(f"arn:aws:sts::{STAGING}:assumed-role/")
    for who, role in ((caller, other), (bystander, trusting), (caller, accounts.role(STAGING, ANYTHING))):
        with pytest.raises(ClientError, match="sts:AssumeRole"):
            accounts.session(who, "sts").assume_role(RoleArn=role, RoleSessionName="me")


def test_a_stack_is_made_in_the_account_whose_role_was_assumed(accounts: Accounts) -> None:
    """CloudFormation in staging, started from the hub with staging's credentials."""
    role = accounts.role(STAGING, ANYTHING, trust={"Principal": {"AWS": f"arn:aws:iam::{HUB}:root"}})
    issued = accounts.administrator(HUB, "sts").assume_role(RoleArn=role, RoleSessionName="me")["Credentials"]
    stacks = accounts.of_key(issued["AccessKeyId"], "cloudformation")
    template = "Resources: {P: {Type: 'AWS::SSM::Parameter', Properties: {Name: /made, Type: String, Value: v}}}"
    stack = stacks.create_stack(StackName="theirs", TemplateBody=template)["StackId"]
    stacks.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig={"Delay": 0.05, "MaxAttempts": 200})
    assert stack.split(":")[4] == STAGING
    assert accounts.administrator(STAGING, "ssm").get_parameter(Name="/made")["Parameter"]["Value"] == "v"
    with pytest.raises(ClientError, match="ParameterNotFound"):
        accounts.administrator(HUB, "ssm").get_parameter(Name="/made")


def test_no_role_is_passed_to_another_account(accounts: Accounts) -> None:
    """iam:PassRole: the passed role is in the caller's own account, whatever policies say."""
    theirs = accounts.role(HUB, ANYTHING, trust={"Principal": {"Service": "lambda.amazonaws.com"}})
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as package:
        package.writestr("index.py", "def handler(event, context): return 1")
    with pytest.raises(ClientError, match="iam:PassRole"):
        accounts.session(accounts.role(STAGING, ANYTHING), "lambda").create_function(
            FunctionName="f",
            Runtime="python3.12",
            Handler="index.handler",
            Role=theirs,
            Code={"ZipFile": buffer.getvalue()},
        )


# ---------------------------------------------------------------------------------------------- other services


def test_what_has_no_resource_policy_never_crosses(accounts: Accounts) -> None:
    """CodeCommit, Service Catalog, SSM and others have none: without an assumed role they stay closed."""
    group = f"arn:aws:sagemaker:{REGION}:{HUB}:model-package-group/only-the-hubs"
    repository = accounts.administrator(HUB, "codecommit").get_repository(repositoryName="only-the-hubs")
    portfolio = accounts.administrator(HUB, "servicecatalog").list_portfolios()["PortfolioDetails"][0]["Id"]
    arn = repository["repositoryMetadata"]["Arn"]
    for service, ask in (
        ("codecommit", lambda c: c.list_tags_for_resource(resourceArn=arn)),
        ("servicecatalog", lambda c: c.describe_portfolio(Id=portfolio)),
        ("ssm", lambda c: c.get_parameter(Name=f"arn:aws:ssm:{REGION}:{HUB}:parameter/only-the-hubs")),
        ("sagemaker", lambda c: c.list_tags(ResourceArn=group)),
        ("sagemaker", lambda c: c.describe_model_package_group(ModelPackageGroupName=group)),
    ):
        with pytest.raises(ClientError) as error:
            ask(accounts.administrator(STAGING, service))
        assert error.value.response["Error"]["Code"] in {"AccessDeniedException", "ResourceNotFoundException"}


def test_a_queue_and_a_topic_open_themselves(accounts: Accounts) -> None:
    """SQS by the owner's URL, SNS by ARN: their policies let the other account in, for what they name."""
    root = {"AWS": f"arn:aws:iam::{STAGING}:root"}
    sqs, sns = accounts.administrator(HUB, "sqs"), accounts.administrator(HUB, "sns")
    url = sqs.create_queue(QueueName="inbox")["QueueUrl"]
    queue, topic = f"arn:aws:sqs:{REGION}:{HUB}:inbox", sns.create_topic(Name="news")["TopicArn"]
    theirs = accounts.administrator(STAGING, "sqs"), accounts.administrator(STAGING, "sns")
    with pytest.raises(ClientError, match="sqs:SendMessage"):
        theirs[0].send_message(QueueUrl=url, MessageBody="m")
    with pytest.raises(ClientError, match="sns:Publish"):
        theirs[1].publish(TopicArn=topic, Message="m")
    send = {"Effect": "Allow", "Principal": root, "Action": "sqs:SendMessage", "Resource": queue}
    publish = {"Effect": "Allow", "Principal": root, "Action": "sns:Publish", "Resource": topic}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": document(send)})
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=document(publish))
    theirs[0].send_message(QueueUrl=url, MessageBody="from staging")
    assert theirs[1].publish(TopicArn=topic, Message="m")["MessageId"]
    assert sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "from staging"
    with pytest.raises(ClientError, match="sqs:ReceiveMessage"):
        theirs[0].receive_message(QueueUrl=url)


def test_a_secret_opens_itself(accounts: Accounts) -> None:
    """Secrets Manager by ARN, by the secret's policy."""
    hub, staging = accounts.administrator(HUB, "secretsmanager"), accounts.administrator(STAGING, "secretsmanager")
    arn = hub.create_secret(Name="shared", SecretString="word")["ARN"]
    with pytest.raises(ClientError, match="AccessDenied"):
        staging.get_secret_value(SecretId=arn)
    read = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{STAGING}:root"},
        "Action": "secretsmanager:GetSecretValue",
        "Resource": "*",
    }
    hub.put_resource_policy(SecretId=arn, ResourcePolicy=document(read))
    assert staging.get_secret_value(SecretId=arn)["SecretString"] == "word"


def function_of_hub(accounts: Accounts) -> str:
    """Make a function of the hub and return its name."""
    name, buffer = f"f-{uuid.uuid4().hex[:8]}", io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as package:
        package.writestr("index.py", "def handler(event, context): return 'hub'")
    role = accounts.role(HUB, ANYTHING, trust={"Principal": {"Service": "lambda.amazonaws.com"}})
    accounts.administrator(HUB, "lambda").create_function(
        FunctionName=name,
        Runtime="python3.12",
        Handler="index.handler",
        Role=role,
        Code={"ZipFile": buffer.getvalue()},
    )
    return name


def test_a_function_is_invoked_across_accounts_by_its_policy(accounts: Accounts) -> None:
    """AddPermission names the account; every form of the function's name is judged as the function that it means."""
    name = function_of_hub(accounts)
    staging = accounts.session(accounts.role(STAGING, ANYTHING), "lambda")
    forms = (f"arn:aws:lambda:{REGION}:{HUB}:function:{name}", f"{HUB}:function:{name}")
    for form in forms:
        with pytest.raises(ClientError, match=f"lambda:InvokeFunction on resource: {forms[0]} "):
            staging.invoke(FunctionName=form)
        with pytest.raises(ClientError, match=f"lambda:DeleteFunction on resource: {forms[0]} "):
            staging.delete_function(FunctionName=form)
    accounts.administrator(HUB, "lambda").add_permission(
        FunctionName=name, StatementId="staging", Action="lambda:InvokeFunction", Principal=STAGING
    )
    for form in forms:
        assert staging.invoke(FunctionName=form)["Payload"].read() == b'"hub"'


def test_a_repository_of_images_opens_itself(accounts: Accounts) -> None:
    """ECR: the registry that the request names decides whose repository is asked."""
    staging = accounts.administrator(STAGING, "ecr")
    asked = {"registryId": HUB, "repositoryName": "only-the-hubs"}
    with pytest.raises(ClientError, match=f"ecr:ListImages on resource: arn:aws:ecr:{REGION}:{HUB}:"):
        staging.list_images(**asked)
    open_to = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{STAGING}:root"}, "Action": "ecr:ListImages"}
    accounts.administrator(HUB, "ecr").set_repository_policy(
        repositoryName="only-the-hubs", policyText=document({"Sid": "staging", **open_to})
    )
    assert staging.list_images(**asked)["imageIds"] == []


def test_a_client_cannot_say_whose_resources_it_means(accounts: Accounts) -> None:
    """The header by which moto is told the account is the front's own: what a client sends is replaced."""
    sqs = accounts.administrator(PRODUCTION, "sqs")
    sqs.meta.events.register("before-sign", lambda request, **_: request.headers.add_header("x-moto-account-id", HUB))
    assert sqs.list_queues().get("QueueUrls", []) == []

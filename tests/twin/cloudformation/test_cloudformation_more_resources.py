"""Resource types against the twin's own services: what a template asks for exists, changes and goes."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.function_archives import archive
from tests.twin.cloudformation.live import Live
from tests.twin.cloudformation.world import document, resources, statement

ACCOUNT, REGION = "111122223333", "us-east-1"
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


def put(live: Live, bucket: str, key: str, body: bytes | str) -> str:
    """Write an object, in a versioned bucket, and return its version."""
    s3 = live.client("s3")
    if bucket not in [item["Name"] for item in s3.list_buckets()["Buckets"]]:
        s3.create_bucket(Bucket=bucket)
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return str(s3.put_object(Bucket=bucket, Key=key, Body=body)["VersionId"])


def answering(text: str) -> bytes:
    """Return the archive of a function that answers with a text."""
    return archive(f"def handler(event, context): return {text!r}")


def test_a_function_runs_the_object_its_template_names(live: Live) -> None:
    """Code from S3 by key and version; another key or version is other code, the same one changes nothing."""
    bucket, name = unique("code"), unique("function")
    put(live, bucket, "one.zip", answering("one"))
    first = put(live, bucket, "two.zip", answering("two"))
    put(live, bucket, "two.zip", answering("three"))

    def template(**code: str) -> dict[str, Any]:
        role = resource("AWS::IAM::Role", AssumeRolePolicyDocument=TRUST)
        function = resource(
            "AWS::Lambda::Function",
            FunctionName=name,
            Runtime="python3.12",
            Handler="index.handler",
            Role={"Fn::GetAtt": ["Role", "Arn"]},
            Code={"S3Bucket": bucket, **code},
        )
        return resources(Role=role, Function=function)

    def answer() -> Any:
        return json.loads(live.client("lambda").invoke(FunctionName=name)["Payload"].read())

    stack = live.stack(template(S3Key="one.zip"))
    assert (stack.status, answer()) == ("CREATE_COMPLETE", "one")
    assert (stack.update(template(S3Key="two.zip", S3ObjectVersion=first)).status, answer()) == (
        "UPDATE_COMPLETE",
        "two",
    )
    assert (stack.update(template(S3Key="two.zip")).status, answer()) == ("UPDATE_COMPLETE", "three")
    with pytest.raises(ClientError, match="No updates are to be performed"):
        stack.update(template(S3Key="two.zip"))
    assert stack.update(template(S3Key="missing.zip")).status == "UPDATE_ROLLBACK_COMPLETE"
    assert answer() == "three"
    assert stack.delete().status == "DELETE_COMPLETE"


def test_a_function_has_its_asynchronous_settings(live: Live) -> None:
    """Retries and age are set on $LATEST and go with the resource; another resource for them is refused."""
    name = unique("function")
    role = resource("AWS::IAM::Role", AssumeRolePolicyDocument=TRUST)
    function = resource(
        "AWS::Lambda::Function",
        FunctionName=name,
        Runtime="python3.12",
        Handler="index.handler",
        Role={"Fn::GetAtt": ["Role", "Arn"]},
        Code={"ZipFile": "def handler(event, context): return 1"},
    )

    def config(retries: int) -> dict[str, Any]:
        return resource(
            "AWS::Lambda::EventInvokeConfig",
            FunctionName={"Ref": "Function"},
            Qualifier="$LATEST",
            MaximumRetryAttempts=retries,
        )

    stack = live.stack(resources(Role=role, Function=function, Config=config(1)))
    read = live.client("lambda").get_function_event_invoke_config
    assert read(FunctionName=name)["MaximumRetryAttempts"] == 1
    other = resource("AWS::Lambda::EventInvokeConfig", FunctionName=name, Qualifier="$LATEST", MaximumRetryAttempts=2)
    assert "already exists" in live.stack(resources(Config=other)).reason("Config", "CREATE_FAILED")
    stack.update(resources(Role=role, Function=function, Config=config(0)))
    assert read(FunctionName=name)["MaximumRetryAttempts"] == 0
    stack.update(resources(Role=role, Function=function))
    with pytest.raises(ClientError, match="doesn't have an EventInvokeConfig"):
        read(FunctionName=name)
    stack.delete()


def test_a_topic_has_subscriptions_and_a_policy(live: Live) -> None:
    """A subscription delivers with its attributes; deleting the policy brings the default one back."""
    sns, name = live.client("sns"), unique("topic")
    arn = f"arn:aws:sns:{REGION}:{ACCOUNT}:{name}"
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sns:Publish", "Resource": {"Ref": "Topic"}}
        ],
    }
    topic, queue = resource("AWS::SNS::Topic", TopicName=name), resource("AWS::SQS::Queue")

    def subscription(*, raw: bool) -> dict[str, Any]:
        endpoint = {"Fn::GetAtt": ["Queue", "Arn"]}
        values = {"TopicArn": {"Ref": "Topic"}, "Protocol": "sqs", "Endpoint": endpoint, "RawMessageDelivery": raw}
        return resource("AWS::SNS::Subscription", **values)

    own = resource("AWS::SNS::TopicPolicy", Topics=[{"Ref": "Topic"}], PolicyDocument=policy)
    stack = live.stack(resources(Topic=topic, Queue=queue, Subscription=subscription(raw=True), Policy=own))
    assert stack.status == "CREATE_COMPLETE"
    subscribed = stack.physical_id("Subscription")
    read = sns.get_subscription_attributes
    assert read(SubscriptionArn=subscribed)["Attributes"]["RawMessageDelivery"] == "true"
    assert json.loads(sns.get_topic_attributes(TopicArn=arn)["Attributes"]["Policy"])["Statement"][0]["Resource"] == arn
    stack.update(resources(Topic=topic, Queue=queue, Subscription=subscription(raw=False)))
    assert read(SubscriptionArn=subscribed)["Attributes"]["RawMessageDelivery"] == "false"
    assert "__default_policy_ID" in sns.get_topic_attributes(TopicArn=arn)["Attributes"]["Policy"]
    assert stack.delete().status == "DELETE_COMPLETE"
    with pytest.raises(ClientError, match="NotFound"):
        read(SubscriptionArn=subscribed)


def test_a_bus_has_statements(live: Live) -> None:
    """A bus, a rule on it and two statements of its policy; one goes, the other stays."""
    events, name = live.client("events"), unique("bus")
    bus = resource("AWS::Events::EventBus", Name=name, Tags=[{"Key": "a", "Value": "b"}])
    put_events = {"Action": "events:PutEvents", "Principal": "444455556666", "EventBusName": {"Ref": "Bus"}}
    plain = resource("AWS::Events::EventBusPolicy", StatementId="plain", **put_events)
    arn = {"Fn::GetAtt": ["Bus", "Arn"]}
    full = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::444455556666:root"},
        "Action": "events:PutEvents",
        "Resource": arn,
    }
    written = resource(
        "AWS::Events::EventBusPolicy", StatementId="written", EventBusName={"Ref": "Bus"}, Statement=full
    )
    written["DependsOn"] = "Plain"
    rule = resource("AWS::Events::Rule", EventBusName={"Ref": "Bus"}, EventPattern={"source": ["mine"]})
    stack = live.stack(resources(Bus=bus, Plain=plain, Written=written, Rule=rule))
    assert stack.status == "CREATE_COMPLETE"

    def sids() -> set[str]:
        return {item["Sid"] for item in json.loads(events.describe_event_bus(Name=name)["Policy"])["Statement"]}

    assert sids() == {"plain", "written"}
    stack.update(resources(Bus=bus, Plain=plain, Rule=rule))
    assert sids() == {"plain"}
    assert stack.delete().status == "DELETE_COMPLETE"
    assert name not in [item["Name"] for item in events.list_event_buses()["EventBuses"]]


def test_a_secret_is_given_or_generated(live: Live) -> None:
    """A secret keeps what is given; a generated one keeps its value while other properties change."""
    client, name = live.client("secretsmanager"), unique("secret")
    rule = {"SecretStringTemplate": json.dumps({"user": "me"}), "GenerateStringKey": "password", "PasswordLength": 20}
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Deny",
                "Principal": {"AWS": "*"},
                "Action": "secretsmanager:DeleteSecret",
                "Resource": "*",
                "Condition": {"StringEquals": {"aws:PrincipalTag/x": "y"}},
            }
        ],
    }

    def template(description: str) -> dict[str, Any]:
        return resources(
            Generated=resource(
                "AWS::SecretsManager::Secret", Name=name, Description=description, GenerateSecretString=rule
            ),
            Given=resource("AWS::SecretsManager::Secret", SecretString="known"),
            Policy=resource("AWS::SecretsManager::ResourcePolicy", SecretId={"Ref": "Given"}, ResourcePolicy=policy),
        )

    stack = live.stack(template("first"))
    assert stack.status == "CREATE_COMPLETE"
    before = client.get_secret_value(SecretId=name)["SecretString"]
    assert (json.loads(before)["user"], len(json.loads(before)["password"])) == ("me", 20)
    assert client.get_secret_value(SecretId=stack.physical_id("Given"))["SecretString"] == "known"
    assert stack.update(template("second")).status == "UPDATE_COMPLETE"
    assert client.get_secret_value(SecretId=name)["SecretString"] == before
    assert client.describe_secret(SecretId=name)["Description"] == "second"
    assert stack.delete().status == "DELETE_COMPLETE"
    with pytest.raises(ClientError, match="ResourceNotFound"):
        client.get_secret_value(SecretId=name)


def test_a_catalog_is_made_of_a_template(live: Live) -> None:
    """Portfolio, product with versions, both associations and the launch role; a version more keeps the first's id."""
    catalog, bucket = live.client("servicecatalog"), unique("templates")
    body = json.dumps(
        {"Resources": {"Note": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "x"}}}}
    )
    put(live, bucket, "product.json", body)
    launch = unique("launch")
    live.client("iam").create_role(
        RoleName=launch,
        AssumeRolePolicyDocument=document(
            statement(Principal={"Service": "servicecatalog.amazonaws.com"}, Action="sts:AssumeRole")
        ),
    )
    role = f"arn:aws:iam::{ACCOUNT}:role/{launch}"
    info = {"LoadTemplateFromURL": f"https://{bucket}.s3.amazonaws.com/product.json"}
    ids = {"PortfolioId": {"Ref": "Portfolio"}, "ProductId": {"Ref": "Product"}}

    def template(description: str, *versions: str) -> dict[str, Any]:
        return resources(
            Portfolio=resource("AWS::ServiceCatalog::Portfolio", DisplayName="Templates", ProviderName=description),
            Product=resource(
                "AWS::ServiceCatalog::CloudFormationProduct",
                Name="Project",
                Owner="us",
                Description=description,
                ProvisioningArtifactParameters=[{"Name": version, "Info": info} for version in versions],
            ),
            Product0=resource("AWS::ServiceCatalog::PortfolioProductAssociation", **ids),
            People=resource(
                "AWS::ServiceCatalog::PortfolioPrincipalAssociation",
                PortfolioId={"Ref": "Portfolio"},
                PrincipalARN=role,
                PrincipalType="IAM",
            ),
            Launch={
                **resource("AWS::ServiceCatalog::LaunchRoleConstraint", RoleArn=role, **ids),
                "DependsOn": "Product0",
            },
        )

    stack = live.stack(template("first", "v1"))
    assert stack.status == "CREATE_COMPLETE"
    product, portfolio = stack.physical_id("Product"), stack.physical_id("Portfolio")
    listed = catalog.list_provisioning_artifacts
    first = [item["Id"] for item in listed(ProductId=product)["ProvisioningArtifactDetails"]]
    assert catalog.list_principals_for_portfolio(PortfolioId=portfolio)["Principals"][0]["PrincipalARN"] == role
    assert len(catalog.list_constraints_for_portfolio(PortfolioId=portfolio)["ConstraintDetails"]) == 1
    stack.update(template("second", "v1", "v2"))
    later = [item["Id"] for item in listed(ProductId=product)["ProvisioningArtifactDetails"]]
    assert (stack.status, len(later), later[0]) == ("UPDATE_COMPLETE", 2, first[0])
    stack.update(template("second", "v2"))
    assert [item["Id"] for item in listed(ProductId=product)["ProvisioningArtifactDetails"]] == later[1:]
    assert catalog.describe_portfolio(Id=portfolio)["PortfolioDetail"]["ProviderName"] == "second"
    assert stack.delete().status == "DELETE_COMPLETE"
    assert product not in str(catalog.search_products_as_admin())


def test_small_things_exist_change_and_go(live: Live) -> None:
    """Inline role policy, log filter and policy, dashboard, topic's inline policy: each is kept by its service."""
    role, group, board = unique("role"), unique("group"), unique("board")
    logs, policy_name = live.client("logs"), unique("policy")
    read = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
    publish = {**statement(Principal={"AWS": ACCOUNT}, Action="sns:Publish"), "Resource": {"Ref": "Topic"}}
    metric = {"MetricName": "Errors", "MetricNamespace": "Mine", "MetricValue": "1"}

    def template(pattern: str, text: str) -> dict[str, Any]:
        return resources(
            Role=resource("AWS::IAM::Role", RoleName=role, AssumeRolePolicyDocument=TRUST),
            May=resource("AWS::IAM::RolePolicy", RoleName={"Ref": "Role"}, PolicyName="may", PolicyDocument=read),
            Group=resource("AWS::Logs::LogGroup", LogGroupName=group),
            Filter=resource(
                "AWS::Logs::MetricFilter",
                LogGroupName={"Ref": "Group"},
                FilterName="errors",
                FilterPattern=pattern,
                MetricTransformations=[metric],
            ),
            Write=resource(
                "AWS::Logs::ResourcePolicy", PolicyName=policy_name, PolicyDocument=json.dumps({**read, "Id": pattern})
            ),
            Board=resource("AWS::CloudWatch::Dashboard", DashboardName=board, DashboardBody=text),
            Topic=resource("AWS::SNS::Topic"),
            Inline=resource(
                "AWS::SNS::TopicInlinePolicy",
                TopicArn={"Ref": "Topic"},
                PolicyDocument={"Version": "2012-10-17", "Statement": [publish]},
            ),
        )

    stack = live.stack(template("ERROR", '{"widgets": []}'))
    assert stack.status == "CREATE_COMPLETE", stack.events("CREATE_FAILED")
    assert live.client("iam").get_role_policy(RoleName=role, PolicyName="may")["PolicyDocument"] == read
    assert stack.update(template("FATAL", '{"widgets": [], "start": "-PT1H"}')).status == "UPDATE_COMPLETE"
    assert logs.describe_metric_filters(logGroupName=group)["metricFilters"][0]["filterPattern"] == "FATAL"
    policies = {item["policyName"]: item for item in logs.describe_resource_policies()["resourcePolicies"]}
    assert "FATAL" in policies[policy_name]["policyDocument"]
    assert "PT1H" in live.client("cloudwatch").get_dashboard(DashboardName=board)["DashboardBody"]
    assert stack.delete().status == "DELETE_COMPLETE"
    assert policy_name not in str(logs.describe_resource_policies()["resourcePolicies"])


def test_a_pipeline_is_defined_by_text_or_by_an_object(live: Live) -> None:
    """PipelineDefinition gives the body or where it lies in S3; an update changes what the service has."""
    name, bucket, role = unique("pipeline"), unique("definitions"), unique("role")
    live.client("iam").create_role(
        RoleName=role,
        AssumeRolePolicyDocument=document(
            statement(Principal={"Service": "sagemaker.amazonaws.com"}, Action="sts:AssumeRole")
        ),
    )

    def definition(message: str) -> str:
        step = {"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": message}}
        return json.dumps({"Version": "2020-12-01", "Parameters": [], "Steps": [step]})

    def template(**given: Any) -> dict[str, Any]:
        arn = f"arn:aws:iam::{ACCOUNT}:role/{role}"
        return resources(
            Pipeline=resource("AWS::SageMaker::Pipeline", PipelineName=name, RoleArn=arn, PipelineDefinition=given)
        )

    put(live, bucket, "definition.json", definition("from the bucket"))
    place = {"PipelineDefinitionS3Location": {"Bucket": bucket, "Key": "definition.json"}}
    read = live.client("sagemaker").describe_pipeline
    stack = live.stack(template(PipelineDefinitionBody=definition("from the text")))
    assert "from the text" in read(PipelineName=name)["PipelineDefinition"]
    assert stack.update(template(**place)).status == "UPDATE_COMPLETE"
    assert "from the bucket" in read(PipelineName=name)["PipelineDefinition"]
    assert stack.update(template(PipelineDefinitionBody="{")).status == "UPDATE_ROLLBACK_COMPLETE"
    assert "from the bucket" in read(PipelineName=name)["PipelineDefinition"]
    assert stack.delete().status == "DELETE_COMPLETE"


@pytest.mark.parametrize("kind", ["Version", "Alias", "LayerVersion"])
def test_what_lambda_does_not_have_is_refused_by_name(live: Live, kind: str) -> None:
    """A type whose service lacks the operations is refused before anything is made."""
    with pytest.raises(ClientError, match=f"NotImplemented.*AWS::Lambda::{kind}"):
        live.begin(resources(Thing=resource(f"AWS::Lambda::{kind}", FunctionName="f")))

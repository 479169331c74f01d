"""templates + seedcode -> catalog: publishing the product."""

from __future__ import annotations

from lockgate_twin.demo.world import Facts, World

PLATFORM = "platform-engineer"


def publish(world: World, *options: str) -> str:
    """Run `lockgate publish` as the platform engineer and return what it says."""
    return world.person(PLATFORM).run([str(world.root / "lockgate"), "publish", *options], cwd=world.root)


def test_the_product_is_visible_to_studio(world: World, published: Facts) -> None:  # noqa: ARG001 - the state it makes
    """The product carries sagemaker:studio-visibility=true (developer guide, "Create custom project templates")."""
    catalog = world.person(PLATFORM).client("servicecatalog")
    (view,) = catalog.search_products_as_admin()["ProductViewDetails"]
    product = catalog.describe_product_as_admin(Id=view["ProductViewSummary"]["ProductId"])
    assert {"Key": "sagemaker:studio-visibility", "Value": "true"} in product["Tags"]


def test_a_second_publish_of_the_same_content_changes_nothing_and_says_so(world: World, published: Facts) -> None:  # noqa: ARG001
    """Publishing is idempotent."""
    catalog = world.person(PLATFORM).client("servicecatalog")
    (view,) = catalog.search_products_as_admin()["ProductViewDetails"]
    product = view["ProductViewSummary"]["ProductId"]
    before = catalog.list_provisioning_artifacts(ProductId=product)["ProvisioningArtifactDetails"]
    said = publish(world)
    assert "nothing to change" in said.lower()
    assert catalog.list_provisioning_artifacts(ProductId=product)["ProvisioningArtifactDetails"] == before


def test_a_plan_of_published_content_is_empty(world: World, published: Facts) -> None:  # noqa: ARG001
    """`--plan` prints what would be done, here nothing."""
    assert "nothing to change" in publish(world, "--plan").lower()


def test_the_template_is_published_for_the_s3_channel_too(world: World, published: Facts) -> None:  # noqa: ARG001
    """The same file is an S3 object with the tag by which Studio lists it."""
    engineer = world.person(PLATFORM)
    bucket = f"sagemaker-lockgate-hub-{world.state.account}-{world.state.region}"
    s3 = engineer.client("s3")
    (template,) = s3.list_objects_v2(Bucket=bucket, Prefix="templates/")["Contents"]
    tags = s3.get_object_tagging(Bucket=bucket, Key=template["Key"])["TagSet"]
    assert {"Key": "sagemaker:studio-visibility", "Value": "true"} in tags

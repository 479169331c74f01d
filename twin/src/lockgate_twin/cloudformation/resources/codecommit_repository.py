"""AWS::CodeCommit::Repository. Ref is the repository id; Code fills a new repository once.

Source: "AWS::CodeCommit::Repository Code": used when the repository is created, later changes are not applied;
the handler's permissions name s3:GetObject, s3:GetObjectVersion and codecommit:CreateCommit.
Assumption: the seed is one commit; its message is the twin's.
"""

from __future__ import annotations

from lockgate_twin.cloudformation.resources.adapter import Adapter, Made, Request, names, tag_map
from lockgate_twin.cloudformation.resources.codecommit_seed import files_of

_DEFAULT_BRANCH = "main"
_MESSAGE = "Initial commit by AWS CloudFormation"


def _create(request: Request) -> Made:
    codecommit, name = request.client("codecommit"), request.properties["RepositoryName"]
    description = request.properties.get("RepositoryDescription")
    values = {"repositoryDescription": description} if description else {}
    if "KmsKeyId" in request.properties:
        values["kmsKeyId"] = request.properties["KmsKeyId"]
    tags = tag_map(request.properties.get("Tags", []))
    created = codecommit.create_repository(repositoryName=name, **values, **({"tags": tags} if tags else {}))
    found = created["repositoryMetadata"]
    attributes = {
        "Arn": found["Arn"],
        "CloneUrlHttp": found["cloneUrlHttp"],
        "CloneUrlSsh": found["cloneUrlSsh"],
        "Name": name,
        "RepositoryId": found["repositoryId"],
    }
    request.identify(found["repositoryId"], attributes)
    if "Code" in request.properties:
        _seed(request, name)
    return Made(found["repositoryId"], attributes)


def _seed(request: Request, name: str) -> None:
    code = request.properties["Code"]
    place = code["S3"]
    version = {"VersionId": place["ObjectVersion"]} if "ObjectVersion" in place else {}
    body = request.client("s3").get_object(Bucket=place["Bucket"], Key=place["Key"], **version)["Body"].read()
    request.client("codecommit").create_commit(
        repositoryName=name,
        branchName=code.get("BranchName", _DEFAULT_BRANCH),
        commitMessage=_MESSAGE,
        putFiles=[
            {"filePath": file.path, "fileMode": file.mode, "fileContent": file.content} for file in files_of(body)
        ],
    )


def _update(request: Request) -> Made:
    codecommit, name = request.client("codecommit"), request.properties["RepositoryName"]
    attributes = {"Name": name}
    if request.changed("RepositoryName"):
        codecommit.update_repository_name(oldName=request.previous["RepositoryName"], newName=name)
        found = codecommit.get_repository(repositoryName=name)["repositoryMetadata"]
        urls = {"CloneUrlHttp": found["cloneUrlHttp"], "CloneUrlSsh": found["cloneUrlSsh"]}
        attributes |= {"Arn": found["Arn"], **urls}
    if request.changed("RepositoryDescription"):
        description = request.properties.get("RepositoryDescription", "")
        codecommit.update_repository_description(repositoryName=name, repositoryDescription=description)
    if request.changed("KmsKeyId"):
        key = request.properties.get("KmsKeyId", "alias/aws/codecommit")
        codecommit.update_repository_encryption_key(repositoryName=name, kmsKeyId=key)
    added, removed = request.tag_changes
    arn = attributes.get("Arn", request.attributes["Arn"])
    if added:
        codecommit.tag_resource(resourceArn=arn, tags=tag_map(added))
    if removed:
        codecommit.untag_resource(resourceArn=arn, tagKeys=removed)
    return Made(request.physical_id, attributes)


def _delete(request: Request) -> None:
    name = request.attributes.get("Name", request.properties["RepositoryName"])
    request.client("codecommit").delete_repository(repositoryName=name)


ADAPTER = Adapter(
    type="AWS::CodeCommit::Repository",
    properties=names("Code KmsKeyId RepositoryDescription RepositoryName Tags"),
    create=_create,
    update=_update,
    delete=_delete,
    gone=names("RepositoryDoesNotExistException"),
)

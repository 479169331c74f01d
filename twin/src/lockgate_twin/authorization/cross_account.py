"""Which actions may cross accounts at all, whatever policies say.

Sources: KMS Developer Guide, "Allowing users in other accounts to use a KMS key" ("If you give external users
permission for other operations, those permissions have no effect"); Amazon S3 User Guide, "Bucket owner: only the
owner may ..." (API Reference of PutBucketPolicy: "must belong to the bucket owner's account"); IAM User Guide,
"Grant a user permissions to pass a role to an AWS service" (roles are passed within one account).
"""

from __future__ import annotations

_KEYS = frozenset(
    {
        "creategrant",
        "decrypt",
        "describekey",
        "encrypt",
        "generatedatakey",
        "generatedatakeypair",
        "generatedatakeypairwithoutplaintext",
        "generatedatakeywithoutplaintext",
        "generatemac",
        "getkeyrotationstatus",
        "getpublickey",
        "listgrants",
        "reencryptfrom",
        "reencryptto",
        "retiregrant",
        "revokegrant",
        "sign",
        "verify",
        "verifymac",
    }
)
_OWNERS_ONLY = frozenset({"iam:passrole", "s3:putbucketpolicy", "s3:getbucketpolicy", "s3:deletebucketpolicy"})


def may_cross(action: str) -> bool:
    """Tell whether an action on a resource of another account can be allowed."""
    service, _, name = action.lower().partition(":")
    return name in _KEYS if service == "kms" else action.lower() not in _OWNERS_ONLY

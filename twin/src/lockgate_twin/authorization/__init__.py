"""May this principal do that? IAM's evaluation, over the caller's real policies."""

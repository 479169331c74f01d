"""Lambda: Python functions in processes of their own, through AWS's runtime interface client."""

from lockgate_twin.services.lambda_.service import Lambda

__all__ = ["Lambda"]

"""AWS Security Token Service: who am I, and assuming roles under their trust policies."""

from lockgate_twin.services.sts.service import Sts

__all__ = ["Sts"]

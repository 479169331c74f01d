"""What runs in place of a container image: the twin has no containers, it knows a few images' behaviour.

An image with an explicit entry point runs that entry point with the twin's own interpreter and packages. An image
without one runs only if the twin re-implements what it does; anything else is refused by name.
"""

from __future__ import annotations

from enum import StrEnum

from lockgate_twin.errors import NotImplementedByTwin


class Framework(StrEnum):
    """AWS's script-mode images that the twin stands in for, by ECR repository."""

    XGBOOST = "sagemaker-xgboost"
    SCIKIT_LEARN = "sagemaker-scikit-learn"


def repository(image: str) -> str:
    """Return the repository's name in an image URI: "…/sagemaker-xgboost:3.2-0" -> "sagemaker-xgboost"."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0]


def framework(image: str) -> Framework | None:
    """Return the framework whose image this is, or None."""
    name = repository(image)
    return Framework(name) if name in {f.value for f in Framework} else None


def script_mode_framework(image: str, *, program: str | None, purpose: str) -> Framework:
    """Return the framework that runs a user's program in this image.

    Raises:
        NotImplementedByTwin: the image, or its built-in algorithm (no program given), has no stand-in.
    """
    known = framework(image)
    if known is None:
        names = ", ".join(sorted(Framework))
        raise NotImplementedByTwin(f"{purpose} with image {image!r} (no entry point given; known images: {names})")
    if not program:
        raise NotImplementedByTwin(f"{purpose} with the built-in algorithm of image {image!r} (no program given)")
    return known

"""The content of model cards: the schema of standalone cards and the narrower one of a model package's card.

Source: Developer Guide, "Model card JSON schema" and "Model package model card schema"; API reference,
ModelPackageModelCard ("does not include model_package_details, and model_overview is composed of the model_creator and
model_artifact properties"); the sizes of AWS::SageMaker::ModelCard.

Assumptions: where the published schema limits an array by `maxContains` the array's length is meant; a metric of an
evaluation is one of the four kinds that the schema defines; objective_function is an object of function and notes.
"""

from __future__ import annotations

import json
from typing import Any

from lockgate_twin.services.sagemaker.document_schema import (
    Boolean,
    Either,
    Items,
    Members,
    Number,
    Shape,
    Text,
    Values,
)
from lockgate_twin.services.sagemaker.errors import validation

NAME = Text(63, least=1)
LONG_NAME = Text(255, least=1)
NOTE = Text(1024)
PARAGRAPH = Text(2048)
LOCATIONS = Items(NOTE, most=15)
AXIS = Text(63)
AXES = Items(AXIS)
ENVIRONMENT = Members({"container_image": LOCATIONS})


def _metric(kinds: tuple[str, ...], value: Shape, x_axis: Shape = AXIS, y_axis: Shape = AXIS) -> Members:
    members = {
        "name": LONG_NAME,
        "notes": NOTE,
        "type": Text(63, choices=kinds),
        "value": value,
        "x_axis_name": x_axis,
        "y_axis_name": y_axis,
    }
    return Members(members, required=("name", "type", "value"))


METRIC = Either(
    (
        _metric(("number", "string", "boolean"), Either((Number(), Text(63), Boolean()))),
        _metric(("linear_graph",), Items(Items(Number(), least=2, most=2), least=1)),
        _metric(("bar_chart",), Items(Number(), least=1), AXES),
        _metric(("matrix",), Items(Items(Number(), least=1, most=20), least=1, most=20), AXES, AXES),
    )
)
TRAINING_METRICS = Items(
    Members({"name": LONG_NAME, "notes": NOTE, "value": Number()}, required=("name", "value")), most=50
)
HYPER_PARAMETERS = Items(Members({"name": LONG_NAME, "value": LONG_NAME}, required=("name", "value")), most=100)
OBJECTIVE = Members({"function": Text(63, choices=("Maximize", "Minimize")), "facet": Text(63), "condition": Text(63)})
EVALUATION = Members(
    {
        "name": NAME,
        "evaluation_observation": Text(2096),
        "evaluation_job_arn": Text(256),
        "datasets": Items(NOTE, most=10),
        "metadata": Values(NOTE),
        "metric_groups": Items(
            Members({"name": NAME, "metric_data": Items(METRIC)}, required=("name", "metric_data")),
        ),
    },
    required=("name",),
)
# What both kinds of cards have.
COMMON: dict[str, Shape] = {
    "intended_uses": Members(
        {
            "purpose_of_model": PARAGRAPH,
            "intended_uses": PARAGRAPH,
            "factors_affecting_model_efficiency": PARAGRAPH,
            "risk_rating": Text(63, choices=("High", "Medium", "Low", "Unknown")),
            "explanations_for_risk_rating": PARAGRAPH,
        }
    ),
    "business_details": Members(
        {"business_problem": PARAGRAPH, "business_stakeholders": PARAGRAPH, "line_of_business": PARAGRAPH}
    ),
    "training_details": Members(
        {
            "objective_function": Members({"function": OBJECTIVE, "notes": NOTE}),
            "training_observations": NOTE,
            "training_job_details": Members(
                {
                    "training_arn": NOTE,
                    "training_datasets": LOCATIONS,
                    "training_environment": ENVIRONMENT,
                    "training_metrics": TRAINING_METRICS,
                    "user_provided_training_metrics": TRAINING_METRICS,
                    "hyper_parameters": HYPER_PARAMETERS,
                    "user_provided_hyper_parameters": HYPER_PARAMETERS,
                }
            ),
        }
    ),
    "evaluation_details": Items(EVALUATION),
    "additional_information": Members(
        {
            "ethical_considerations": PARAGRAPH,
            "caveats_and_recommendations": PARAGRAPH,
            "custom_details": Values(NOTE),
        }
    ),
}
CREATOR: dict[str, Shape] = {"model_creator": NOTE, "model_artifact": LOCATIONS}
PACKAGE_DETAILS = Members(
    {
        "model_package_description": NOTE,
        "model_package_arn": Text(2048, least=1),
        "created_by": Members({"user_profile_name": Text(63)}),
        "model_package_status": Text(63, choices=("Pending", "InProgress", "Completed", "Failed", "Deleting")),
        "model_approval_status": Text(63, choices=("Approved", "Rejected", "PendingManualApproval")),
        "approval_description": NOTE,
        "model_package_group_name": NAME,
        "model_package_name": NAME,
        "model_package_version": Number(least=1),
        "domain": Text(1024),
        "task": Text(1024),
        "source_algorithms": Items(
            Members({"algorithm_name": Text(170), "model_data_url": NOTE}, required=("algorithm_name",)), most=1
        ),
        "inference_specification": Members(
            {
                "containers": Items(
                    Members({"image": Text(255), "model_data_url": NOTE, "nearest_model_name": NOTE}, ("image",)),
                    most=15,
                )
            },
            required=("containers",),
        ),
    }
)
OF_PACKAGES = Members({"model_overview": Members(CREATOR), **COMMON})
STANDALONE = Members(
    {
        "model_overview": Members(
            {
                **CREATOR,
                "model_description": NOTE,
                "model_owner": NOTE,
                "problem_type": NOTE,
                "algorithm_type": NOTE,
                "model_id": NOTE,
                "model_name": NOTE,
                "model_version": Number(least=1),
                "inference_environment": ENVIRONMENT,
            }
        ),
        "model_package_details": PACKAGE_DETAILS,
        **COMMON,
    }
)


def checked(content: str, schema: Members) -> dict[str, Any]:
    """Return the parsed content of a card.

    Raises:
        ApiError: ValidationException naming everything in it that the schema does not allow.
    """
    try:
        document = json.loads(content)
    except ValueError as error:
        raise validation(f"Model card content is not JSON: {error}") from error
    found = list(schema.problems(document, ""))
    if found:
        raise validation(f"Model card content does not follow the model card JSON schema: {'; '.join(found)}")
    checked_document: dict[str, Any] = document
    return checked_document


def metadata_only(content: str) -> str:
    """Return what IncludedData MetadataOnly leaves of a card's content (API reference, DescribeModelCard)."""
    document = json.loads(content)
    kept: dict[str, dict[str, Any]] = {}
    for section, name in (
        ("model_overview", "model_id"),
        ("model_overview", "model_name"),
        ("intended_uses", "risk_rating"),
        ("model_package_details", "model_package_group_name"),
        ("model_package_details", "model_package_arn"),
    ):
        if name in document.get(section, {}):
            kept.setdefault(section, {})[name] = document[section][name]
    return json.dumps(kept)

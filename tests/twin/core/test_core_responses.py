"""Members of a response that the model binds to the HTTP status or to headers."""

from __future__ import annotations

from lockgate_twin.errors import ApiError
from lockgate_twin.front.requests import service_model
from lockgate_twin.front.responses import failure, success


def test_a_member_bound_to_the_content_type_header_is_sent_there() -> None:
    """InvokeEndpoint answers with the container's own content type (botocore, sagemaker-runtime)."""
    result = {"Body": b"0.5", "ContentType": "text/csv"}
    response = success(service_model("sagemaker-runtime"), "InvokeEndpoint", result, "id")
    assert dict(response.headers)["Content-Type"] == "text/csv"
    assert response.body == b"0.5"


def test_a_member_bound_to_the_status_code_is_sent_there() -> None:
    """An asynchronous Lambda invocation answers 202 (botocore, lambda)."""
    assert success(service_model("lambda"), "Invoke", {"StatusCode": 202}, "id").status == 202


def test_an_error_keeps_its_status_code_and_message_in_each_protocol() -> None:
    """JSON services name the error's type in the body and a header, query services in XML."""
    error = ApiError("ResourceNotFound", "No <such> thing.", 404)
    as_json = failure(service_model("sagemaker"), error, "id")
    as_xml = failure(service_model("cloudformation"), error, "id")
    assert (as_json.status, as_xml.status) == (404, 404)
    assert dict(as_json.headers)["x-amzn-ErrorType"] == "ResourceNotFound"
    assert b"<Code>ResourceNotFound</Code><Message>No &lt;such&gt; thing.</Message>" in as_xml.body

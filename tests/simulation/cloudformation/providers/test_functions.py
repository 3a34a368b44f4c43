"""AWS::Lambda: what Lambda refuses when functions and their feeds are made."""

from __future__ import annotations

from typing import Any

import pytest

from generator.model import Json

from ..ask import MANAGEMENT, REGIONS, Asking, queue, resource, role, template

A = MANAGEMENT
R = REGIONS[0]
FUNCTION: dict[str, Any] = {
    "FunctionName": "f",
    "Role": {"Fn::GetAtt": ["Role", "Arn"]},
    "Timeout": 60,
    "Runtime": "python3.13",
    "Handler": "index.h",
    "Code": {"ZipFile": "x"},
}
FUNCTIONS: list[tuple[str, dict[str, Json], str]] = [
    ("a handler outside of index", {"Handler": "main.h"}, "must be index.something"),
    ("no code", {"Code": {}}, "provide a source"),
    ("too much code", {"Code": {"ZipFile": "x" * 4_194_305}}, "longer than 4194304"),
    (
        "a role for somebody else",
        {"Role": {"Fn::GetAtt": ["Other", "Arn"]}},
        "cannot be assumed by Lambda",
    ),
    ("large variables", {"Environment": {"Variables": {"A": "x" * 4096}}}, "exceed 4096"),
]


@pytest.mark.parametrize(
    ("change", "said"), [f[1:] for f in FUNCTIONS], ids=[f[0] for f in FUNCTIONS]
)
def test_functions_that_are_refused(ask: Asking, change: dict[str, Json], said: str) -> None:
    from moto.s3.models import s3_backends

    body = template(
        {
            "Role": role("l", "lambda.amazonaws.com"),
            "Other": role("o"),
            "F": resource("Lambda::Function", **{**FUNCTION, **change}),
        }
    )
    s3 = s3_backends[A]["aws"]
    s3.create_bucket("large-templates", R)
    s3.put_object("large-templates", "t", body.encode())
    if len(body) > 51_200:
        # Beyond what any template can hold, so ask the provider itself.
        from generator.simulation.cloudformation.providers import functions

        with pytest.raises(Exception, match=said):
            functions._check(None, "f", {**FUNCTION, **change})  # type: ignore[arg-type]
        return
    ask.create(body)
    assert said in ask.reasons()["F"]


def test_a_queue_hides_messages_longer_than_its_function_runs(ask: Asking) -> None:
    def fed(timeout: int) -> str:
        return template(
            {
                "Role": role("l", "lambda.amazonaws.com"),
                "Q": queue("q", VisibilityTimeout=timeout),
                "F": resource("Lambda::Function", **FUNCTION),
                "M": resource(
                    "Lambda::EventSourceMapping",
                    FunctionName={"Ref": "F"},
                    EventSourceArn={"Fn::GetAtt": ["Q", "Arn"]},
                ),
            }
        )

    ask.create(fed(59))
    assert "59 seconds is less than Function timeout: 60 seconds" in ask.reasons()["M"]
    assert ask.create(fed(60), name="good")["StackStatus"] == "CREATE_COMPLETE"

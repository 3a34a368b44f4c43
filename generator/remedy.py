"""The built-in state machine: it has damage repaired, verifies that, and else calls a person.

It asks a responder by invoking its function, and is told what came of it. A repair is verified by
asking again a while later, under a new id: the responder then looks at how things are now, and
`ignored` says that there is nothing left to repair. What it had to repair again and again, what
it gave up, refused or may only observe, and a responder that does not answer, are for a person:
the report topic tells of them. That ends the machine, not the repairing: what is in dispute the
responder looks at again by its own queue until it is right.

What stands as ${Name} in it is filled in by the template; receivers.execution_input makes its
input. The language: https://states-language.net/spec.html
"""

from __future__ import annotations

import json

from generator.model import Json

TRIES = 3
VERIFY_AFTER = 300
"""Seconds between a repair and the look at whether it lasted."""

FIRST_LOOK = 60
"""Seconds that a responder which the event reaches by its own queue is given for itself."""

DONE = ("excepted", "ignored")
FOR_PEOPLE = (
    "escalated",
    "failed",
    "gave up",
    "not ours",
    "not there",
    "observed",
    "refused",
    "switched off",
    "too late",
)
"""Outcomes of a responder after which nothing is repaired; lambda/shared/reports.py has them."""

_NOT_ITS_FAULT = [
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
]
"""https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html"""


def definition() -> str:
    """The machine as the text of its definition."""
    return json.dumps(_machine(), indent=2)


def _machine() -> dict[str, Json]:
    return {
        "Comment": "Repairs, verifies that the repair lasts, and calls a person if it does not.",
        "StartAt": "Let the queue go first",
        "TimeoutSeconds": 4 * 3600,
        "States": {
            "Let the queue go first": {
                "Type": "Wait",
                "SecondsPath": "$.wait",
                "Next": "Is there a responder",
            },
            "Is there a responder": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.ask", "StringEquals": "", "Next": "There is none"}],
                "Default": "Begin a try",
            },
            "Begin a try": {
                "Type": "Pass",
                "Parameters": {
                    "number.$": "States.MathAdd($.try.number, 1)",
                    "id.$": "States.Format('{}-{}', $.event_id, States.MathAdd($.try.number, 1))",
                },
                "ResultPath": "$.try",
                "Next": "Ask under a new id",
            },
            "Ask under a new id": {
                "Type": "Pass",
                "InputPath": "$.try.id",
                "ResultPath": "$.notice.event.detail.eventID",
                "Next": "Remediate or verify",
            },
            "Remediate or verify": {
                "Type": "Task",
                "Resource": "${InvokeFunction}",
                "Parameters": {
                    "FunctionName.$": "$.ask",
                    "Payload": {
                        "want_outcomes": True,
                        "Records": [
                            {
                                "messageId.$": "$.try.id",
                                "body.$": "States.JsonToString($.notice)",
                            }
                        ],
                    },
                },
                "ResultSelector": {"verdict.$": "$.Payload.outcomes[0]"},
                "ResultPath": "$.answer",
                "TimeoutSeconds": 960,
                "Retry": [_retry(_NOT_ITS_FAULT)],
                "Catch": [
                    {
                        "ErrorEquals": ["States.ALL"],
                        "ResultPath": "$.failure",
                        "Next": "It gives no answer",
                    }
                ],
                "Next": "What came of it",
            },
            "What came of it": {
                "Type": "Choice",
                "Choices": [
                    {
                        "Or": [
                            {"Variable": "$.answer.verdict.outcome", "StringEquals": outcome}
                            for outcome in DONE
                        ],
                        "Next": "All is well",
                    },
                    {
                        "Or": [
                            {"Variable": "$.answer.verdict.outcome", "StringEquals": outcome}
                            for outcome in FOR_PEOPLE
                        ],
                        "Next": "It cannot repair this",
                    },
                    {
                        "Variable": "$.try.number",
                        "NumericGreaterThanEquals": TRIES,
                        "Next": "It does not last",
                    },
                ],
                "Default": "See whether it lasts",
            },
            "See whether it lasts": {
                "Type": "Wait",
                "Seconds": VERIFY_AFTER,
                "Next": "Begin a try",
            },
            "There is none": _because("'no responder repairs this'"),
            "It gives no answer": _because(
                "States.Format('{} gives no answer: {}', $.ask, $.failure.Error)"
            ),
            "It cannot repair this": _because(
                "States.Format('{}: {}', $.answer.verdict.outcome, $.answer.verdict.why)"
            ),
            "It does not last": _because(
                f"States.Format('repaired {TRIES} times, and it does not last: {{}}', "
                "$.answer.verdict.why)",
                critical=True,
            ),
            "Escalate": {
                "Type": "Task",
                "Resource": "${Publish}",
                "Parameters": {
                    "TopicArn": "${ReportTopicArn}",
                    "Subject.$": "States.Format('${Name}: escalated in {}', "
                    "$.notice.event.account)",
                    "Message.$": "States.JsonToString($.report)",
                },
                "ResultPath": None,
                "TimeoutSeconds": 60,
                "Retry": [_retry(["States.ALL"])],
                "Next": "A person knows",
            },
            "All is well": {"Type": "Succeed"},
            "A person knows": {"Type": "Succeed"},
        },
    }


def _retry(errors: list[str]) -> dict[str, Json]:
    return {
        "ErrorEquals": errors,
        "IntervalSeconds": 2,
        "MaxAttempts": 5,
        "BackoffRate": 2,
        "JitterStrategy": "FULL",
    }


def _because(why: str, critical: bool = False) -> dict[str, Json]:
    """The report, in the form of a responder's: one subscriber can read both."""
    return {
        "Type": "Pass",
        "Parameters": {
            "level": "ERROR",
            "responder": "${Name}",
            "outcome": "escalated",
            "message.$": why if why.startswith("States.") else f"States.Format({why})",
            "detection.$": "$.notice.detection.id",
            "title.$": "$.notice.detection.title",
            **(
                {"severity": "critical"}
                if critical
                else {"severity.$": "$.notice.detection.severity"}
            ),
            "why.$": "$.notice.detection.why",
            "account.$": "$.notice.event.account",
            "region.$": "$.notice.event.region",
            "event_id.$": "$.event_id",
            "event_name.$": "$.event_name",
            "event_time.$": "$.event_time",
            "asked.$": "$.ask",
        },
        "ResultPath": "$.report",
        "Next": "Escalate",
    }

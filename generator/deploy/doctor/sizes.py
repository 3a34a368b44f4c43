"""Checks the sizes of the templates against what a request and a bucket may carry."""

from __future__ import annotations

from collections.abc import Iterator

from generator.deploy.bundle import INLINE_LIMIT
from generator.deploy.doctor.findings import Check, Examination, Fault, blocking

BY_URL_LIMIT = 1_000_000
"""https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"""

PARAMETER_LIMIT = 4_096


def _templates(examination: Examination) -> Iterator[Fault]:
    wanted = examination.wanted
    for one in (wanted.central, wanted.roles, wanted.rules):
        size = len(wanted.bundle.files[one.template].encode())
        if size > BY_URL_LIMIT:
            fault = f"is {size:,} bytes long; CloudFormation reads {BY_URL_LIMIT:,}"
            yield blocking(one.template, fault, "enable fewer detections or targets")
        elif size > INLINE_LIMIT and one is not wanted.central:
            fault = f"is {size:,} bytes long; a StackSet's body takes {INLINE_LIMIT:,}"
            yield blocking(one.template, fault, "enable fewer detections")


def _values(examination: Examination) -> Iterator[Fault]:
    wanted = examination.wanted
    for one in (wanted.central, wanted.roles, wanted.rules):
        for name, value in one.parameters.items():
            if len(value.encode()) > PARAMETER_LIMIT:
                fault = f"is {len(value.encode()):,} bytes long; a value takes {PARAMETER_LIMIT:,}"
                yield blocking(f"{one.template}: parameter {name}", fault, "shorten it")


CHECKS = (
    Check("sizes", "every template fits", _templates),
    Check("parameter values", "every value fits", _values),
)

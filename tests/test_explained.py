"""Every resource that a security linter would ask about carries the answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from yaml import safe_load

from generator import config, explained, names
from generator.render import render


def _resources() -> Iterator[tuple[str, str, dict[str, Any]]]:
    files = render(config.load(None).shape)
    for file in (names.CENTRAL, names.MEMBER_ROLES, names.MEMBER_RULES, names.INTAKE):
        for logical, resource in safe_load(files[file])["Resources"].items():
            yield file, logical, resource


def test_each_type_that_is_asked_about_is_answered_in_the_templates() -> None:
    answered = set()
    for file, logical, resource in _resources():
        wanted = explained.metadata(resource["Type"], resource["Properties"])
        found = resource.get("Metadata", {}).get("checkov")
        assert found == wanted.get("checkov"), f"{file}: {logical}"
        if found:
            answered.add(resource["Type"])
    assert answered == set(explained.ANSWERS)


def test_an_answer_does_not_displace_the_reasons_for_stars() -> None:
    role = explained.metadata("AWS::IAM::Role", {})
    assert role == {}
    kept = [
        resource
        for _, _, resource in _resources()
        if "Reasons" in resource.get("Metadata", {}) and resource["Type"] == "AWS::IAM::Role"
    ]
    assert kept


@pytest.mark.parametrize("type_", list(explained.ANSWERS))
def test_answers_are_sentences_about_one_check_each(type_: str) -> None:
    answers = explained.ANSWERS[type_]
    assert len({answer.check for answer in answers}) == len(answers)
    for answer in answers:
        assert re.fullmatch(r"CKV2?_AWS_\d+", answer.check)
        assert answer.why.endswith(".")
        assert len(answer.why) > 40


def test_a_queue_or_log_under_a_key_of_its_own_needs_no_answer() -> None:
    assert not explained.metadata("AWS::SQS::Queue", {"KmsMasterKeyId": "alias/x"})
    assert not explained.metadata("AWS::Logs::LogGroup", {"KmsKeyId": "arn"})

"""The Rules of a template: which choices of whoever deploys it go together.

CloudFormation refuses the others before anything is made. Of functions Rules know few: neither
Join nor Sub, so a list is looked at member by member.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-rules.html
"""

from __future__ import annotations

from generator.model import Json


def rule(when: Json, holds: Json, said: str) -> dict[str, Json]:
    """Refuses with these words what does not hold when something else does."""
    return {"RuleCondition": when, "Assertions": [assertion(holds, said)]}


def assertion(holds: Json, said: str) -> dict[str, Json]:
    """One of several things that a rule demands."""
    return {"Assert": holds, "AssertDescription": said}


def equals(parameter: str, value: str) -> dict[str, Json]:
    """Whether a parameter has this value."""
    return {"Fn::Equals": [{"Ref": parameter}, value]}


def negation(holds: Json) -> dict[str, Json]:
    """Whether something does not hold."""
    return {"Fn::Not": [holds]}


def is_given(parameter: str) -> dict[str, Json]:
    """Whether somebody gave a text."""
    return negation(equals(parameter, ""))


def lists_something(parameter: str) -> dict[str, Json]:
    """Whether somebody gave a list, whether an empty one has no member or an empty text."""
    return negation({"Fn::EachMemberEquals": [{"Ref": parameter}, ""]})

"""tag_owner: which instances and volumes get the tag, whose name, and what is left alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from moto.ec2.models import ec2_backends

from .conftest import Deploy, Function
from .events import HOME, MEMBER, MISSING, NOW, message
from .remedies import INSTANCE, PERSON, SSO, event_of, instance, launched, tags_of, volume_of

SECOND = "i-0d2e3f4a5b6071829"


@pytest.fixture
def tagger(deploy: Deploy) -> Iterator[Function]:
    """The responder in mode enforce. Whatever it does must be allowed by the rendered policies."""
    function = deploy("tag_owner", "OwnerTags", "TagOwnerRole", TRAILBUS_MODE="enforce")
    yield function
    assert function.aws.denied == []


def started(*asked: str, answered: Any = MISSING, **more: Any) -> dict[str, Any]:
    """Instances were started."""
    items = [{"instanceId": name} for name in asked]
    said = items if answered is MISSING else answered
    given = {
        "eventName": "StartInstances",
        "requestParameters": {"instancesSet": {"items": items}},
        "responseElements": {"instancesSet": {"items": said}},
        **more,
    }
    return launched(**given)


def test_an_instance_and_its_volumes_get_the_owner(tagger: Function) -> None:
    made = instance()
    answer = tagger(launched())

    assert tags_of(INSTANCE) == tags_of(volume_of(made)) == {"Owner": PERSON}
    assert answer.outcomes == ["tagged"]
    assert answer.only["message"] == f"their owner is {PERSON}"


def test_the_evidence_and_how_to_undo_it(tagger: Function) -> None:
    resources = sorted([INSTANCE, volume_of(instance())])
    evidence = tagger(launched()).only["evidence"]

    assert evidence["resource"] == ", ".join(resources)
    assert evidence["before"] == {"Owner": dict.fromkeys(resources)}
    assert evidence["after"] == {"Owner": dict.fromkeys(resources, PERSON)}
    tag = {"Key": "Owner", "Value": PERSON}
    assert evidence["undo"] == [
        {
            "service": "ec2",
            "operation": "DeleteTags",
            "parameters": {"Resources": resources, "Tags": [tag]},
        }
    ]


def test_started_instances_get_the_owner_too(tagger: Function) -> None:
    instance()
    instance(SECOND)

    assert tagger(started(INSTANCE, SECOND)).outcomes == ["tagged"]
    assert tags_of(INSTANCE) == tags_of(SECOND) == {"Owner": PERSON}


def test_an_owner_that_is_there_is_kept(tagger: Function) -> None:
    made = instance(Owner="somebody")
    answer = tagger(launched())

    assert tags_of(INSTANCE) == {"Owner": "somebody"}
    assert tags_of(volume_of(made)) == {"Owner": PERSON}
    assert answer.only["resource"] == volume_of(made)


def test_nothing_is_done_where_all_have_an_owner(tagger: Function) -> None:
    made = instance(Owner="somebody")
    ec2_backends[MEMBER][HOME].create_tags([volume_of(made)], {"Owner": ""})
    answer = tagger(launched())

    assert (answer.outcomes, answer.published) == (["ignored"], [])
    assert answer.only["message"] == "all of them have an owner already"
    assert not tagger.aws.made("ec2:CreateTags", "ssm:GetParameter")


@pytest.mark.parametrize("key", ["owner", "OWNER"])
def test_an_owner_in_another_case_is_an_owner(tagger: Function, key: str) -> None:
    """As it is to the role's condition, in which the case of a key does not count."""
    instance(**{key: "somebody"})
    tagger(launched())

    assert tags_of(INSTANCE) == {key: "somebody"}


@pytest.mark.parametrize("key", ["owners", "x-owner", "team"])
def test_other_tags_are_no_owner(tagger: Function, key: str) -> None:
    instance(**{key: "somebody"})
    tagger(launched())

    assert tags_of(INSTANCE) == {key: "somebody", "Owner": PERSON}


def test_only_what_is_excepted_is_left_out(deploy: Deploy) -> None:
    tagger = deploy(
        "tag_owner",
        "OwnerTags",
        "TagOwnerRole",
        TRAILBUS_MODE="enforce",
        TRAILBUS_EXCEPTIONS=json.dumps({"tags": ["pool=a"]}),
    )
    instance(pool="a")
    instance(SECOND, pool="b")
    tagger(launched(INSTANCE, SECOND))

    assert tags_of(INSTANCE) == {"pool": "a"}
    assert tags_of(SECOND) == {"pool": "b", "Owner": PERSON}


# --- Which instances


def test_terminated_instances_are_left_alone(tagger: Function) -> None:
    instance()
    ec2_backends[MEMBER][HOME].terminate_instances([INSTANCE])
    answer = tagger(launched())

    assert answer.outcomes == ["ignored"]
    assert "Owner" not in tags_of(INSTANCE)


def test_of_two_the_one_that_is_left_is_tagged(tagger: Function) -> None:
    instance()
    instance(SECOND)
    ec2_backends[MEMBER][HOME].terminate_instances([SECOND])

    assert tagger(launched(INSTANCE, SECOND)).outcomes == ["tagged"]
    assert (tags_of(INSTANCE), tags_of(SECOND)) == ({"Owner": PERSON}, {})


def test_instances_that_are_not_to_be_seen_yet_are_waited_for(tagger: Function) -> None:
    instance()
    event = launched(INSTANCE, SECOND)
    answer = tagger(message(event, id_="m"))

    assert answer.failed == ["m"]
    assert tags_of(INSTANCE) == {}
    instance(SECOND)
    assert tagger(message(event, id_="m", tries=2)).outcomes == ["tagged"]
    assert tags_of(INSTANCE) == tags_of(SECOND) == {"Owner": PERSON}


def test_instances_that_never_show_up_do_not_hold_up_the_others(tagger: Function) -> None:
    instance()
    answer = tagger(launched(INSTANCE, SECOND, at=NOW - timedelta(minutes=10)))

    assert (answer.failed, answer.outcomes) == ([], ["tagged"])
    assert tags_of(INSTANCE) == {"Owner": PERSON}


def test_ids_that_are_none_are_left_out(tagger: Function) -> None:
    instance()
    hostile = [None, 7, "", "i-", "i-0C1D", f"{INSTANCE},i-2", "vol-0c1d2e3f4a5b60718", [INSTANCE]]

    assert tagger(launched(*hostile, INSTANCE)).outcomes == ["tagged"]
    assert tags_of(INSTANCE) == {"Owner": PERSON}


@pytest.mark.parametrize("answered", [None, [], "omitted", [{}]])
def test_what_was_asked_to_start_counts_when_the_answer_was_left_out(
    tagger: Function, answered: Any
) -> None:
    instance()

    assert tagger(started(INSTANCE, answered=answered)).outcomes == ["tagged"]
    assert tags_of(INSTANCE) == {"Owner": PERSON}


def test_a_launch_is_found_by_its_reservation_when_the_list_was_left_out(
    tagger: Function,
) -> None:
    instance()
    [reservation] = ec2_backends[MEMBER][HOME].reservations
    elements = {"reservationId": reservation, "instancesSet": {"items": None}}

    assert tagger(launched(responseElements=elements)).outcomes == ["tagged"]
    assert tags_of(INSTANCE) == {"Owner": PERSON}


@pytest.mark.parametrize(
    "elements", [None, {}, {"instancesSet": None}, {"reservationId": "*"}, {"omitted": True}]
)
def test_a_launch_that_names_nothing_is_refused_loudly(tagger: Function, elements: Any) -> None:
    answer = tagger(launched(responseElements=elements))

    assert answer.outcomes == ["refused"]
    assert answer.published == answer.lines
    assert not [call for call in tagger.aws.calls if call.service in ("sts", "ec2")]


def test_many_instances_are_asked_for_and_tagged_in_portions(tagger: Function) -> None:
    names = [f"i-{number:017x}" for number in range(205)]
    for name in names:
        instance(name)
    answer = tagger(launched(*names))

    assert {tags_of(name)["Owner"] for name in names} == {PERSON}
    asked = tagger.aws.made("ec2:DescribeInstances")
    assert {len(call.parameters["Filters"][0]["Values"]) for call in asked} == {200, 5}
    assert len(answer.only["evidence"]["after"]["Owner"]) == 410


# --- Whose name


def identity(kind: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "accountId": MEMBER, "arn": f"arn:aws:iam::{MEMBER}:x", **more}


def role(name: str, session: str, **context: Any) -> dict[str, Any]:
    issuer = {"type": "Role", "arn": f"arn:aws:iam::{MEMBER}:role/{name}"}
    return identity(
        "AssumedRole",
        principalId=f"AROAEXAMPLE:{session}",
        sessionContext={"sessionIssuer": issuer, **context},
    )


PEOPLE: dict[str, tuple[dict[str, Any], str]] = {
    "an IAM user": (identity("IAMUser", userName="mara"), "mara"),
    "its session": (identity("IAMUser", userName="mara", sessionContext={}), "mara"),
    "a session of IAM Identity Center": (role(SSO, "mara"), "mara"),
    "a source identity": (role("admin", "i-1234", sourceIdentity="mara"), "mara"),
    "a person in the console, in an older record": (
        identity("IAMUser", userName="mara", invokedBy="signin.amazonaws.com"),
        "mara",
    ),
    "a source identity before all": (role(SSO, "omar", sourceIdentity="mara"), "mara"),
}


@pytest.mark.parametrize(("who", "name"), PEOPLE.values(), ids=PEOPLE.keys())
def test_the_owner_is_the_human_behind_the_call(
    tagger: Function, who: dict[str, Any], name: str
) -> None:
    instance()
    answer = tagger(launched(userIdentity=who))

    assert answer.outcomes == ["tagged"]
    assert tags_of(INSTANCE) == {"Owner": name}


NOBODY: dict[str, dict[str, Any]] = {
    "auto scaling": {
        "userIdentity": role("x", "AutoScaling", invokedBy="")
        | {"invokedBy": "autoscaling.amazonaws.com"}
    },
    "a service on behalf of a person": {
        "userIdentity": role(SSO, "mara") | {"invokedBy": "cloudformation.amazonaws.com"}
    },
    "a service by its address": {"sourceIPAddress": "autoscaling.amazonaws.com"},
    "a service's own identity": {
        "userIdentity": {"type": "AWSService", "invokedBy": "ec2.amazonaws.com"}
    },
    "a service-linked role": {
        "userIdentity": role(
            "aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot", "a@b.c"
        )
    },
    "a machine's session": {"userIdentity": role("deployer", "i-0c1d2e3f4a5b60718")},
    "a session that anybody may call so": {"userIdentity": role("deployer", "mara")},
    "an address that anybody may take": {"userIdentity": role("deployer", "mara@example.com")},
    "a web identity, whose caller names the session": {
        "userIdentity": role(
            "ci",
            "Director of Payments",
            webIdFederationData={"federatedProvider": f"arn:aws:iam::{MEMBER}:oidc-provider/x"},
        )
    },
    "a federated user, whom a broker names": {
        "userIdentity": identity("FederatedUser", principalId=f"{MEMBER}:mara")
    },
    "a pipeline's source identity": {
        "userIdentity": role("ci", "x", sourceIdentity="GitHubActions")
    },
    "a role that only looks like one of IAM Identity Center": {
        "userIdentity": role("AWSReservedSSO_Power_9a8b7c6d5e4f3021", "mara")
    },
    "root": {"userIdentity": identity("Root")},
    "nobody": {"userIdentity": None},
    "an identity of strange types": {"userIdentity": {"type": ["IAMUser"], "userName": 7}},
    "a name that AWS did not write": {
        "userIdentity": identity("IAMUser", userName="mara\n<script>")
    },
    "no name": {"userIdentity": identity("IAMUser", userName="")},
    "a name without end": {"userIdentity": identity("IAMUser", userName="x" * 129)},
}


@pytest.mark.parametrize("record", NOBODY.values(), ids=NOBODY.keys())
def test_what_nobody_started_in_person_is_left_alone_quietly(
    tagger: Function, record: dict[str, Any]
) -> None:
    instance()
    answer = tagger(launched(**record))

    assert (answer.failed, answer.outcomes, answer.published) == ([], ["ignored"], [])
    assert tags_of(INSTANCE) == {}
    assert tagger.aws.calls == []


def test_a_setting_trusts_the_names_of_all_sessions(deploy: Deploy) -> None:
    settings = json.dumps(
        {"trust_session_names": True, "attempts_per_hour": 3, "max_age_hours": 24}
    )
    tagger = deploy(
        "tag_owner",
        "OwnerTags",
        "TagOwnerRole",
        TRAILBUS_MODE="enforce",
        TRAILBUS_SETTINGS=settings,
    )
    instance()

    assert tagger(launched(userIdentity=role("deployer", "mara"))).outcomes == ["tagged"]
    assert tags_of(INSTANCE) == {"Owner": "mara"}


MACHINES = (
    "i-0c1d2e3f4a5b60718", "1761999999123456789", "botocore-session-1761999999",
    "aws-sdk-java-1761999999", "AWSCLI-Session", "GitHubActions", "ci-job-77", "gitlab-runner",
    "karpenter", "CognitoIdentityCredentials", "terraform-run-1", "eks-cluster-pod-0a1b2c3d",
    "0a1b2c3d-1111-4222-8333-444444444444", "session", "AssumeRoleSession1",
)  # fmt: skip


@pytest.fixture
def trusting(deploy: Deploy) -> Function:
    """tag_owner where the user lists one role as named by the identity provider."""
    listed = json.dumps([f"arn:aws:iam::{MEMBER}:role/saml/*"])
    made = deploy(
        "tag_owner",
        "OwnerTags",
        "TagOwnerRole",
        TRAILBUS_MODE="enforce",
        TRAILBUS_TRUSTED_SESSION_ROLES=listed,
    )
    instance()
    return made


def test_a_role_that_is_listed_names_people(trusting: Function) -> None:
    assert trusting(launched(userIdentity=role("other", "mara"))).outcomes == ["ignored"]
    assert trusting(launched(userIdentity=role("saml/staff", "mara"))).outcomes == ["tagged"]
    assert tags_of(INSTANCE) == {"Owner": "mara"}


@pytest.mark.parametrize("session", MACHINES)
def test_what_programs_call_their_sessions_is_no_owner(trusting: Function, session: str) -> None:
    assert trusting(launched(userIdentity=role("saml/staff", session))).outcomes == ["ignored"]
    assert tags_of(INSTANCE) == {}


# --- What EC2 may say


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("ec2:DescribeInstances", "RequestLimitExceeded"),
        ("ec2:DescribeVolumes", "InternalError"),
        ("ec2:CreateTags", "InvalidInstanceID.NotFound"),
        ("ec2:CreateTags", "UnauthorizedOperation"),
    ],
)
def test_what_may_pass_is_tried_again(tagger: Function, name: str, error: str) -> None:
    instance()
    tagger.aws.fail(name, error, times=2)

    assert tagger(message(launched(), id_="m")).failed == ["m"]
    assert tags_of(INSTANCE) == {}
    tagger.aws._faults.clear()
    tagger.later(minutes=1)
    assert tagger(launched()).outcomes == ["tagged"]


def test_the_recorded_examples_of_the_detections_are_understood(tagger: Function) -> None:
    instance()
    for name in ("ec2_instances_launched", "ec2_instances_started"):
        event = event_of(name)
        assert tagger(event).outcomes in (["tagged"], ["ignored"])
    assert tags_of(INSTANCE) == {"Owner": "omar.haddad@example.com"}

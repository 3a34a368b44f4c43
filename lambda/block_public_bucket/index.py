"""Blocks public access to a bucket that somebody just made public."""

import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from shared.attempts import Attempts, Past
from shared.batches import handle_batch
from shared.clock import now
from shared.guards import held_back
from shared.looks import believe
from shared.members import Member
from shared.notices import Notice, text
from shared.refusals import tell, turned_away
from shared.reports import Evidence, Undo, Verdict

BUCKET_CALLS = (
    "DeleteBucketPublicAccessBlock",
    "PutBucketAcl",
    "PutBucketPolicy",
    "PutBucketPublicAccessBlock",
)
OWN_CALLS = ("PutBucketPublicAccessBlock",)
"""What this responder calls itself, and is woken by. It then finds the bucket closed."""
ACCOUNT_CALLS = ("DeleteAccountPublicAccessBlock", "PutAccountPublicAccessBlock")

# Old buckets of us-east-1 may have capitals, underscores, and 255 characters. Nothing that could
# be an ARN: S3 would follow one into another account.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]")

# Whoever is in one of these is a stranger: anybody, and anybody with an AWS account.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html
STRANGERS = "http://acs.amazonaws.com/groups/global/"

Block = dict[str, bool]
CLOSED: Block = {
    "BlockPublicAcls": True,
    "BlockPublicPolicy": True,
    "IgnorePublicAcls": True,
    "RestrictPublicBuckets": True,
}
OPEN: Block = dict.fromkeys(CLOSED, False)


@dataclass(frozen=True)
class Bucket:
    """A bucket when it is looked at. `block` is its own; without one nothing is blocked by it.

    `doors` are the ways by which strangers get in now. `policy` and `grants` are those that let
    them in unless something blocks it. `held` says why an open bucket may not be closed.
    """

    name: str
    region: str
    block: Block | None
    doors: tuple[str, ...] = ()
    policy: str = ""
    grants: tuple[str, ...] = ()
    held: Verdict | None = None

    @property
    def state(self) -> dict[str, Any]:
        return {
            "public_access_block": self.block,
            "public_by": list(self.doors),
            "policy": self.policy or None,
            "grants_to_strangers": list(self.grants),
        }


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Entry point of Lambda: a batch of notices from the queue."""
    settings = json.loads(os.environ["TRAILBUS_SETTINGS"])
    return handle_batch(event, context, lambda notice: respond(notice, settings))


def respond(notice: Notice, settings: dict[str, Any]) -> None:
    """Reads, decides, acts, for one notice. What raises is tried again.

    The policy and the ACL that opened the bucket stay where they are, and stand in the evidence.
    """
    oldest = timedelta(hours=settings["max_age_hours"])
    unwanted = refuse(notice, oldest)
    if unwanted:
        tell(notice, unwanted)
        return
    name = text(notice.parameter("bucketName"))
    arn = f"arn:{os.environ['TRAILBUS_PARTITION']}:s3:::{name}"
    member = Member(notice.account)
    key, most = f"public bucket {notice.account} {name}", settings["blocks_per_hour"]
    try:
        bucket = read(name, notice, member)
    except ClientError as error:
        verdict = explain(error)
        if verdict.outcome == "gave up":
            Attempts(key, oldest, most).give_up(notice, verdict, Evidence(arn))
        else:
            believe(notice, verdict)
            tell(notice, verdict, Evidence(arn), OWN_CALLS)
        return
    attempts = Attempts(key, oldest, most)
    past = attempts.past(notice)
    verdict = decide(bucket, past)
    as_it_is = Evidence(arn, bucket.state, bucket.state, region=bucket.region)
    if verdict.outcome == "waiting":
        attempts.wait(notice, past, as_it_is)
        return
    if verdict.outcome != "blocked":
        if not past.done and not bucket.doors:
            believe(notice, verdict)
        tell(notice, verdict, as_it_is, OWN_CALLS)
        return
    before = past.before or bucket.state
    if bucket.doors:
        attempts.begin(notice, before)
        try:
            act(bucket, notice.account, member)
        except ClientError as error:
            failed = Evidence(arn, before, before, region=bucket.region)
            attempts.give_up(notice, explain(error), failed)
            return
    undo = taken_back(name, notice.account, before["public_access_block"])
    after = {"public_access_block": CLOSED}
    attempts.escalate(notice, past, as_it_is)
    tell(notice, verdict, Evidence(arn, before, after, (undo,), bucket.region))
    attempts.end(notice)


def refuse(notice: Notice, oldest: timedelta) -> Verdict | None:
    """Why the event is no reason to look at a bucket; None when it is one."""
    if not notice.is_call("s3.amazonaws.com", *BUCKET_CALLS, *ACCOUNT_CALLS):
        return Verdict("ignored", "it is no call that could open a bucket")
    verdict = turned_away(notice, now(), oldest)
    if verdict:
        return verdict
    if notice.event_name in ACCOUNT_CALLS:
        why = "the whole account's public access block was weakened: only a person can judge that"
        return Verdict("not ours", why)
    if not NAME.fullmatch(text(notice.parameter("bucketName"))):
        return Verdict("refused", "some bucket was changed, but the record does not name it")
    return None


def read(name: str, notice: Notice, member: Member) -> Bucket:
    """The bucket as it is now, in whichever Region it turns out to be."""
    account = notice.account
    try:
        bucket = look(name, notice.region, account, member)
    except ClientError as error:
        elsewhere = moved_to(error)
        if elsewhere in ("", notice.region):
            raise
        bucket = look(name, elsewhere, account, member)
    if not bucket.doors:
        return bucket
    s3 = member.client("s3", bucket.region)

    def tags() -> dict[str, str]:
        call = partial(s3.get_bucket_tagging, Bucket=name, ExpectedBucketOwner=account)
        answer = _or_none("NoSuchTagSet", call)
        return {tag["Key"]: tag["Value"] for tag in answer["TagSet"]} if answer else {}

    return replace(bucket, held=held_back("would block public access to it", tags))


def look(name: str, region: str, account: str, member: Member) -> Bucket:
    """Asks S3 whether the bucket is public, rather than reading its policy.

    Whether a policy is public does not depend on what blocks it; of the bucket's block and the
    account's, the stricter one counts. A bucket whose owner enforces ownership shows an ACL
    without strangers.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
    """
    s3 = member.client("s3", region)
    whose = {"Bucket": name, "ExpectedBucketOwner": account}
    missing = "NoSuchPublicAccessBlockConfiguration"
    block = _or_none(missing, partial(s3.get_public_access_block, **whose))
    own = _switches(block) if block else None
    status = _or_none("NoSuchBucketPolicy", partial(s3.get_bucket_policy_status, **whose))
    public = bool(status and status["PolicyStatus"].get("IsPublic"))
    grants = tuple(
        f"{grant['Permission']} to {grant['Grantee']['URI'].removeprefix(STRANGERS)}"
        for grant in s3.get_bucket_acl(**whose).get("Grants", [])
        if grant.get("Grantee", {}).get("URI", "").startswith(STRANGERS)
    )
    policy = s3.get_bucket_policy(**whose)["Policy"] if public else ""
    doors = _doors(public, bool(grants), own or OPEN)
    if doors:
        control = member.client("s3control", region)
        above = _or_none(missing, partial(control.get_public_access_block, AccountId=account))
        if above:
            # A door has to get past both.
            doors = _doors("policy" in doors, "acl" in doors, _switches(above))
    return Bucket(name, region, own, doors, policy, grants)


def decide(bucket: Bucket, past: Past) -> Verdict:
    """What comes of it."""
    if past.done:
        return Verdict("ignored", "this event was dealt with already")
    if not bucket.doors and past.before is None:
        why = "something blocks public access to it" if bucket.policy or bucket.grants else ""
        return Verdict("ignored", f"the bucket is not public{': ' * bool(why)}{why}")
    if bucket.doors:
        if bucket.held:
            return bucket.held
        if past.wait:
            return Verdict("waiting", "the bucket was blocked a short while ago")
    doors = bucket.doors or past.before["public_by"]
    return Verdict("blocked", f"the bucket was public by its {' and its '.join(doors)}")


def act(bucket: Bucket, account: str, member: Member) -> None:
    """Blocks all public access to the bucket and verifies it. Safe to repeat."""
    s3 = member.client("s3", bucket.region)
    whose = {"Bucket": bucket.name, "ExpectedBucketOwner": account}
    s3.put_public_access_block(**whose, PublicAccessBlockConfiguration=CLOSED)
    if _switches(s3.get_public_access_block(**whose)) != CLOSED:
        raise RuntimeError(f"{bucket.name} is not closed although it was blocked")


def taken_back(name: str, account: str, block: Block | None) -> Undo:
    """The call that gives the bucket the block back that it had, or none."""
    whose: dict[str, Any] = {"Bucket": name, "ExpectedBucketOwner": account}
    if block is None:
        return Undo("s3", "DeletePublicAccessBlock", whose)
    return Undo("s3", "PutPublicAccessBlock", {**whose, "PublicAccessBlockConfiguration": block})


def explain(error: ClientError) -> Verdict:
    """What an error of S3 means that no further try would mend; others are raised again.

    S3's own code of a denial is AccessDenied, as when another account owns the bucket; the token
    service has the same one, for a role that may still be on its way.
    """
    code = error.response["Error"]["Code"]
    if code == "NoSuchBucket":
        return Verdict("ignored", "the bucket is gone")
    if code == "AccessDenied" and error.operation_name != "AssumeRole":
        return Verdict("gave up", f"S3 denies it to this responder's role: {error}")
    raise error


def moved_to(error: ClientError) -> str:
    """The Region that S3 sends to when it is asked in another one; empty for other errors.

    https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
    """
    if error.response["Error"]["Code"] not in (
        "301",
        "AuthorizationHeaderMalformed",
        "PermanentRedirect",
    ):
        return ""
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    said = error.response["Error"].get("Region") or headers.get("x-amz-bucket-region")
    return text(said)


def _doors(policy: bool, grants: bool, block: Block) -> tuple[str, ...]:
    """The ways in that a block leaves open."""
    by_policy = policy and not block["RestrictPublicBuckets"]
    by_acl = grants and not block["IgnorePublicAcls"]
    return ("policy",) * by_policy + ("acl",) * by_acl


def _switches(answer: dict[str, Any]) -> Block:
    given = answer["PublicAccessBlockConfiguration"]
    return {key: bool(given.get(key)) for key in CLOSED}


def _or_none(code: str, call: Callable[[], Any]) -> Any:
    """The answer; None where the service says, with this code, that there is nothing."""
    try:
        return call()
    except ClientError as error:
        if error.response["Error"]["Code"] != code:
            raise
        return None

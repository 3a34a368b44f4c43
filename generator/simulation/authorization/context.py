"""The request context: what is known about one request, under condition keys."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

Value = str | bytes
"""One value of a key. Numbers, dates and Booleans are text here, as in a policy."""

Given = str | bytes | bool | int | float | Sequence[str]
"""What a caller may write for a key: one value, or the values of a multivalued key."""

# Every global key by name, so that a misspelt one is an error instead of a key that never exists.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html (2026)
GLOBAL_KEYS = frozenset(
    {
        "aws:AssumedRoot",
        "aws:CalledVia",
        "aws:CalledViaAWSMCP",
        "aws:CalledViaFirst",
        "aws:CalledViaLast",
        "aws:ChatbotSourceArn",
        "aws:CurrentTime",
        "aws:Ec2InstanceSourcePrivateIPv4",
        "aws:Ec2InstanceSourceVpc",
        "aws:EpochTime",
        "aws:FederatedProvider",
        "aws:IsMcpServiceAction",
        "aws:MultiFactorAuthAge",
        "aws:MultiFactorAuthPresent",
        "aws:PrincipalAccount",
        "aws:PrincipalArn",
        "aws:PrincipalIsAWSService",
        "aws:PrincipalOrgID",
        "aws:PrincipalOrgPaths",
        "aws:PrincipalServiceName",
        "aws:PrincipalServiceNamesList",
        "aws:PrincipalType",
        "aws:referer",
        "aws:RequestedRegion",
        "aws:ResourceAccount",
        "aws:ResourceOrgID",
        "aws:ResourceOrgPaths",
        "aws:SecureTransport",
        "aws:SignInSessionArn",
        "aws:SourceAccount",
        "aws:SourceArn",
        "aws:SourceIdentity",
        "aws:SourceIp",
        "aws:SourceOrgID",
        "aws:SourceOrgPaths",
        "aws:SourceOwner",  # older than aws:SourceAccount; still in SNS's default topic policy
        "aws:SourceVpc",
        "aws:SourceVpcArn",
        "aws:SourceVpce",
        "aws:TagKeys",
        "aws:TokenIssueTime",
        "aws:UserAgent",
        "aws:userid",
        "aws:username",
        "aws:ViaAWSMCPService",
        "aws:ViaAWSService",
        "aws:VpceAccount",
        "aws:VpceOrgID",
        "aws:VpceOrgPaths",
        "aws:VpcSourceIp",
    }
)
# A service, or the host and path of an identity provider.
_PREFIX = re.compile(r"[\w./-]+", re.ASCII)
_TAG_KEYS = ("aws:principaltag/", "aws:requesttag/", "aws:resourcetag/")
_GLOBAL_FOLDED = {key.casefold(): key for key in GLOBAL_KEYS}


def key_fault(key: str) -> str | None:
    """What is wrong with the name of a condition key; None when nothing is."""
    prefix, colon, name = key.partition(":")
    if not (_PREFIX.fullmatch(prefix) and colon and name and name == name.strip()):
        return f"{key!r} is no condition key; a key is a service, a colon and a name"
    folded = key.casefold()
    if prefix.casefold() != "aws" or folded in _GLOBAL_FOLDED:
        return None
    if any(folded.startswith(tags) and len(folded) > len(tags) for tags in _TAG_KEYS):
        return None
    close = get_close_matches(folded, _GLOBAL_FOLDED, n=1)
    hint = f"; did you mean {_GLOBAL_FOLDED[close[0]]}?" if close else ""
    return f"there is no global condition key {key!r}{hint}"


@dataclass(frozen=True, slots=True)
class Context:
    """The values of every key that a request carries; the case of a key's name does not matter."""

    entries: Mapping[str, tuple[Value, ...]]

    @classmethod
    def of(cls, given: Mapping[str, Given]) -> Context:
        """The context that holds these keys; ValueError for a key or value that cannot be."""
        entries: dict[str, tuple[Value, ...]] = {}
        for key, value in given.items():
            fault = key_fault(key)
            if fault:
                raise ValueError(fault)
            if key.casefold() in entries:
                raise ValueError(f"{key} is given twice, with different case")
            entries[key.casefold()] = _values(key, value)
        return cls(entries)

    def get(self, key: str) -> tuple[Value, ...]:
        """The values of the key, none when the request does not carry it."""
        return self.entries.get(key.casefold(), ())

    def joined(self, other: Context) -> Context:
        """Both together; ValueError when they contradict each other."""
        for key, values in other.entries.items():
            if self.entries.get(key, values) != values:
                raise ValueError(
                    f"{_GLOBAL_FOLDED.get(key, key)} is {shown(self.entries[key])} for this "
                    f"request and cannot be given as {shown(values)}"
                )
        return Context({**self.entries, **other.entries})


def shown(values: tuple[Value, ...]) -> str:
    """The values as a person reads them."""
    return ", ".join(value.hex() if isinstance(value, bytes) else value for value in values)


def _values(key: str, given: Given) -> tuple[Value, ...]:
    if isinstance(given, bool):
        return ("true" if given else "false",)
    if isinstance(given, int | float):
        return (str(given),)
    if isinstance(given, str | bytes):
        return (given,)
    if isinstance(given, Sequence):
        texts = tuple(value for value in given if isinstance(value, str))
        if len(texts) == len(given):
            return texts
    raise ValueError(f"{key} cannot be {given!r}; leave a key out that the request does not carry")

"""Makes what a record says fit to be read by people: no credentials, no characters that deceive."""

import json
import re
from collections.abc import Iterator
from typing import Any

HIDDEN = "(hidden)"
"""Stands where something is not shown."""

_SENSITIVE = re.compile(
    "password|passwd|passphrase|passcode|secret|token|credential|privatekey|accesskey|apikey"
    "|authorization|authcode|authenticationcode|oauth|signature|sessionkey|keymaterial"
    "|samlassertion|userdata|plaintext|ciphertext|connectionstring|environment|variables|cookie"
    "|stringseed|qrcode|base64"
)
"""Keys, in small letters without punctuation, whose values nobody needs to read."""

_NAMES_ONLY = frozenset({"secretid", "secretarn", "secretname"})
"""Keys that look sensitive and name what was touched."""

_NAME = re.compile("(?i)(name|key)$")
_VALUE = re.compile("(?i)values?$")
"""How services call the two halves of a setting in a list of such."""

_ARN = r"arn:aws[a-z-]{0,12}:[a-z0-9-]{1,40}:[a-z0-9-]{0,25}:[0-9]{0,12}:(?:secret:)?"
_SHAPES = re.compile(
    # An ARN's own words, "secret" among them, are kept; what comes behind them is looked at.
    rf"(?P<arn>{_ARN})"
    r"|-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----(?:.*?-----END [A-Z ]{0,40}-----|.*)"
    r"|(?<![A-Za-z0-9])(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{12,}"
    r"|xox[a-z](?:\.[a-z0-9]{1,8})?-[A-Za-z0-9-]+|xapp-[A-Za-z0-9-]+"
    r"|(?:hooks\.slack(?:-gov)?\.com|webhook\.office\.com|logic\.azure\.com)\S+"
    r"|(?<![A-Za-z0-9])(?:gh[a-z]_|github_pat_|glpat-|sk_live_|AIza)[\w-]{16,}"
    r"|(?<![A-Za-z0-9])eyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*)?"
    r"|(?<=://)[^/\s:@]{0,200}:[^/\s@]{1,200}(?=@)"
    r"|(?P<said>(?i:pass(?:word|wd|phrase)|pwd|secret|token|api[_-]?key|access[_-]?key"
    r"|private[_-]?key|credential|signature)[\w.-]{0,40}\\{0,4}[\"']?\s{0,5}(?:[:=]|%3[aAdD])\s{0,5})"
    r"(?:\\{0,4}\"[^\"]*\"?|'[^']*'?|(?i:Bearer|Basic)\s+\S+|[^\s,;&\"'}]+)"
    r"|(?P<option>--[a-z-]{0,20}(?:password|secret|token|key)\s{1,5})\S+"
    r"|(?<![A-Za-z])(?i:Bearer|Basic)\s+[\w.~+/=-]{12,}"
    # A secret access key: forty characters of all kinds.
    r"|(?<![A-Za-z0-9/+_-])(?=[a-z0-9/+]{0,39}[A-Z])(?=[A-Z0-9/+]{0,39}[a-z])[A-Za-z0-9/+]{40}"
    r"(?![A-Za-z0-9/+=])"
    # A session token, or a file.
    r"|(?<![A-Za-z0-9/+_-])[A-Za-z0-9/+_=-]{100,}"
)
_CALLS = re.compile(r"@(?=channel|here|everyone|group)", re.IGNORECASE)


def readable(value: Any, longest: int = 300) -> str:
    """A value as one line of text, without what is secret in it, cut at `longest`.

    It still has to be escaped for wherever it is shown.
    """
    if value is None:
        return ""
    line = value if isinstance(value, str) else _as_json(value)
    # Line ends, characters that draw nothing, turn the text around or are no characters at all.
    line = "".join(char if char.isprintable() else " " for char in line)
    line = " ".join(_SHAPES.sub(_kept, line).split())
    # A name that calls everybody in a channel becomes one that does not.
    line = _CALLS.sub("@\u2060", line)
    return line if len(line) <= longest else line[: longest - 1] + "\u2026"


def _kept(found: re.Match[str]) -> str:
    """What stays of something that looks secret."""
    if found["arn"]:
        return found["arn"]
    return (found["said"] or found["option"] or "") + HIDDEN


def is_sensitive(key: str) -> bool:
    """Whether the value under this key is kept from people, whatever it looks like."""
    plain = "".join(char for char in key.lower() if char.isalnum())
    return plain not in _NAMES_ONLY and _SENSITIVE.search(plain) is not None


def pairs(value: Any, depth: int = 5, key: str = "") -> Iterator[tuple[str, str]]:
    """What a record's object holds, as pairs of a dotted key and a readable value.

    Lists of simple values stand on one line; what lies too deep is left out.
    """
    value = unwrapped(value)
    if isinstance(value, dict) and depth:
        apart = _names_a_secret(value)
        for name, item in value.items():
            inner = f"{key}.{readable(name, 60)}" if key else readable(name, 60)
            if is_sensitive(str(name)) or (apart and _VALUE.search(str(name))):
                yield inner, HIDDEN
            else:
                yield from pairs(item, depth - 1, inner)
    elif isinstance(value, list):
        simple = [item for item in value if not isinstance(item, (dict, list))]
        if simple:
            yield key, readable(", ".join(readable(item) for item in simple[:20]))
        for item in value[:20]:
            if isinstance(item, dict):
                yield from pairs(item, depth, key)
    elif value not in (None, "") and not isinstance(value, (dict, list)):
        yield key, readable(value)


def unwrapped(value: Any) -> Any:
    """A value of EC2's newer records, which write {"tag": 1, "content": value} in lists."""
    if isinstance(value, dict) and value.keys() == {"tag", "content"}:
        return value["content"]
    return value


def _names_a_secret(entry: dict[str, Any]) -> bool:
    """Whether one of its values says what another is: {"parameterKey": "Password", ...}."""
    return any(
        isinstance(item, str) and _NAME.search(str(key)) and is_sensitive(item)
        for key, item in entry.items()
    )


def _as_json(value: Any) -> str:
    """Simple values as JSON writes them; what holds others must not come here unlooked at."""
    return json.dumps(value) if isinstance(value, (bool, int, float)) else HIDDEN

"""Which links may be opened, and how their true target is written. No Qt."""

from __future__ import annotations

import unicodedata
from urllib.parse import unquote, urlsplit

SCHEMES = ("http", "https", "mailto")
LONGEST = 2000


def safe_target(target: str) -> str:
    """The target if it may be opened (http, https with a host, mailto), else ""."""
    if not target or len(target) > LONGEST or any(_hidden(letter) or letter.isspace() for letter in target):
        return ""
    try:
        parts = urlsplit(target)
        host = parts.hostname
    except ValueError:
        return ""
    if parts.scheme not in SCHEMES or "\\" in target:
        return ""
    if parts.scheme == "mailto":
        return target if "@" in unquote(parts.path) else ""
    return target if host else ""


def true_target(target: str) -> str:
    """The target as it must be read before it is opened: hosts of other scripts in their punycode."""
    try:
        parts = urlsplit(target)
        host = parts.hostname or ""
        if host.isascii():
            return target
        name = host.encode("idna").decode("ascii")
    except (ValueError, UnicodeError):
        return ascii(target)[1:-1]
    before, at, place = parts.netloc.rpartition("@")
    port = place[len(host) :]
    return target.replace(parts.netloc, f"{before}{at}{name}{port}", 1)


def host_of(target: str) -> str:
    """The host that a link leads to (the address of a mailto), in punycode where it is not plain ASCII."""
    try:
        parts = urlsplit(target)
        if parts.scheme == "mailto":
            return unquote(parts.path)
        host = parts.hostname or ""
        return host if host.isascii() else host.encode("idna").decode("ascii")
    except (ValueError, UnicodeError):
        return ascii(target)[1:-1]


def looks_alike(target: str) -> bool:
    """Whether the host is written in letters beyond ASCII, or in punycode: it may look like another."""
    try:
        host = urlsplit(target).hostname or ""
    except ValueError:
        return True
    return not host.isascii() or any(label.startswith("xn--") for label in host.split("."))


def _hidden(letter: str) -> bool:
    return unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp")

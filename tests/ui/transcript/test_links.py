"""Which links can be opened, and how their true target reads."""

from __future__ import annotations

import pytest

from app.ui.transcript.links import host_of, looks_alike, safe_target, true_target


@pytest.mark.parametrize(
    "target",
    [
        "https://x.y/z?a=b#c",
        "http://x.y:8080",
        "mailto:me@x.y",
        "https://xn--bcher-kva.example/",
        "https://bücher.example",
    ],
)
def test_the_web_and_mail_can_be_opened(target: str) -> None:
    assert safe_target(target) == target


@pytest.mark.parametrize(
    "target",
    [
        "",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "data:text/html,x",
        "\\\\host\\share",
        "//host/share",
        "http:///path",
        "https://a\\@b.c",
        "https://x.y/\u202egnp.exe",
        "https://x.y/ z",
        "https://[::1",
        "mailto:nobody",
        "vbscript:x",
        "https://x.y/" + "a" * 3000,
    ],
)
def test_nothing_else_can(target: str) -> None:
    assert safe_target(target) == ""


def test_hosts_of_other_scripts_read_in_punycode() -> None:
    target = "https://me@аррle.com:443/login"  # Cyrillic letters
    assert true_target(target) == "https://me@xn--le-6kc8da.com:443/login"
    assert host_of(target) == "xn--le-6kc8da.com"
    assert looks_alike(target)
    assert looks_alike("https://xn--le-6kc8da.com")


def test_a_plain_host_is_itself() -> None:
    assert true_target("https://apple.com@evil.example/") == "https://apple.com@evil.example/"
    assert host_of("https://apple.com@evil.example/") == "evil.example"
    assert host_of("mailto:me@x.y?subject=a") == "me@x.y"
    assert not looks_alike("https://apple.com")

"""The two families of failure and what the command line exits with."""

from __future__ import annotations

import pytest

from app.core.errors import (
    AttachmentError,
    DownloadError,
    EngineError,
    ExitCode,
    ModelError,
    StorageError,
    UsageError,
    UserError,
)

FAMILIES = {
    UserError: 2,
    UsageError: 2,
    ModelError: 3,
    DownloadError: 3,
    AttachmentError: 4,
    StorageError: 5,
    EngineError: 6,
}


@pytest.mark.parametrize(("family", "code"), FAMILIES.items(), ids=lambda value: getattr(value, "__name__", None))
def test_every_family_has_its_exit_code(family: type[UserError], code: int) -> None:
    error = family("The disk is full.", "disk_full")
    assert int(error.exit_code) == code
    assert (error.message, error.code, str(error)) == ("The disk is full.", "disk_full", "The disk is full.")


def test_no_family_is_forgotten() -> None:
    assert {UserError, *UserError.__subclasses__()} == FAMILIES.keys()


def test_a_code_is_not_needed() -> None:
    assert UserError("No.").code == ""


def test_the_documented_exit_codes() -> None:
    documented = {
        "DONE": 0,
        "BUG": 1,
        "USAGE": 2,
        "MODEL": 3,
        "ATTACHMENT": 4,
        "STORAGE": 5,
        "ENGINE": 6,
        "INTERRUPTED": 130,
    }
    assert {code.name: code.value for code in ExitCode} == documented

"""The token of a person's account on the hub, in the system's keyring. Nothing of it is written anywhere else."""

from __future__ import annotations

import os
import re
from urllib.parse import urlsplit

from app.core.errors import DownloadError
from app.models.hub import address

_SERVICE, _NAME = "Cabochon", "huggingface.co"


def read_token(endpoint: str = "") -> str:
    """HF_TOKEN's, else the keyring's for the hub alone, never for a mirror; "" where there is none or no keyring.

    Raises DownloadError for one that cannot be sent.
    """
    if token := os.environ.get("HF_TOKEN", "").strip():
        return _checked(token)
    if urlsplit(address(endpoint)).netloc != _NAME:
        return ""
    try:
        import keyring

        return keyring.get_password(_SERVICE, _NAME) or ""
    except Exception:  # noqa: BLE001 - a keyring that is locked or missing is no token
        return ""


def keep_token(token: str) -> None:
    """Keep it for the next downloads; "" forgets it. Raises DownloadError where there is no keyring."""
    _checked(token)
    try:
        import keyring
        import keyring.errors

        if token:
            keyring.set_password(_SERVICE, _NAME, token)
        elif keyring.get_password(_SERVICE, _NAME):
            keyring.delete_password(_SERVICE, _NAME)
    except Exception as error:
        raise DownloadError(
            "This system has no keyring that could keep the token. Set HF_TOKEN for the download instead.", "keyring"
        ) from error


def _checked(token: str) -> str:
    if re.fullmatch(r"[!-~]*", token) is None:
        raise DownloadError("This is no token: it holds spaces or letters that no token has.", "token")
    return token

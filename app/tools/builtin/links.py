"""A link, opened in the person's browser."""

from __future__ import annotations

from urllib.parse import urlsplit

from app.tools.registry import Surroundings, ToolError

_SCHEMES = ("http", "https", "mailto")


def open_link(address: str, *, around: Surroundings) -> str:
    """Opens a link in the person's browser. What is on the page is not returned.

    address: The whole address, beginning with https://
    """
    try:
        parts = urlsplit(address)
    except ValueError as error:
        raise ToolError("This is no address.") from error
    odd = not address.isprintable() or any(letter.isspace() for letter in address)
    if parts.scheme.lower() not in _SCHEMES or odd or not (parts.netloc or parts.scheme.lower() == "mailto"):
        raise ToolError("Only addresses that begin with http, https or mailto are opened.")
    if around.open_link is None:
        raise ToolError("Nothing can be opened here.")
    around.open_link(address)
    return f"{address} was opened in the browser."

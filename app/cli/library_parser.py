"""The arguments of `cabochon models`: a verb each."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from app.cli.commands import (
    Library,
    ModelsFit,
    ModelsGet,
    ModelsList,
    ModelsRefresh,
    ModelsRemove,
    ModelsScan,
    ModelsShow,
    ModelsToken,
    ModelsVerify,
)
from app.cli.kinds import bytes_of, count_of, path_of, text_of


def add_json(parser: argparse.ArgumentParser) -> None:
    """--json, that most commands have."""
    parser.add_argument("--json", action="store_true", help="print JSON on standard output")


def _add_fit(fit: argparse.ArgumentParser) -> None:
    fit.add_argument(
        "--quant", metavar="Q", type=text_of, default="", help="quantisation of a named model, such as Q4_K_M"
    )
    fit.add_argument("--context", metavar="N", type=count_of(1), help="context size in tokens")
    fit.add_argument("--kv", choices=("f16", "q8_0", "q4_0"), default="", help="type of the cache (f16)")
    fit.add_argument("--gpu-memory", metavar="SIZE", type=bytes_of, help="free memory of the graphics card, such as 8G")
    fit.add_argument("--ram", metavar="SIZE", type=bytes_of, help="free memory of the computer, such as 16G")
    fit.add_argument(
        "--table",
        action="store_true",
        help="cache type by context, or quantisation by context for a name without one; and the cards that hold each",
    )
    fit.add_argument(
        "model",
        metavar="MODEL",
        nargs="?",
        type=path_of,
        help="a model file, or a name such as gemma-3-12b or gemma-3-12b:Q4_K_M (else the remembered file)",
    )
    add_json(fit)


def _add_scan(scan: argparse.ArgumentParser) -> None:
    scan.add_argument("folders", metavar="FOLDER", nargs="*", type=path_of, help="look here only")
    add_json(scan)


def _add_get(get: argparse.ArgumentParser) -> None:
    get.add_argument("name", metavar="NAME", type=text_of, help="a name such as gemma-3-12b or gemma-3-12b:Q4_K_M")
    get.add_argument("--mirror", metavar="URL", type=text_of, default="", help="fetch from here (else Hugging Face)")
    get.add_argument("--accept-licence", action="store_true", help="the licence was read and is accepted")
    get.add_argument("--no-vision", action="store_true", help="leave out the part that sees pictures")
    add_json(get)


def _add_refresh(refresh: argparse.ArgumentParser) -> None:
    refresh.add_argument("--mirror", metavar="URL", type=text_of, default="", help="ask here (else Hugging Face)")
    add_json(refresh)


def _add_show(show: argparse.ArgumentParser) -> None:
    show.add_argument(
        "model",
        metavar="MODEL",
        nargs="?",
        type=path_of,
        help="a model file, or a name such as gemma-3-12b (else the remembered file)",
    )
    add_json(show)


def _add_verify(verify: argparse.ArgumentParser) -> None:
    verify.add_argument("model", metavar="MODEL", nargs="?", type=text_of, help="a file or a name (else all)")
    add_json(verify)


def _add_remove(remove: argparse.ArgumentParser) -> None:
    remove.add_argument("model", metavar="MODEL", type=text_of, help="a file or a name")
    remove.add_argument("--yes", action="store_true", help="do not ask")


def _add_token(token: argparse.ArgumentParser) -> None:
    token.add_argument("--forget", action="store_true", help="take it out of the keyring")


# by verb: what it does, its arguments, and the command that they make
LIBRARY: dict[str, tuple[str, Callable[[argparse.ArgumentParser], None], Callable[[argparse.Namespace], Library]]] = {
    "list": ("the models that were fetched, and those that can be", add_json, lambda found: ModelsList(found.json)),
    "scan": (
        "the model files that are here, of other programs too",
        _add_scan,
        lambda found: ModelsScan(tuple(found.folders), found.json),
    ),
    "get": (
        "fetch a model",
        _add_get,
        lambda found: ModelsGet(found.name, found.mirror, found.accept_licence, not found.no_vision, found.json),
    ),
    "show": (
        "what is known of a model, each with its source, and what was measured of it here",
        _add_show,
        lambda found: ModelsShow(found.model, found.json),
    ),
    "refresh": (
        "ask for the sizes and hashes of the files that can be fetched",
        _add_refresh,
        lambda found: ModelsRefresh(found.mirror, found.json),
    ),
    "verify": (
        "whether fetched files are whole",
        _add_verify,
        lambda found: ModelsVerify(found.model, found.json),
    ),
    "remove": ("delete a fetched file", _add_remove, lambda found: ModelsRemove(found.model, found.yes)),
    "fit": (
        "the memory plan of a model",
        _add_fit,
        lambda found: ModelsFit(
            found.model, found.quant, found.context, found.kv, found.gpu_memory, found.ram, found.table, found.json
        ),
    ),
    "token": (
        "keep the token of an account, for files that are not given to everyone",
        _add_token,
        lambda found: ModelsToken(found.forget),
    ),
}

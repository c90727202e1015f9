"""The arguments of `cabochon` as commands. A wrong argument is a UsageError with one sentence."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import NoReturn

from app.cli.commands import (
    AnswerOptions,
    Ask,
    Bench,
    Chat,
    Command,
    Doctor,
    Invocation,
    ListConversations,
    ModelChoice,
    ShowConversation,
    TryWindow,
    Window,
)
from app.cli.kinds import count_of, folder_of, gpu_layers_of, pages_of, path_of, temperature_of, text_of
from app.cli.library_parser import LIBRARY, add_json
from app.core.errors import UsageError
from app.core.message import IMAGE_TOKENS, PanAndScan
from app.core.settings import Sampling

_LARGEST_SEED = 2**32 - 2  # llama.cpp takes 2**32 - 1 as "choose one"
_LARGEST_COUNT = 2**31 - 1

_EPILOG = """\
commands:
  ask             ask one question; the answer is streamed to standard output
  chat            chat in the terminal, or a prompt a line through a pipe
  conversations   list conversations, or show one
  doctor          versions, devices and paths; what is wrong and how to mend it
  models          the model files on this machine, their memory, and how to get more
  bench           prompt and generation tokens per second, time to first token

'cabochon COMMAND --help' tells what a command takes.
"""


class _Version(argparse.Action):
    """Prints the version; looks it up only when asked, because that reads the installed packages."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from app.core.versions import program_version

        print(f"cabochon {program_version()}")  # noqa: T201 - what --version is for
        parser.exit()


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        argument, named, rest = message.rstrip(".").partition("argument ")
        sentence = rest if named and not argument else f"{message[:1].upper()}{message[1:]}"
        raise UsageError(f"{sentence}. See {self.prog} --help.", code="usage")


def parse(arguments: Sequence[str]) -> Invocation:
    """What these arguments (without the program's name) ask for.

    Raises UsageError; `--help` and `--version` print and raise SystemExit(0), as argparse does.
    """
    rest = list(arguments)
    leading: list[str] = []
    while rest and (rest[0] == "--data-dir" or rest[0].startswith("--data-dir=")):
        taken = 1 if "=" in rest[0] else 2
        leading += rest[:taken]
        rest = rest[taken:]
    make = _VERBS.get(rest[0]) if rest else None
    return make(leading + rest[1:]) if make else _window(leading + rest)


def _window(arguments: list[str]) -> Invocation:
    parser = _Parser(
        prog="cabochon",
        usage="cabochon [--data-dir DIR] [--model GGUF] [--sample] [FILE…]\n       cabochon COMMAND …",
        description="Chat with a local model. Without a command the window opens.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    _add_data_dir(parser)
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version")
    parser.add_argument("--model", metavar="GGUF", type=path_of, help="use this model from now on")
    parser.add_argument("--sample", action="store_true", help="sample data and a scripted model, for screenshots")
    parser.add_argument(
        "files", metavar="FILE", nargs="*", type=path_of, help="a model file (GGUF) to load, or files to ask about"
    )
    found = parser.parse_args(arguments)
    return Invocation(Window(found.model, found.sample, tuple(found.files)), found.data_dir)


def _ask(arguments: list[str]) -> Invocation:
    parser = _verb_parser("ask", "Ask one question and print the answer as it is written.")
    _add_answer_options(parser)
    parser.add_argument(
        "--image", metavar="FILE", type=path_of, action="append", default=[], help="a picture to ask about; several go"
    )
    parser.add_argument(
        "--file",
        metavar="FILE",
        type=path_of,
        action="append",
        default=[],
        help="a document: text, CSV, HTML, PDF",
    )
    parser.add_argument("prompt", metavar="PROMPT", type=text_of, help="the question; - reads it from standard input")
    found = parser.parse_args(arguments)
    return Invocation(Ask(found.prompt, _answer_options(found), tuple(found.image), tuple(found.file)), found.data_dir)


def _chat(arguments: list[str]) -> Invocation:
    parser = _verb_parser(
        "chat",
        "Chat in the terminal. From a pipe every line is a prompt.",
        "In the chat: /image FILE and /file FILE attach to your next message, /regenerate answers again, "
        "/edit TEXT replaces your last message and sends it again, /quit ends.",
    )
    _add_answer_options(parser)
    found = parser.parse_args(arguments)
    return Invocation(Chat(_answer_options(found)), found.data_dir)


def _conversations(arguments: list[str]) -> Invocation:
    parser = _verb_parser("conversations", "List the conversations, or show one of them.")
    verbs = parser.add_subparsers(dest="verb", metavar="list|show", required=True, parser_class=_Parser)
    listing = verbs.add_parser("list", help="the conversations, newest first", allow_abbrev=False)
    show = verbs.add_parser("show", help="the messages of one conversation", allow_abbrev=False)
    show.add_argument("conversation", metavar="last|ID", type=text_of, help="the one changed last, or this one")
    for each in (listing, show):
        each.add_argument("--data-dir", metavar="DIR", type=folder_of, default=argparse.SUPPRESS, help=_DATA_DIR_HELP)
        add_json(each)
    found = parser.parse_args(arguments)
    command: Command = ListConversations(found.json)
    if found.verb == "show":
        command = ShowConversation(found.conversation, found.json)
    return Invocation(command, found.data_dir)


def _doctor(arguments: list[str]) -> Invocation:
    parser = _verb_parser("doctor", "Show versions, devices, backends and paths, what is wrong and how to mend it.")
    parser.add_argument(
        "--check", action="store_true", help="also ask the self-check model questions with known answers"
    )
    parser.add_argument("--try-window", action="store_true", help=argparse.SUPPRESS)  # doctor asks it of a child
    add_json(parser)
    found = parser.parse_args(arguments)
    if found.try_window:
        return Invocation(TryWindow(), found.data_dir)
    return Invocation(Doctor(found.check, found.json), found.data_dir)


def _bench(arguments: list[str]) -> Invocation:
    parser = _verb_parser("bench", "Measure prompt and generation tokens per second and the time to the first token.")
    _add_model_options(parser)
    add_json(parser)
    found = parser.parse_args(arguments)
    return Invocation(Bench(_model_choice(found), found.json), found.data_dir)


def _models(arguments: list[str]) -> Invocation:
    parser = _verb_parser("models", "The model files on this machine, the memory they need, and how to get more.")
    names = "|".join(LIBRARY)
    verbs = parser.add_subparsers(dest="verb", metavar=names, required=True, parser_class=_Parser)
    for name, (said, add, _) in LIBRARY.items():
        verb = verbs.add_parser(name, help=said, allow_abbrev=False)
        add(verb)
        verb.add_argument("--data-dir", metavar="DIR", type=folder_of, default=argparse.SUPPRESS, help=_DATA_DIR_HELP)
    found = parser.parse_args(arguments)
    return Invocation(LIBRARY[found.verb][2](found), found.data_dir)


_VERBS: dict[str, Callable[[list[str]], Invocation]] = {
    "ask": _ask,
    "chat": _chat,
    "conversations": _conversations,
    "doctor": _doctor,
    "bench": _bench,
    "models": _models,
}

_DATA_DIR_HELP = "keep all state below this folder"


def _verb_parser(verb: str, description: str, epilog: str = "") -> _Parser:
    parser = _Parser(prog=f"cabochon {verb}", description=description, epilog=epilog, allow_abbrev=False)
    _add_data_dir(parser)
    return parser


def _add_data_dir(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data-dir", metavar="DIR", type=folder_of, help=_DATA_DIR_HELP)


def _add_model_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", metavar="GGUF", type=path_of, help="use this model (else the remembered one)")
    parser.add_argument("--mmproj", metavar="GGUF", type=path_of, help="its image part (else one beside it that fits)")
    parser.add_argument("--context", metavar="N", type=count_of(1), help="context size in tokens")
    parser.add_argument("--gpu-layers", metavar="auto|N", type=gpu_layers_of, help="layers on the GPU")
    parser.add_argument("--kv", choices=("f16", "q8_0", "q4_0"), help="type of the cache")
    parser.add_argument("--threads", metavar="N", type=count_of(1, 1024), help="processor threads")


def _add_answer_options(parser: argparse.ArgumentParser) -> None:
    _add_model_options(parser)
    parser.add_argument("--system", metavar="TEXT", type=text_of, help="system text of the conversation")
    parser.add_argument(
        "--conversation",
        metavar="new|last|ID",
        type=text_of,
        default="new",
        help="where the turn belongs (else: new)",
    )
    parser.add_argument("--temperature", metavar="F", type=temperature_of, help="0 takes the likeliest word every time")
    parser.add_argument("--seed", metavar="N", type=count_of(0, _LARGEST_SEED), help="same seed, same answer")
    parser.add_argument("--max-tokens", metavar="N", type=count_of(1), help="longest answer, in tokens")
    parser.add_argument(
        "--pan-and-scan",
        choices=[choice.value for choice in PanAndScan],
        default=PanAndScan.AUTO.value,
        help="look at parts of a picture too where that helps (auto), at finer parts, or at the whole only (off)",
    )
    parser.add_argument(
        "--image-tokens",
        metavar="N",
        type=int,
        choices=IMAGE_TOKENS,
        default=0,
        help=f"most tokens of a picture, for a model that leaves it open ({', '.join(map(str, IMAGE_TOKENS))})",
    )
    parser.add_argument(
        "--pages",
        metavar="RANGE",
        type=pages_of,
        help="which pages of the PDFs that are attached: 3-7, or 12; those of a scan are seen as pictures",
    )
    parser.add_argument(
        "--tools",
        choices=("off", "ask", "auto"),
        default="off",
        help="let the model call tools: those that may run without a question (auto), or each after a question (ask)",
    )
    parser.add_argument(
        "--tool", metavar="NAME", type=text_of, action="append", default=[], help="only this tool; several go"
    )
    add_json(parser)


def _model_choice(found: argparse.Namespace) -> ModelChoice:
    return ModelChoice(found.model, found.mmproj, found.context, found.gpu_layers, found.threads, kv_type=found.kv)


def _answer_options(found: argparse.Namespace) -> AnswerOptions:
    sampling = Sampling(temperature=found.temperature, seed=found.seed, max_tokens=found.max_tokens)
    return AnswerOptions(
        _model_choice(found),
        found.conversation,
        found.system,
        sampling,
        found.json,
        PanAndScan(found.pan_and_scan),
        found.tools,
        frozenset(found.tool),
        found.image_tokens,
        found.pages,
    )

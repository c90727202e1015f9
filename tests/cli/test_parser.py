"""Arguments become commands; wrong ones become one sentence."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from app.cli.commands import (
    AnswerOptions,
    Ask,
    Bench,
    Chat,
    Doctor,
    ListConversations,
    ModelChoice,
    ShowConversation,
    Window,
    merge_sampling,
)
from app.cli.kinds import bytes_of
from app.cli.parser import parse
from app.core.errors import ExitCode, UsageError
from app.core.settings import LoadOptions, Sampling


def test_no_arguments_open_the_window() -> None:
    invocation = parse([])
    assert invocation.command == Window()
    assert invocation.data_dir is None


def test_window_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    command = parse(["--model", "m.gguf", "--sample", "other.gguf"]).command
    assert command == Window(tmp_path / "m.gguf", sample=True, files=(tmp_path / "other.gguf",))


@pytest.mark.parametrize(("argument", "pages"), [("3-7", (3, 7)), ("12", (12, 12)), ("5-5", (5, 5))])
def test_pages(argument: str, pages: tuple[int, int]) -> None:
    for arguments in (["ask", "--pages", argument, "Hello"], ["chat", "--pages", argument]):
        command = parse(arguments).command
        assert isinstance(command, Ask | Chat)
        assert command.options.pages == pages


@pytest.mark.parametrize("argument", ["", "0", "7-3", "1-", "-3", "a", "1,2", "1-2-3"])
def test_what_is_no_pages(argument: str) -> None:
    with pytest.raises(UsageError, match="--pages"):
        parse(["ask", f"--pages={argument}", "Hello"])


def test_ask_defaults() -> None:
    assert parse(["ask", "Hello"]).command == Ask("Hello", AnswerOptions())


def test_every_option_of_ask(tmp_path: Path) -> None:
    model = tmp_path / "m.gguf"
    arguments = ["ask", "--model", str(model), "--system", "Be brief.", "--conversation", "last", "--temperature", "0"]
    arguments += ["--seed", "7", "--max-tokens", "12", "--context", "4096", "--gpu-layers", "auto", "--threads", "2"]
    command = parse([*arguments, "--json", "-"]).command
    expected = AnswerOptions(
        ModelChoice(model, context=4096, gpu_layers=-1, threads=2),
        "last",
        "Be brief.",
        Sampling(temperature=0.0, seed=7, max_tokens=12),
        json=True,
    )
    assert command == Ask("-", expected)


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["chat", "--json"], Chat(AnswerOptions(json=True))),
        (["conversations", "list", "--json"], ListConversations(json=True)),
        (["conversations", "show", "last"], ShowConversation("last")),
        (["doctor", "--check"], Doctor(check=True)),
        (["bench", "--gpu-layers", "3"], Bench(ModelChoice(gpu_layers=3))),
    ],
)
def test_other_commands(arguments: list[str], command: object) -> None:
    assert parse(arguments).command == command


@pytest.mark.parametrize(
    "arguments",
    [
        ["--data-dir", "D", "conversations", "list"],
        ["--data-dir=D", "conversations", "list"],
        ["conversations", "--data-dir", "D", "list"],
        ["conversations", "list", "--data-dir", "D"],
        ["--data-dir", "other", "conversations", "list", "--data-dir", "D"],
    ],
)
def test_data_dir_before_and_after_the_verb(arguments: list[str]) -> None:
    invocation = parse(arguments)
    assert invocation.data_dir == "D"
    assert invocation.command == ListConversations()


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["ask", "--max-tokens", "0", "x"], "--max-tokens"),
        (["ask", "--max-tokens", "-3", "x"], "--max-tokens"),
        (["ask", "--max-tokens", "many", "x"], "--max-tokens"),
        (["ask", "--max-tokens", "99999999999", "x"], "--max-tokens"),
        (["ask", "--temperature", "-0.1", "x"], "--temperature"),
        (["ask", "--temperature", "nan", "x"], "--temperature"),
        (["ask", "--temperature", "inf", "x"], "--temperature"),
        (["ask", "--seed", "-1", "x"], "--seed"),
        (["ask", "--seed", "4294967295", "x"], "--seed"),
        (["ask", "--context", "0", "x"], "--context"),
        (["ask", "--gpu-layers", "all", "x"], "--gpu-layers"),
        (["ask", "--gpu-layers", "-1", "x"], "--gpu-layers"),
        (["ask", "--threads", "0", "x"], "--threads"),
        (["ask", "--model", "", "x"], "--model"),
        (["ask", "--image", "", "x"], "--image"),
        (["ask", "--pan-and-scan", "no", "x"], "--pan-and-scan"),
        (["ask", "--temp", "0", "x"], "--temp"),
        (["ask"], "PROMPT"),
        (["ask", "two", "words"], "words"),
        (["--data-dir"], "--data-dir"),
        (["--data-dir", "", "ask", "x"], "--data-dir"),
        (["--frobnicate"], "--frobnicate"),
        (["conversations"], "list|show"),
        (["conversations", "burn"], "burn"),
        (["conversations", "show"], "last|ID"),
        (["doctor", "--chek"], "--chek"),
    ],
)
def test_a_wrong_argument_is_one_sentence_that_names_it(arguments: list[str], named: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse(arguments)
    assert named in raised.value.message
    assert raised.value.message.endswith("--help.")
    assert "\n" not in raised.value.message
    assert raised.value.exit_code is ExitCode.USAGE


def test_text_is_read_as_utf8_whatever_the_locale() -> None:
    misread = "नमस्ते".encode().decode("ascii", "surrogateescape")
    command = parse(["ask", misread]).command
    assert isinstance(command, Ask)
    assert command.prompt == "नमस्ते"
    broken = parse(["ask", b"a\xffb".decode("ascii", "surrogateescape")]).command
    assert isinstance(broken, Ask)
    assert broken.prompt == "a\ufffdb"


def test_a_file_called_like_a_command_can_be_named() -> None:
    command = parse(["--", "ask"]).command
    assert isinstance(command, Window)
    assert [path.name for path in command.files] == ["ask"]


def test_help_tells_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(["--help"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    assert all(verb in told for verb in ("ask", "chat", "conversations", "doctor", "bench"))


def test_named_values_replace_the_stored_ones_and_only_those() -> None:
    stored = LoadOptions(context=1024, threads=3, kv_type="q8_0")
    assert ModelChoice(context=64).load_options(stored) == LoadOptions(context=64, threads=3, kv_type="q8_0")
    assert ModelChoice().load_options(stored) == stored
    merged = merge_sampling(Sampling(temperature=0.7, top_k=5), Sampling(temperature=0.0, seed=1))
    assert merged == Sampling(temperature=0.0, top_k=5, seed=1)


@pytest.mark.parametrize(
    ("told", "size"),
    [("1024", 1024), ("8G", 8 << 30), ("8 GiB", 8 << 30), ("7.5gb", 15 << 29), ("512M", 512 << 20), ("0", 0)],
)
def test_memory_is_told_as_people_tell_it(told: str, size: int) -> None:
    assert bytes_of(told) == size


@pytest.mark.parametrize("told", ["", "G", "-8G", "8T", "1e3", "9999999999G", "8G8"])
def test_what_is_no_size_of_memory_is_refused(told: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        bytes_of(told)

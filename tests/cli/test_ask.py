"""`cabochon ask` with the real worker and real models."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.cli.program import GREEDY, Outcome, Program, end, interrupt, read_some, without_line_end

USAGE = {
    "prompt_tokens",
    "reused_tokens",
    "evaluated_tokens",
    "generated_tokens",
    "images",
    "images_encoded",
    "restored_from",
}
TIMINGS = {"load_ms", "encode_ms", "prompt_ms", "first_token_ms", "generate_ms", "tokens_per_second"}


def _ask(program: Program, model: Path, *arguments: str, given: str = "") -> Outcome:
    return program.run("ask", "--model", model, *GREEDY, *arguments, given=given)


def test_an_answer_is_streamed_to_standard_output(program: Program, micro_model: Path) -> None:
    outcome = _ask(program, micro_model, "My name is Robin.")
    assert (outcome.code, outcome.out, outcome.err) == (0, "Nice to meet you, Robin.\n", "")


def test_the_json_is_one_object_of_the_promised_shape(program: Program, micro_model: Path) -> None:
    outcome = _ask(program, micro_model, "--json", "My name is Robin.")
    assert (outcome.code, outcome.err) == (0, "")
    record = outcome.record
    assert list(record) == [
        "conversation", "message", "text", "finish_reason", "usage", "timings", "tool_calls", "model"
    ]  # fmt: skip
    assert record["text"] == "Nice to meet you, Robin."
    assert record["finish_reason"] == "stop"
    assert record["tool_calls"] == []
    _check_figures(record)
    assert record["model"] == {
        "name": record["model"]["name"],
        "architecture": "gemma3",
        "context": 8192,
        "gpu_layers": 0,
        "vision": True,  # its projector lies beside it
    }
    assert record["model"]["name"]


def _check_figures(record: dict[str, Any]) -> None:
    usage, timings = record["usage"], record["timings"]
    assert set(usage) == USAGE
    assert set(timings) == TIMINGS
    assert usage["prompt_tokens"] == usage["reused_tokens"] + usage["evaluated_tokens"]
    assert usage["generated_tokens"] > 0
    assert (usage["images"], usage["images_encoded"], usage["restored_from"]) == (0, 0, "none")
    assert timings["load_ms"] > 0
    assert timings["first_token_ms"] > 0
    assert timings["tokens_per_second"] > 0


def test_the_demo_model_answers(program: Program, demo_model: Path) -> None:
    outcome = _ask(program, demo_model, "--max-tokens", "8", "--json", "Say hello.")
    record = outcome.record
    assert outcome.code == 0
    assert record["text"].strip()
    assert record["model"]["architecture"] == "llama"
    assert record["finish_reason"] in ("stop", "length")


def test_the_prompt_comes_from_standard_input(program: Program, micro_model: Path) -> None:
    outcome = _ask(program, micro_model, "-", given="My name is Ada.\n")
    assert (outcome.code, outcome.out) == (0, "Nice to meet you, Ada.\n")
    assert program.shown()["messages"][0]["text"] == "My name is Ada."


def test_a_longest_answer_ends_as_length(program: Program, micro_model: Path) -> None:
    record = _ask(program, micro_model, "--max-tokens", "5", "--json", "Write a long list.").record
    assert record["finish_reason"] == "length"
    assert record["usage"]["generated_tokens"] == 5


def test_the_system_text_arrives_and_stays_with_the_conversation(program: Program, micro_model: Path) -> None:
    first = _ask(program, micro_model, "--system", "Your name is Ada.", "Who are you?")
    assert first.out == "I am Ada, a tiny test model.\n"
    second = _ask(program, micro_model, "--conversation", "last", "Who are you?")
    assert second.out == "I am Ada, a tiny test model.\n"


def test_the_same_seed_gives_the_same_answer(program: Program, demo_model: Path) -> None:
    arguments = ("--model", str(demo_model), "--temperature", "1", "--max-tokens", "12")
    answers = {program.run("ask", *arguments, "--seed", "5", "Tell me a story.").out for _ in range(2)}
    assert len(answers) == 1
    assert program.run("ask", *arguments, "--seed", "6", "Tell me a story.").out not in answers


def test_load_options_of_this_call(program: Program, micro_model: Path) -> None:
    options = ("--context", "512", "--threads", "1", "--gpu-layers", "0")
    record = _ask(program, micro_model, *options, "--json", "Hello").record
    assert record["model"]["context"] == 512
    assert _ask(program, micro_model, "--json", "Hello").record["model"]["context"] == 8192


def test_last_goes_on_with_the_conversation(program: Program, micro_model: Path) -> None:
    first = _ask(program, micro_model, "--json", "My name is Robin.").record
    second = _ask(program, micro_model, "--conversation", "last", "--json", "What is my name?").record
    assert second["text"] == "Your name is Robin."
    assert second["conversation"] == first["conversation"]
    other = _ask(program, micro_model, "--json", "What is my name?").record
    assert other["text"] == "I do not know your name."
    assert other["conversation"] != first["conversation"]
    third = _ask(program, micro_model, "--conversation", first["conversation"], "What is my name?")
    assert third.out == "Your name is Robin.\n"


def test_last_without_any_conversation_is_a_usage_error(program: Program, micro_model: Path) -> None:
    outcome = _ask(program, micro_model, "--conversation", "last", "Hello")
    assert outcome.code == 2
    assert "no conversation" in outcome.sentence.lower()


def test_an_unknown_conversation_is_a_usage_error(program: Program, micro_model: Path) -> None:
    outcome = _ask(program, micro_model, "--conversation", "nowhere", "Hello")
    assert (outcome.code, outcome.out) == (2, "")
    assert "nowhere" in outcome.sentence
    assert program.listed() == []


@pytest.mark.parametrize("prompt", ["", "  \n"])
def test_an_empty_prompt_is_a_usage_error(program: Program, micro_model: Path, prompt: str) -> None:
    assert _ask(program, micro_model, prompt).code == 2
    assert _ask(program, micro_model, "-", given=prompt).code == 2
    assert program.listed() == []


def test_a_bad_option_is_a_usage_error(program: Program) -> None:
    outcome = program.run("ask", "--max-tokens", "0", "Hello")
    assert (outcome.code, outcome.out) == (2, "")
    assert "--max-tokens" in outcome.sentence


def test_the_model_of_a_call_is_not_remembered(program: Program, micro_model: Path) -> None:
    assert _ask(program, micro_model, "Hello").code == 0
    record = json.loads(program.run("doctor", "--json").out)
    assert record["paths"]["model"] != str(micro_model)


def test_ctrl_c_keeps_the_partial_reply(program: Program, micro_model: Path) -> None:
    with program.running("ask", "--model", micro_model, *GREEDY, "Write a long list.") as process:
        begun = read_some(process, 20).decode()
        stopped_at = time.monotonic()
        interrupt(process)
        outcome = end(process)
        assert time.monotonic() - stopped_at < 5.0
    assert outcome.code == 130
    assert outcome.err == ""
    answer = program.shown()["messages"][-1]
    assert answer["state"] == "interrupted"
    assert without_line_end(answer["text"]) == without_line_end(begun + outcome.out)


def test_ctrl_c_is_told_in_the_json(program: Program, micro_model: Path) -> None:
    with program.running("ask", "--model", micro_model, *GREEDY, "--json", "Write a long list.") as process:
        _wait_for_words(program, process)
        interrupt(process)
        outcome = end(process)
    assert outcome.code == 130
    assert outcome.record["finish_reason"] == "cancelled"
    assert outcome.record["text"]


def test_terminate_keeps_the_partial_reply_too(program: Program, micro_model: Path) -> None:
    with program.running("ask", "--model", micro_model, *GREEDY, "Write a long list.") as process:
        begun = read_some(process, 20).decode()
        process.send_signal(signal.SIGTERM)
        outcome = end(process)
    assert outcome.code == 130
    assert without_line_end(program.shown()["messages"][-1]["text"]) == without_line_end(begun + outcome.out)


def _wait_for_words(program: Program, process: subprocess.Popen[bytes]) -> None:
    """Until the partial save shows words of the answer."""
    for _ in range(200):
        if process.poll() is not None:
            return
        rows = program.listed()
        if rows and program.shown()["messages"][-1]["role"] == "assistant" and program.shown()["messages"][-1]["text"]:
            return
        time.sleep(0.05)


def test_a_reader_that_goes_away_is_no_error_message(program: Program, micro_model: Path) -> None:
    with program.running("ask", "--model", micro_model, *GREEDY, "Write a long list.") as process:
        begun = read_some(process, 10).decode()
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(30) == 130
        process.stdout = None
    answer = program.shown()["messages"][-1]
    assert answer["state"] == "interrupted"
    assert answer["text"].startswith(begun[:10])


def test_a_full_disk_behind_standard_output(program: Program, micro_model: Path) -> None:
    with open("/dev/full", "wb") as full:
        command = program.command("ask", "--model", micro_model, *GREEDY, "My name is Robin.")
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, timeout=60, check=False)
    assert ended.returncode == 5
    assert ended.stderr.decode() == "The output could not be written: No space left on device.\n"


@pytest.mark.parametrize("locale", ["C", "POSIX", "en_US.ISO-8859-1", "does_not_exist"])
def test_words_are_utf8_whatever_the_locale(program: Program, micro_model: Path, locale: str) -> None:
    env = {"LC_ALL": locale, "LANG": locale, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    prompt = "नमस्ते 你好 👋🏽"
    outcome = program.run("ask", "--model", micro_model, *GREEDY, "--max-tokens", "4", "--json", prompt, env=env)
    assert outcome.code == 0
    assert program.shown()["messages"][0]["text"] == prompt


def test_control_characters_do_not_reach_a_terminal(scripted_program: Program) -> None:
    reader, writer = pty.openpty()
    command = scripted_program.command("ask", "/say \x1b]0;owned\x07\x1b[2Jhello")
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=writer, stderr=subprocess.DEVNULL) as process:
        os.close(writer)
        seen = b""
        while True:
            try:
                more = os.read(reader, 65536)
            except OSError:  # the terminal's other side has closed
                break
            if not more:
                break
            seen += more
        assert process.wait(60) == 0
    os.close(reader)
    assert b"hello" in seen
    assert b"\x1b" not in seen
    assert b"\x07" not in seen

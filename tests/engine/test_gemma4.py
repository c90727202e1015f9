"""Gemma 4's tokens for tools: held calls, results that cost their own tokens, no control token in an answer."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from app.core.message import FinishReason, Message, Role
from app.core.paths import encode_path
from app.core.protocol import Calling, Event, Finished, Generate, Load, Loaded, Measure, Measured, Prompt, Text
from app.core.settings import LoadOptions, Sampling
from app.core.tools import ToolDefinition, ToolResult, WrittenCall
from app.engine.client import EngineClient
from app.engine.local import LocalEngine
from app.prompt.sandbox import Template
from app.prompt.tool_tokens import TokenFormat
from app.prompt.tools import GEMMA_JSON
from app.prompt.turns import declared
from tests.engine.chats import loaded, model_of
from tests.engine.forcing import forced_call
from tests.engine.gemma4 import CONTROL, OLDER_TEMPLATE, TEMPLATE, VISIBLE, write_gemma4
from tests.engine.schemas import TOOLS
from tests.engine.test_calls import CALCULATOR, ODD, TIME
from tests.engine.test_vocabulary import WORDS

SCRIPT = {
    "<channel|>": "Hello", "Hello": "<|tool_call>",
    '<|"|>': "7", "7": '<|"|>', "}": "<tool_call|>", "<tool_call|>": "<|tool_response>",
    "<tool_response|>": "The", "The": "\u2581result", "\u2581result": "<turn|>",
}  # fmt: skip
CALLED = WrittenCall("calculator", {"expression": "7"})
_OPTIONS = LoadOptions(context=1024, threads=1)
SECONDS = 120.0  # of waiting for a worker; nothing is measured


@pytest.fixture(scope="module")
def scripted_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_gemma4(tmp_path_factory.mktemp("gemma4") / "scripted.gguf", SCRIPT)


@pytest.fixture(scope="module")
def random_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEngine]:
    with loaded(write_gemma4(tmp_path_factory.mktemp("gemma4") / "random.gguf"), _OPTIONS) as engine:
        yield engine


def _said(finished: Finished) -> Message:
    return Message(Role.ASSISTANT, finished.text, finished.tokens, call_text=finished.call_text, calls=finished.calls)


def _ask(engine: LocalEngine, messages: list[Message], **sampling: Any) -> tuple[Finished, list[Event]]:
    told: list[Event] = []
    wanted = Sampling(**({"temperature": 0.0, "max_tokens": 200} | sampling))
    prompt = Prompt("c", tuple(messages), "", (CALCULATOR,))
    engine.begin()
    return engine.generate(Generate(1, prompt, wanted), told.append), told


def test_random_weights_are_held_to_every_schema(random_engine: LocalEngine) -> None:
    for number in range(10 * len(TOOLS)):
        tool = TOOLS[number % len(TOOLS)]
        forced = forced_call(model_of(random_engine), tool, number, limit=120)
        assert forced.calls, (tool.name, forced.text)
        assert forced.text.startswith("<|tool_call>call:")
        for call in forced.calls:
            assert call.name == tool.name
            jsonschema.validate(call.arguments, tool.parameters)


@pytest.mark.parametrize("schema", ODD, ids=range(len(ODD)))
def test_an_odd_schema_does_no_harm(random_engine: LocalEngine, schema: dict[str, Any]) -> None:
    forced = forced_call(model_of(random_engine), ToolDefinition('o"dd 名\n', "", schema), 7, limit=120)
    assert all(call.name == 'o"dd 名\n' for call in forced.calls)


@pytest.mark.parametrize(
    "limits", [{"minLength": 2}, {"maxLength": 6}, {"minLength": 3, "maxLength": 5}, {"maxLength": 0}]
)
def test_the_length_of_a_string_is_held(random_engine: LocalEngine, limits: dict[str, int]) -> None:
    values = {"a": {"type": "array", "items": {"type": "string", **limits}, "minItems": 2}}
    tool = ToolDefinition("t", "", {"type": "object", "properties": values, "required": ["a"]})
    for seed in range(8):
        for call in forced_call(model_of(random_engine), tool, seed).calls:
            jsonschema.validate(call.arguments, tool.parameters)


def test_what_looks_like_the_quote_is_told_apart_from_it(random_engine: LocalEngine) -> None:
    """Texts that end as the quote's token begins: llama.cpp would take the one for the other, and end the process."""
    values = {
        "op": {"enum": ["<", "<|", '<|"', '<|"|', "<<", "a<"]},
        "<k": {"const": {"x<": ["<"]}},
        "s": {"type": "string", "minLength": 1, "maxLength": 2},
    }
    tool = ToolDefinition("t", "", {"type": "object", "properties": values, "required": list(values)})
    found = set()
    for seed in range(30):
        for call in forced_call(model_of(random_engine), tool, seed).calls:
            jsonschema.validate(call.arguments, tool.parameters)
            found.add(call.arguments["op"])
    assert len(found) > 2


def test_a_call_a_result_and_an_answer_in_one_turn(scripted_file: Path) -> None:
    with loaded(scripted_file, _OPTIONS) as engine:
        messages = [Message(Role.USER, "What is 12 * 7?")]
        first, told = _ask(engine, messages)
        assert (first.text, first.calls, first.reason) == ("Hello", (CALLED,), FinishReason.STOP)
        assert first.call_text == '<|tool_call>call:calculator{expression:<|"|>7<|"|>}<tool_call|>'
        assert "".join(event.text for event in told if isinstance(event, Text)) == "Hello"
        assert [event.name for event in told if isinstance(event, Calling)][-1:] in (["calculator"], [""])
        messages += [_said(first), Message(Role.USER, "", results=(ToolResult("calculator", "84"),))]
        second, _ = _ask(engine, messages)
        assert (second.text, second.calls) == ("The result", ())
        read = first.usage.prompt_tokens + first.usage.generated_tokens
        assert second.usage.prompt_tokens - read == second.usage.evaluated_tokens, "only the result is read"
        ids = model_of(engine).prompts.tokens(Prompt("c", tuple(messages), "", (CALCULATOR,)))
        shown = "".join(model_of(engine).llama.token_text(token) for token in ids[read:])
        assert shown == '<|tool_response>response:calculator{value:<|"|>84<|"|>}<tool_response|>'
        parts = model_of(engine).prompts.parts(Prompt("c", tuple(messages), "", (CALCULATOR,)))
        assert f"Hello{first.call_text}" in [part.text for part in parts if part.kind == "answer"]
        messages += [_said(second), Message(Role.USER, "And again?")]
        third, _ = _ask(engine, messages)
        assert third.calls == (CALLED,)
        assert third.usage.reused_tokens >= second.usage.prompt_tokens + second.usage.generated_tokens - 1


def test_the_same_through_the_worker(scripted_file: Path, tmp_path: Path) -> None:
    events: queue.Queue[Event] = queue.Queue()
    client = EngineClient(events.put, tmp_path / "worker.log")

    def until(kind: type[Event]) -> Any:
        while not isinstance(event := events.get(timeout=SECONDS), kind):
            pass
        return event

    def ask(turn: int, *messages: Message) -> Finished:
        prompt = Prompt("c", messages, "", (CALCULATOR, TIME))
        client.send(Generate(turn, prompt, Sampling(temperature=0.0, max_tokens=100)))
        finished: Finished = until(Finished)
        return finished

    client.start()
    try:
        client.send(Load(1, encode_path(str(scripted_file)), _OPTIONS))
        assert until(Loaded).model.family == "gemma4"
        question = Message(Role.USER, "What is 12 * 7?")
        first = ask(1, question)
        assert (first.text, len(first.calls)) == ("Hello", 1)
        results = Message(Role.USER, "", results=tuple(ToolResult(call.name, "84") for call in first.calls))
        second = ask(2, question, _said(first), results)
        assert (second.text, second.reason) == ("The result", FinishReason.STOP)
        assert second.usage.reused_tokens >= first.usage.prompt_tokens + first.usage.generated_tokens - 1
        client.send(Measure(1, Prompt("c", (question, _said(first), results), "", (CALCULATOR,)), definitions=(TIME,)))
        measured: Measured = until(Measured)
        assert abs(measured.total - second.usage.prompt_tokens) < 60
        assert measured.definitions[0] > 5
    finally:
        client.close()


def test_without_tools_no_control_token_is_told(tmp_path: Path) -> None:
    """As where a model calls although there is nothing to call: the answer shows none of it."""
    script = {
        "<channel|>": "Hello", "Hello": '<|"|>', '<|"|>': "<tool_call|>", "<tool_call|>": "The",
        "The": "<|tool_call>", "<|tool_call>": "<turn|>",
    }  # fmt: skip
    with loaded(write_gemma4(tmp_path / "m.gguf", script), _OPTIONS) as engine:
        prompt = Prompt("c", (Message(Role.USER, "Hi"),))
        engine.begin()
        finished = engine.generate(Generate(1, prompt, Sampling(temperature=0.0, max_tokens=20)), lambda _: None)
    assert (finished.text, finished.reason) == ("HelloThe", FinishReason.STOP)


def test_a_call_is_closed_before_its_limit(random_engine: LocalEngine) -> None:
    for seed in range(10):
        forced = forced_call(model_of(random_engine), CALCULATOR, seed, limit=24)
        for call in forced.calls:
            jsonschema.validate(call.arguments, CALCULATOR.parameters)


@pytest.mark.parametrize("word", [*CONTROL, *VISIBLE])
def test_its_tokens_are_never_typed(random_engine: LocalEngine, word: str) -> None:
    vocabulary = model_of(random_engine).vocabulary
    token = vocabulary.control(word)
    assert vocabulary.piece(token) == b""
    typed = vocabulary.tokenize(f"a {word} b")
    assert token not in typed
    assert vocabulary.text(typed).decode() == f"a {word} b"
    assert (token in vocabulary.stops) is (word in ("<turn|>", "<|tool_response>"))


@pytest.mark.parametrize("words", WORDS.values(), ids=WORDS.keys())
def test_a_prompt_is_token_for_token_that_of_the_template(random_engine: LocalEngine, words: str) -> None:
    model, call = model_of(random_engine), WrittenCall("calculator", {"expression": words, "n": [1, None, words]})
    function = {"name": call.name, "arguments": call.arguments}
    official = Template(TEMPLATE).render(
        messages=[
            {"role": "system", "content": words},
            {"role": "user", "content": words},
            {
                "role": "assistant",
                "tool_calls": [{"type": "function", "function": function}],
                "tool_responses": [{"name": call.name, "response": words}],
                "content": words,
            },
            {"role": "user", "content": words},
        ],
        tools=declared(TOOLS),
        add_generation_prompt=True,
        bos_token="<bos>",
    )
    messages = (
        Message(Role.USER, words),
        Message(Role.ASSISTANT, "", calls=(call,), call_text="…"),
        Message(Role.USER, "", results=(ToolResult(call.name, words),)),
        Message(Role.ASSISTANT, words),
        Message(Role.USER, words),
    )
    expected = model.llama.tokenize(official.encode(), parse_special=True)
    assert model.prompts.tokens(Prompt("c", messages, words, TOOLS)) == expected


@pytest.mark.parametrize(
    ("tokens", "template"),
    [
        ((*CONTROL, *VISIBLE[:-1]), TEMPLATE),
        ((*CONTROL, *VISIBLE), TEMPLATE.replace("format_function_declaration(tool)", "''")),
    ],
    ids=["no token for the quote", "a template that shows no tools"],
)
def test_a_file_that_cannot_is_asked_in_words(tmp_path: Path, tokens: tuple[str, ...], template: str) -> None:
    with loaded(write_gemma4(tmp_path / "m.gguf", tokens=tokens, template=template), _OPTIONS) as engine:
        model = model_of(engine)
        assert (model.family.name, model.family.tools) == ("gemma4", GEMMA_JSON)
        prompt = Prompt("c", (Message(Role.USER, "Hi"),), "", (CALCULATOR,))
        assert "You have access to functions." in model.vocabulary.text(model.prompts.tokens(prompt)).decode()


def test_an_older_template_will_do(tmp_path: Path) -> None:
    with loaded(write_gemma4(tmp_path / "m.gguf", SCRIPT, template=OLDER_TEMPLATE), _OPTIONS) as engine:
        assert isinstance(model_of(engine).family.tools, TokenFormat)
        messages = [Message(Role.USER, "What is 12 * 7?")]
        first, _ = _ask(engine, messages)
        messages += [_said(first), Message(Role.USER, "", results=(ToolResult("calculator", "84"),))]
        second, _ = _ask(engine, messages)
        assert second.usage.reused_tokens >= first.usage.prompt_tokens + first.usage.generated_tokens - 1

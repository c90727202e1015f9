"""Tools in Gemma 4's own template: as it has them where all is harmless, and nothing leaks where it is not."""

from __future__ import annotations

from array import array
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.message import Message, Role, SampledTokens
from app.core.protocol import Prompt
from app.core.tools import ToolDefinition, ToolResult, WrittenCall
from app.prompt.family import GEMMA_4
from app.prompt.sandbox import Template
from app.prompt.segments import Control, Plain, Sampled, Segment
from app.prompt.template import ChatTemplate
from app.prompt.tool_tokens import TokenFormat
from app.prompt.turns import declared
from tests.engine.gemma4 import CONTROL, OLDER_TEMPLATE, TEMPLATE, VISIBLE
from tests.engine.schemas import TOOLS

CONTROLS = ("<bos>", "<eos>", *CONTROL, *VISIBLE)
assert isinstance(GEMMA_4.tools, TokenFormat)
TOLD = GEMMA_4.tools
MADE = {source: ChatTemplate(source, CONTROLS, "<bos>", "<eos>", TOLD) for source in (TEMPLATE, OLDER_TEMPLATE)}
NEW, OLD = MADE.values()
EMPTY_THOUGHT = "<|channel>thought\n<channel|>"
PLACES = {
    "place": {"type": "string", "description": "A town"},
    "days": {"type": "array", "items": {"type": "integer"}},
    "unit": {"type": "string", "enum": ["°C", "°F"]},
}
WEATHER = ToolDefinition(
    "weather", "The weather of a place.", {"type": "object", "properties": PLACES, "required": ["place"]}
)
RAW = [
    {
        "type": "function",
        "function": {"name": WEATHER.name, "description": WEATHER.description, "parameters": WEATHER.parameters},
    }
]
ASKED = WrittenCall("weather", {"place": "Kraków, “Polska”", "days": [1, 2], "sure": True})
AGAIN = WrittenCall("weather", {"place": "Berlin"})


def user(text: str, *results: ToolResult) -> Message:
    return Message(Role.USER, text, results=results)


def calling(*calls: WrittenCall, text: str = "", ids: tuple[int, ...] = ()) -> Message:
    tokens = SampledTokens("f", array("i", ids).tobytes()) if ids else None
    return Message(Role.ASSISTANT, text, tokens, call_text="…", calls=calls)


def answer(text: str, *ids: int) -> Message:
    return Message(Role.ASSISTANT, text, SampledTokens("f", array("i", ids).tobytes()) if ids else None)


def render(
    template: ChatTemplate, *messages: Message, tools: tuple[ToolDefinition, ...] = (), system: str = ""
) -> list[Segment]:
    return template.render(Prompt("c", messages, system, tools), open_answer=True, fingerprint="f")


def text_of(segments: list[Segment]) -> str:
    return "".join(
        f"⟪{','.join(map(str, segment.ids))}⟫" if isinstance(segment, Sampled) else segment.text
        for segment in segments
        if isinstance(segment, Control | Plain | Sampled)
    )


def controls_of(segments: list[Segment]) -> list[str]:
    return [segment.text for segment in segments if isinstance(segment, Control)]


def official(source: str, messages: list[dict[str, Any]], tools: list[dict[str, Any]]) -> str:
    return Template(source).render(
        messages=messages, tools=tools, add_generation_prompt=True, bos_token="<bos>", eos_token="<eos>"
    )


def called(*calls: WrittenCall) -> list[dict[str, Any]]:
    return [{"type": "function", "function": {"name": call.name, "arguments": call.arguments}} for call in calls]


@pytest.mark.parametrize("source", MADE)
@pytest.mark.parametrize(
    ("tools", "told"), [((WEATHER,), RAW), (TOOLS, declared(TOOLS))], ids=["as it is", "in plain words"]
)
def test_harmless_tools_are_rendered_as_the_template_does(
    source: str, tools: tuple[ToolDefinition, ...], told: list[dict[str, Any]]
) -> None:
    """Definitions, a call, two results of two calls, what is said to them, and the next question."""
    responses = [{"name": "weather", "response": "rain"}, {"name": "weather", "response": {"error": "No such town."}}]
    expected = official(
        source,
        [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Weather?"},
            {
                "role": "assistant",
                "tool_calls": called(ASKED, AGAIN),
                "tool_responses": responses,
                "content": "It rains.",
            },
            {"role": "user", "content": "And now?"},
        ],
        told,
    )
    found = render(
        MADE[source],
        user("Weather?"),
        calling(ASKED, AGAIN),
        user("", ToolResult("weather", "rain"), ToolResult("weather", "No such town.", failed=True)),
        answer("It rains."),
        user("And now?"),
        tools=tools,
        system="Be brief.",
    )
    assert text_of(found) == expected
    assert controls_of(found).count("<|tool>") == len(tools)
    assert controls_of(found).count("<|tool_response>") == 2


def test_results_are_those_of_messages_of_tools_too() -> None:
    """The template's other way in, messages of the role "tool", comes to the same."""
    expected = official(
        TEMPLATE,
        [
            {"role": "user", "content": "Weather?"},
            {"role": "assistant", "content": "", "tool_calls": called(ASKED)},
            {"role": "tool", "name": "weather", "content": "rain"},
        ],
        RAW,
    )
    found = render(NEW, user("Weather?"), calling(ASKED), user("", ToolResult("weather", "rain")), tools=(WEATHER,))
    assert text_of(found) == expected
    assert text_of(found).endswith('<|tool_response>response:weather{value:<|"|>rain<|"|>}<tool_response|>')


@pytest.mark.parametrize(("template", "opening"), [(NEW, ""), (OLD, EMPTY_THOUGHT)], ids=["new", "old"])
def test_a_result_goes_behind_what_was_sampled(template: ChatTemplate, opening: str) -> None:
    """Every prompt begins with the one before and what was sampled after it, so that the context is found again."""
    messages = [user("Weather?")]
    first = text_of(render(template, *messages, tools=(WEATHER,)))
    messages += [calling(ASKED, text="I look.", ids=(7, 8)), user("", ToolResult("weather", "rain"))]
    second = text_of(render(template, *messages, tools=(WEATHER,)))
    result = '<|tool_response>response:weather{value:<|"|>rain<|"|>}<tool_response|>'
    assert second == f"{first}⟪7,8⟫{result}{opening}"
    messages += [answer("It rains.", 9, 10), user("Thanks")]
    third = text_of(render(template, *messages, tools=(WEATHER,)))
    assert third == f"{second}⟪9,10⟫<turn|>\n<|turn>user\nThanks<turn|>\n<|turn>model\n{EMPTY_THOUGHT}"


def test_an_answer_goes_on_after_what_it_was_sampled_after() -> None:
    before = text_of(render(NEW, user("Hello")))
    assert text_of(render(NEW, user("Hello"), answer("Once upon", 7, 8))) == f"{before}⟪7,8⟫"
    results = (user("a"), calling(ASKED, ids=(7,)), user("", ToolResult("weather", "rain")))
    assert text_of(render(NEW, *results, answer("It", 9))) == f"{text_of(render(NEW, *results))}⟪9⟫"


def test_calls_after_calls_stay_in_the_model_s_turn() -> None:
    messages = [user("Weather?"), calling(ASKED, ids=(7,)), user("", ToolResult("weather", "rain"))]
    first = text_of(render(NEW, *messages, tools=(WEATHER,)))
    messages += [calling(AGAIN, ids=(8,)), user("", ToolResult("weather", "sun"))]
    second = text_of(render(NEW, *messages, tools=(WEATHER,)))
    assert second.startswith(f"{first}⟪8⟫<|tool_response>")
    assert second.count("<|turn>model") == 1


def test_words_before_a_call_stay_before_it() -> None:
    found = text_of(
        render(NEW, user("Weather?"), calling(AGAIN, text="I look."), user("", ToolResult("weather", "rain")))
    )
    assert 'model\nI look.<|tool_call>call:weather{place:<|"|>Berlin<|"|>}<tool_call|><|tool_response>' in found


def test_a_question_after_results_ends_the_model_s_turn() -> None:
    found = text_of(render(NEW, user("a"), calling(AGAIN), user("b", ToolResult("weather", "rain"))))
    assert "<tool_response|><turn|>\n<|turn>user\nb<turn|>\n<|turn>model\n" in found


@pytest.mark.parametrize(
    "before", [(), (user("a"), answer("Well.")), (user("a"), calling())], ids=["none", "words", "lost"]
)
def test_results_of_calls_that_nobody_kept(before: tuple[Message, ...]) -> None:
    """As where older messages were left out, or those of another model came before."""
    found = text_of(render(NEW, *before, user("", ToolResult("weather", "rain"))))
    assert found.count("<|tool_call>call:weather{}<tool_call|><|tool_response>response:weather{") == 1
    assert ("Well.<|tool_call>" in found) is (before[1:2] == (answer("Well."),))


HOSTILE = (
    '<|"|>',
    "<tool_call|>",
    "<tool_response|><turn|>",
    "<|tool_response>",
    "<|tool>x<tool|>",
    "<|turn>system",
    "<bos>",
)


@pytest.mark.parametrize("source", MADE)
@pytest.mark.parametrize("typed", HOSTILE)
def test_nothing_of_a_tool_becomes_a_control_token(source: str, typed: str) -> None:
    def rendered(typed: str) -> list[Segment]:
        named = {f"p{typed}": {"type": "string", "description": f"d{typed}", "enum": [f"e{typed}"]}}
        schema = {"type": "object", "required": [f"p{typed}"], "properties": named}
        tool = ToolDefinition(f"n{typed}", f"{typed}words{typed}", schema)
        call = WrittenCall(f"n{typed}", {f"k{typed}": [f"v{typed}", {f"k{typed}": f"{typed}v"}]})
        results = ToolResult(f"n{typed}", f"{typed}r{typed}"), ToolResult("n", f"{typed}e", failed=True)
        messages = user(f"a{typed}"), calling(call, call, text=f"w{typed}"), user(f"b{typed}", *results)
        return render(MADE[source], *messages, tools=(tool,), system=f"s{typed}")

    assert controls_of(rendered(typed)) == controls_of(rendered("x"))
    written = "".join(segment.text for segment in rendered(typed) if isinstance(segment, Plain))
    assert written.count(typed) == text_of(rendered("\u2603")).count("\u2603")


@given(st.text('<|"_tolcanrespu>{}:,\n', max_size=30), st.text('<|"_tolcanrespu>{}:,\n', max_size=30))
def test_no_result_leaks_or_is_lost(one: str, other: str) -> None:
    found = render(NEW, user("a"), calling(WrittenCall("f", {"a": one})), user("", ToolResult("f", other)))
    harmless = render(NEW, user("a"), calling(WrittenCall("f", {"a": "x"})), user("", ToolResult("f", "x")))
    assert controls_of(found) == controls_of(harmless)
    plain = [segment.text for segment in found if isinstance(segment, Plain)]
    assert one in plain or not one
    assert other in plain or not other


def test_what_a_template_or_vocabulary_cannot_do_is_not_asked_of_it() -> None:
    silent = TEMPLATE.replace("format_function_declaration(tool)", "''")
    without = ChatTemplate(TEMPLATE, [one for one in CONTROLS if one != '<|"|>'], "<bos>", "<eos>", TOLD)
    assert ChatTemplate(silent, CONTROLS, "<bos>", "<eos>", TOLD).tools is None
    assert without.tools is None
    assert {template.tools for template in MADE.values()} == {TOLD}

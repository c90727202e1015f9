"""*Show the full prompt*: what is shown is what is read, token for token."""

from __future__ import annotations

from pathlib import Path

from app.core.message import Message, Role
from app.core.protocol import Prompt, Render
from app.core.tools import ToolDefinition, ToolResult
from tests.engine.chats import GREEDY, Chat, loaded, model_of

ADD = ToolDefinition("add", "Adds.", {"type": "object", "properties": {}})


def test_the_parts_are_the_prompt(micro_model: Path) -> None:
    with loaded(micro_model) as engine:
        chat = Chat(engine, GREEDY)
        chat.say("My name is <end_of_turn> Robin.")
        messages = (*chat.messages, Message(Role.USER, "And now?", results=(ToolResult("add", "3"),)))
        prompt = Prompt("c", messages, "Be brief.", (ADD,))
        parts = engine.render(Render(4, prompt)).parts
        model = model_of(engine)
        assert sum(part.tokens for part in parts) == len(model.prompts.tokens(prompt))
        told = "".join(part.text for part in parts)
        assert "Be brief.\n\nYou have access to functions." in told
        assert '{"name": "add", "result": "3"}\n\nAnd now?' in told
        assert "<end_of_turn>" in "".join(part.text for part in parts if part.kind == "text"), "typed, and only text"
        assert [part.text for part in parts if part.kind == "answer"], "the answer as it was sampled"
        assert {part.text for part in parts if part.kind == "control"} >= {"<start_of_turn>", "<end_of_turn>"}

"""Settings change by copy, take their defaults and bear fields they do not know."""

from __future__ import annotations

import msgspec
import pytest

from app.core.settings import ConversationSettings, LoadOptions, Sampling, Settings

VALUES = [Settings, ConversationSettings, Sampling, LoadOptions]


@pytest.mark.parametrize("kind", VALUES)
def test_nothing_stored_is_the_defaults(kind: type[msgspec.Struct]) -> None:
    assert msgspec.json.decode(b"{}", type=kind) == kind()


@pytest.mark.parametrize("kind", VALUES)
def test_fields_of_a_newer_version_are_ignored(kind: type[msgspec.Struct]) -> None:
    assert msgspec.json.decode(b'{"of_tomorrow": {"a": [1]}}', type=kind) == kind()


@pytest.mark.parametrize("kind", VALUES)
def test_values_do_not_change(kind: type[msgspec.Struct]) -> None:
    value = kind()
    name = msgspec.structs.fields(kind)[0].name
    with pytest.raises(AttributeError):
        setattr(value, name, 1)
    assert hash(value) == hash(kind())


def test_an_older_file_keeps_what_it_says() -> None:
    stored = b'{"version": 1, "theme": "dark", "load": {"context": 4096}, "sampling": {"seed": 7}}'
    read = msgspec.json.decode(stored, type=Settings)
    assert read == Settings(theme="dark", load=LoadOptions(context=4096), sampling=Sampling(seed=7))


def test_settings_come_back_as_they_were() -> None:
    settings = Settings(
        model_path="/models/gem.gguf",
        load=LoadOptions(context=512, batch=64, threads=2, gpu_layers=0, kv_type="q8_0", flash_attention="on"),
        sampling=Sampling(0.0, 1, 0.5, 0.1, 1.1, 3, 9),
        system_prompt="Be brief.",
        stamp_date=True,
        theme="contrast",
        text_scale=1.5,
        demo_notice_closed=True,
    )
    assert msgspec.json.decode(msgspec.json.encode(settings), type=Settings) == settings


def test_a_conversation_follows_the_program_until_it_says_otherwise() -> None:
    assert ConversationSettings().system_prompt is None
    assert ConversationSettings().sampling is None
    kept = ConversationSettings(system_prompt="")
    assert msgspec.json.decode(msgspec.json.encode(kept), type=ConversationSettings).system_prompt == ""


def test_the_recommended_value_and_none_at_all_are_different() -> None:
    """Temperature 0 is greedy; left out, it is the family's."""
    stored = msgspec.json.encode(Sampling(temperature=0.0))
    assert msgspec.json.decode(stored, type=Sampling).temperature == 0.0
    assert Sampling().temperature is None

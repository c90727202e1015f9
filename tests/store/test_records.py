"""Values in and out of the database."""

from __future__ import annotations

import re

from app.core.settings import ConversationSettings, LoadOptions, Sampling, Settings
from app.core.tools import Rule, Verdict
from app.store.records import new_id, pack, unpack
from app.store.store import Store


def test_settings_come_back_as_they_were(store: Store) -> None:
    settings = Settings(
        model_path="/models/gem.gguf", load=LoadOptions(context=512), sampling=Sampling(seed=3), theme="dark"
    )
    store.save_settings(settings)
    assert store.settings() == settings


def test_a_path_of_odd_bytes_comes_back(store: Store) -> None:
    settings = Settings(model_path="/models/g\udce9m.gguf")
    store.save_settings(settings)
    assert store.settings() == settings


def test_damaged_settings_take_their_defaults() -> None:
    assert unpack("not json", Settings) == Settings()
    assert unpack("[1]", Settings) == Settings()
    assert unpack("", Settings) == Settings()


def test_one_damaged_field_does_not_cost_the_others() -> None:
    stored = '{"theme": "dark", "text_scale": "large", "load": {"context": "many"}, "model_path": "/a", "new": 1}'
    assert unpack(stored, Settings) == Settings(theme="dark", model_path="/a")


def test_a_damaged_rule_takes_no_other_along() -> None:
    stored = '{"tool_rules": [{"tool": "a", "verdict": "deny"}, {"tool": 7}, "x", {"tool": "b", "verdict": "allow"}]}'
    rules = (Rule("a", verdict=Verdict.DENY), Rule("b", verdict=Verdict.ALLOW))
    assert unpack(stored, Settings) == Settings(tool_rules=rules)


def test_what_is_packed_is_read_again() -> None:
    settings = ConversationSettings(system_prompt="Be brief.", sampling=Sampling(temperature=0.0))
    assert unpack(pack(settings), ConversationSettings) == settings


def test_ids_are_short_and_do_not_meet() -> None:
    ids = {new_id() for _ in range(10_000)}
    assert len(ids) == 10_000
    assert all(re.fullmatch("[a-z2-7]{12}", one) for one in ids)

"""Numbers as the window writes them."""

from __future__ import annotations

import pytest

from app.ui import figures


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0"), (1, "0.1k"), (93, "0.1k"), (912, "0.9k"), (6180, "6.2k"), (26_100, "26.1k"), (131_072, "131k")],
)
def test_tokens_in_thousands(count: int, text: str) -> None:
    assert figures.tokens_short(count) == text


@pytest.mark.parametrize(
    ("cells", "text"), [(512, "512"), (1024, "1k"), (1536, "1.5k"), (8192, "8k"), (12_288, "12k"), (131_072, "128k")]
)
def test_contexts_count_a_k_as_1024(cells: int, text: str) -> None:
    assert figures.context_short(cells) == text


def test_turns_are_a_question_with_its_answer() -> None:
    assert [figures.turns(messages) for messages in (0, 1, 2, 3, 12)] == [0, 1, 1, 2, 6]
    assert figures.count(1, "turn", "turns") == "1 turn"
    assert figures.count(6, "turn", "turns") == "6 turns"

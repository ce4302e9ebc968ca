"""Clauses as people type them."""

import pytest

from handlers.understanding.clauses import clauses_of, trim
from handlers.understanding.mentions import Sentence


def test_punctuation_spaces_and_connectives_cut():
    sentence = Sentence("打了电话，没人接 然后发了微信。3.5寸")
    sentence.build()
    assert [clause.text for clause in clauses_of(sentence)] == ["打了电话", "没人接", "发了微信", "3.5寸"]


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("，再约他谈合同。", "约他谈合同"),
        ("记得寄样品吧", "寄样品"),
        ("要求降价", "要求降价"),
        ("然后要去看看、", "去看看"),
        ("再次确认", "再次确认"),
    ],
)
def test_edges_are_trimmed(said, kept):
    assert trim(said) == kept

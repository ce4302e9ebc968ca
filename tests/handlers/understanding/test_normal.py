"""Width, case and slips are mended without moving a character."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.understanding.normal import normalise


@given(st.text())
@settings(deadline=None)
def test_length_never_changes(text):
    assert len(normalise(text)) == len(text)


@pytest.mark.parametrize(
    ("said", "plain"),
    [
        ("１６：３０", "16:30"),
        ("ＣＲＭ", "crm"),
        ("勾通", "沟通"),
        ("以经", "已经"),
        ("代办", "待办"),
        ("微心", "微信"),
        ("\ue001张伟", " 张伟"),
        ("a\u200bb", "a b"),
    ],
)
def test_one_spelling(said, plain):
    assert normalise(said) == plain

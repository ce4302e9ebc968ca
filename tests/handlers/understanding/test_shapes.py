"""Short commands about what the bot has shown; anything longer is left to the understanding."""

import pytest

from handlers.understanding.shapes import read_shape


@pytest.mark.parametrize(
    ("words", "intent", "slots"),
    [
        ("批准群发#1", "approve_broadcast", {"ref": "1"}),
        ("确认 群发 ＃12", "approve_broadcast", {"ref": "12"}),
        ("发送群发1吧", "approve_broadcast", {"ref": "1"}),
        ("群发#3批准", "approve_broadcast", {"ref": "3"}),
        ("批准祝福#2", "approve_broadcast", {"plan": "2"}),
        ("取消第二条提醒", "cancel_reminder", {"ref": "2"}),
        ("取消提醒", "cancel_reminder", {}),
        ("删掉提醒3", "cancel_reminder", {"ref": "3"}),
        ("下一页", "next_page", {}),
        ("还有吗？", "next_page", {}),
    ],
)
def test_short_commands_are_read(words: str, intent: str, slots: dict[str, object]) -> None:
    shape = read_shape(words)
    assert shape is not None
    assert (shape.intent, shape.slots) == (intent, slots)


@pytest.mark.parametrize(
    "words", ["", "批准", "取消", "群发#1发得咋样了", "取消群发#1", "明天10点群发新品通知", "更多客户有哪些"]
)
def test_other_sentences_are_none(words: str) -> None:
    assert read_shape(words) is None

"""What the platforms remember."""

from bot.simulator.clock import SimClock
from bot.simulator.records import Records, as_json


def fill(records: Records) -> Records:
    records.wrote("wechat_oa", "oA", "text", "你好", "1", {})
    for person, text in (("oA", "欢迎"), ("oA", "欢迎"), ("oB", "欢迎")):
        records.delivered("wechat_oa", person, "custom", "text", text, "2", {"touser": person})
    records.shown("wechat_oa", "oA", "暂时无法提供服务")
    return records


def test_chats_are_kept_and_followed_by_cursor():
    records = fill(Records(SimClock(lambda: 1.0)))
    assert [entry.direction for entry in records.chat("wechat_oa", "oA")] == ["in", "out", "out", "system"]
    assert [entry.text for entry in records.received("wechat_oa", "oB")] == ["欢迎"]
    assert records.cursor == 5
    assert [entry.cursor for entry in records.chat(since=3)] == [4, 5]
    assert [entry.cursor for entry in records.chat("wechat_oa", "oA", since=3)] == [5]
    assert records.chat("dingtalk") == []
    assert as_json(records.chat()[0])["text"] == "你好"


def test_doubles_are_found():
    records = fill(Records(SimClock(lambda: 1.0)))
    assert records.find_doubles("wechat_oa") == {"oA": 2}
    assert records.find_doubles("wechat_oa", "mass") == {}
    assert records.count_received("wechat_oa") == 3


def test_counting_only_keeps_numbers_alone():
    records = fill(Records(SimClock(lambda: 1.0), counting_only=True))
    records.called("POST", "/x", {}, b"{}")
    assert records.chat() == []
    assert records.calls() == []
    assert records.count_calls("/x") == 1
    assert (records.count_received("wechat_oa", "oA"), records.count_received("wechat_oa", "oZ")) == (2, 0)
    assert records.find_doubles("wechat_oa") == {"oA": 2}


def test_calls_are_listed_by_path_and_the_oldest_fall_out():
    records = Records(SimClock(lambda: 1.0), calls_kept=2)
    for number in range(3):
        records.called("POST", f"/{number}", {"q": "1"}, b'{"n":1}' if number else b"none", "slow")
    assert [call.path for call in records.calls()] == ["/1", "/2"]
    assert records.calls("/2")[0].json == {"n": 1}
    assert records.calls(since=2)[0].fault == "slow"


def test_a_body_that_is_no_json_reads_as_none():
    records = Records(SimClock(lambda: 1.0))
    records.called("POST", "/x", {}, b"none")
    assert records.calls()[0].json is None


def test_complaints_are_kept():
    records = Records(SimClock(lambda: 1.0))
    records.complain("/x", "wrong")
    assert [(row.where, row.what) for row in records.complaints] == [("/x", "wrong")]

"""Cards: the rules for their data, and what people see."""

import pytest

from bot.simulator.calls import Refused
from bot.simulator.dingtalk import cards
from bot.simulator.dingtalk.cards import Card


@pytest.fixture
def card():
    return Card("track-1", "tpl", {"title": "报价审批", "status": "待审批"}, {"s1": {"mine": "1"}})


def test_everybody_sees_the_public_part_and_their_own(card):
    assert card.shown_to("s1") == {"title": "报价审批", "status": "待审批", "mine": "1"}
    assert card.shown_to("s2") == {"title": "报价审批", "status": "待审批"}


def test_a_change_overwrites_everything_unless_told_otherwise(card):
    card.change({"status": "已通过"}, {"s1": {"other": "2"}}, {"updateCardDataByKey": True, "updatePrivateDataByKey": True})
    assert card.shown_to("s1") == {"title": "报价审批", "status": "已通过", "mine": "1", "other": "2"}
    card.change({"status": "完"}, {"s1": {"other": "3"}}, {})
    assert card.shown_to("s1") == {"status": "完", "other": "3"}
    card.change(None, {}, {})
    assert (card.shown_to("s2"), card.update_count) == ({"status": "完"}, 3)


def piece(number: int, content: str, **more: object) -> dict:
    return {"guid": f"g{number}", "key": "content", "content": content} | more


def test_a_text_grows_and_is_finished(card):
    card.stream(piece(1, "正在"))
    card.stream(piece(2, "查询"))
    card.stream(piece(2, "查询"))
    assert card.shown_to("s2")["content"] == "正在查询"
    card.stream(piece(3, "# 结果", isFull=True, isFinalize=True))
    assert (card.shown_to("s2")["content"], card.is_finished, card.is_failed) == ("# 结果", True, False)
    with pytest.raises(Refused, match="finalized"):
        card.stream(piece(4, "x"))
    card.stream(piece(3, "again"))
    assert card.text.endswith("# 结果")
    card.change({"content": "盖过"}, {}, {"updateCardDataByKey": True})
    assert card.shown_to("s2")["content"] == "盖过"


def test_an_error_ends_a_text(card):
    card.stream(piece(1, "出错了", isError=True))
    assert (card.is_finished, card.is_failed) == (True, True)


@pytest.mark.parametrize(
    "pieces",
    [
        [piece(1, "长" * 342)],
        [piece(number, "x" * 1024) for number in range(4)],
        [piece(1, "x", guid="")],
        [piece(1, "x", key=None)],
        [{"guid": "g", "key": "k", "content": 5}],
    ],
)
def test_refused_pieces(card, pieces):
    with pytest.raises(Refused, match="invalidParameter"):
        for one in pieces:
            card.stream(one)


WRONG_MAPS = [[], {"n": 5}, {"n": None}, {"n": {}}, {"k" * 101: "x"}, {"k": "长" * 342}]


@pytest.mark.parametrize("data", [None, {}, *({"cardParamMap": params} for params in WRONG_MAPS)])
def test_data_are_short_texts(data):
    with pytest.raises(Refused, match=r"invalidParameter\.cardData"):
        cards.read_params(data)
    assert cards.read_params({"cardParamMap": {"k" * 100: "x" * 1024}})


@pytest.mark.parametrize("data", [[], {"s1": {"cardParamMap": {"n": 1}}}, {"s1": "x"}])
def test_private_data_belong_to_people(data):
    with pytest.raises(Refused, match="privateData"):
        cards.read_private(data)
    assert cards.read_private({"s1": {"cardParamMap": {"n": "1"}}}) == {"s1": {"n": "1"}}
    assert cards.read_private(None) == {}


@pytest.mark.parametrize("data", [[], "x", {"updateCardDataByKey": "true"}])
def test_options_are_yes_or_no(data):
    with pytest.raises(Refused, match="cardUpdateOptions"):
        cards.read_options(data)
    assert cards.read_options(None) == {}


@pytest.mark.parametrize(
    ("raw", "spaces"),
    [
        ("dtv1.card//IM_GROUP.cid1==", [("IM_GROUP", "cid1==")]),
        ("dtv1.card//im_robot.s1", [("IM_ROBOT", "s1")]),
        ("dtv1.card//im_robot.s1;im_group.cid.1", [("IM_ROBOT", "s1"), ("IM_GROUP", "cid.1")]),
        ("dtv1.card//IM_ROBOT.s1;dtv1.card//IM_ROBOT.s2", [("IM_ROBOT", "s1"), ("IM_ROBOT", "s2")]),
        ("IM_GROUP.cid1", None),
        ("dtv1.card//IM_GROUP", None),
        ("dtv1.card//IM_GROUP.", None),
        ("dtv1.card//MOON.x", None),
        ("", None),
        (None, None),
    ],
)
def test_spaces(raw, spaces):
    if spaces is None:
        with pytest.raises(Refused, match="openSpaceId"):
            cards.read_spaces(raw)
    else:
        assert cards.read_spaces(raw) == spaces

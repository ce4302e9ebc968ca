"""What the phones suggest, along the tour."""

from dataclasses import replace

import pytest

from bot.demo.suggestions import Situation, chips, steps

START = Situation()
FOLLOWED = replace(START, follows=True, lead="微信访客7")
CLAIMED = replace(FOLLOWED, owner="王磊", wrote=True)
LOGGED = replace(CLAIMED, followed_up=True)
SET = replace(LOGGED, reminder_at="今天 15:04", reminder_soon=True)
LATER = replace(LOGGED, reminder_at="12月1日（周二）15:00")
REMINDED = replace(SET, reminded=True)
GREETED = replace(REMINDED, greeted=True)
TOUR = [START, FOLLOWED, CLAIMED, LOGGED, REMINDED, GREETED]


@pytest.mark.parametrize(("done", "now"), list(enumerate(TOUR)))
def test_each_step_ticks_itself_off(done: int, now: Situation) -> None:
    assert [step.done for step in steps(now)] == [True] * done + [False] * (5 - done)


@pytest.mark.parametrize(
    ("now", "phone", "words"),
    [
        (START, "customer", "展会"),
        (FOLLOWED, "hl-wang", "领取 微信访客7"),
        (CLAIMED, "hl-wang", "刚和微信访客7通了电话，想要20台网关，预算15万，下周三下午三点再联系"),
        (LOGGED, "hl-wang", "一分钟后提醒我给微信访客7发报价"),
        (SET, "hl-lin", ""),
        (LATER, "hl-wang", "一分钟后提醒我给微信访客7发报价"),
        (REMINDED, "hl-lin", ""),
    ],
)
def test_the_leading_suggestion_is_that_of_the_open_step(now: Situation, phone: str, words: str) -> None:
    main = [chip for chip in chips(now)[phone] if chip.main]
    assert [chip.text for chip in main] == [words]


@pytest.mark.parametrize("now", [*TOUR, SET, LATER, replace(GREETED, opted_out=True), replace(LOGGED, listed=True)])
def test_every_phone_always_suggests_a_few_things(now: Situation) -> None:
    for found in chips(now).values():
        assert 2 <= len(found) <= 5
        assert len({chip.label for chip in found}) == len(found)


def test_numbers_are_offered_only_after_a_list() -> None:
    def labels(now: Situation) -> set[str]:
        return {chip.label for chip in chips(now)["hl-wang"]}

    assert "第1条完成了" not in labels(REMINDED)
    assert "第1条完成了" in labels(replace(REMINDED, listed=True))


def test_a_quick_reminder_is_offered_until_one_has_rung() -> None:
    offered = "一分钟后提醒我给微信访客7发报价"
    assert [offered in [chip.text for chip in chips(now)["hl-wang"]] for now in (LOGGED, SET, LATER, REMINDED)] == [
        True,
        False,
        True,
        False,
    ]


def test_an_open_question_is_answered_with_one_tap() -> None:
    asked = replace(REMINDED, asked=frozenset({"hl-lin"}))
    assert [chip.text for chip in chips(asked)["hl-lin"]] == ["是", "否", "取消"]


@pytest.mark.parametrize(
    ("now", "said", "unsaid"),
    [
        (LOGGED, "一分钟后提醒我", "已设"),
        (SET, "今天 15:04会响", "才响"),
        (LATER, "12月1日（周二）15:00才响", "一分钟内"),
    ],
)
def test_the_hint_says_when_the_next_reminder_rings(now: Situation, said: str, unsaid: str) -> None:
    hint = next(step.hint for step in steps(now) if step.key == "remind")
    assert said in hint
    assert unsaid not in hint

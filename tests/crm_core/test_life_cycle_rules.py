"""The rules of life: states, silence, warnings, and settings that cannot be."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from crm_core.life_cycle_rules import Facts, GradeDays, LifeCycle, LifeCycleSettings, judge, life_cycle_label, named

NOW = datetime(2026, 11, 23, tzinfo=UTC)
SETTINGS = LifeCycleSettings(grades=(GradeDays("A", 30, 200),))
FRESH = Facts(LifeCycle.TARGET, None, NOW - timedelta(days=1))


def quiet(days: int, **values: object) -> Facts:
    return replace(FRESH, created_at=NOW - timedelta(days=900), active_at=NOW - timedelta(days=days), **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("facts", "state", "warn"),
    [
        (FRESH, "target", False),
        (quiet(1), "potential", False),
        (quiet(1, open_deals=1), "opportunity", False),
        (quiet(1, purchases=1), "user", False),
        (quiet(1, purchases=3, recent_purchases=3), "loyal", False),
        (quiet(75), "potential", False),
        (quiet(76), "potential", True),
        (quiet(89, purchases=1), "user", True),
        (quiet(90), "dormant", False),
        (quiet(350), "dormant", False),
        (quiet(351), "dormant", True),
        (quiet(365), "lost", False),
        (quiet(31, grade="A"), "dormant", False),
        (quiet(200, grade="A"), "lost", False),
    ],
)
def test_states_and_warnings(facts: Facts, state: str, warn: bool) -> None:
    judged = judge(SETTINGS, facts, NOW)
    assert (judged.state, judged.warn) == (state, warn)
    assert judged.due_at > NOW


def test_by_hand_holds_until_something_happens() -> None:
    held = quiet(10, state=LifeCycle.LOST, since=NOW - timedelta(days=5), by_hand=True, status="lost")
    assert judge(SETTINGS, held, NOW).state == "lost"
    moved = replace(held, active_at=NOW - timedelta(days=1))
    assert judge(SETTINGS, moved, NOW).state == "potential"
    assert "重新有了往来" in judge(SETTINGS, moved, NOW).reason


def test_looking_again_at_the_due_time_changes_something() -> None:
    facts = quiet(1)
    judged = judge(SETTINGS, facts, NOW)
    assert judge(SETTINGS, facts, max(judged.due_at, NOW + timedelta(days=75))).warn


def test_settings_and_words() -> None:
    assert SETTINGS.problems() == []
    wrong = LifeCycleSettings(dormant_days=10, lost_days=5, warn_days=20, loyal_days=0)
    assert {key for key, _ in wrong.problems()} == {"dormant_days", "warn_days", "loyal_days"}
    assert (named("休眠"), named("lost"), named("死了")) == (LifeCycle.DORMANT, LifeCycle.LOST, None)


def test_every_state_has_its_word() -> None:
    assert [life_cycle_label(each.value) for each in LifeCycle] == ["目标", "潜在", "机会", "用户", "忠诚", "休眠", "流失"]
    assert life_cycle_label("") == ""

"""Hours of the day."""

import pytest

from handlers.understanding.clocks import find_clocks


@pytest.mark.parametrize(
    ("said", "clock"),
    [
        ("下午3点", (0, 15, 0)),
        ("晚上8点半", (0, 20, 30)),
        ("15:30", (0, 15, 30)),
        ("3:30", (0, 15, 30)),
        ("03:30", (0, 3, 30)),
        ("三点一刻", (0, 15, 15)),
        ("六点", (0, 18, 0)),
        ("七点", (0, 7, 0)),
        ("十二点", (0, 12, 0)),
        ("凌晨两点", (0, 2, 0)),
        ("凌晨12点", (0, 0, 0)),
        ("晚上12点", (1, 0, 0)),
        ("24点", (1, 0, 0)),
        ("0点", (0, 0, 0)),
        ("中午", (0, 12, 0)),
        ("中午1点", (0, 13, 0)),
        ("傍晚", (0, 18, 0)),
        ("9am", (0, 9, 0)),
        ("3pm", (0, 15, 0)),
        ("三点二十", (0, 15, 20)),
        ("十点零五分", (0, 10, 5)),
        ("差一刻三点", (0, 14, 45)),
        ("15时30分", (0, 15, 30)),
        ("早上六点", (0, 6, 0)),
        ("三点钟", (0, 15, 0)),
    ],
)
def test_hours(said, clock):
    found = max(find_clocks(said), key=lambda when: when.end - when.start)
    assert (found.start, found.end, found.clock, found.impossible) == (0, len(said), clock, False)


@pytest.mark.parametrize("said", ["25点", "15:75", "三点五"])
def test_hours_that_do_not_exist(said):
    assert all(found.impossible for found in find_clocks(said))


@pytest.mark.parametrize("said", ["两点意见", "快一点", "三点要求"])
def test_hours_that_need_a_day_beside_them(said):
    assert all(found.doubtful for found in find_clocks(said))

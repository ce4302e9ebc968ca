"""Stages by their names."""

import pytest

from handlers.understanding.stages import find_stage


@pytest.mark.parametrize(
    ("said", "stage"),
    [
        ("初步接触阶段", "initial"),
        ("需求确认了", "qualified"),
        ("已经立项", "qualified"),
        ("进到方案报价阶段", "proposal"),
        ("报价阶段", "proposal"),
        ("商务谈判", "negotiation"),
        ("在议价", "negotiation"),
        ("走合同流程", "contract"),
        ("签约阶段", "contract"),
        ("赢单了", "won"),
        ("成交了", "won"),
        ("丢单了", "lost"),
        ("报价单发了", None),
        ("带合同过去", None),
        ("对手报价低", None),
        ("成交价两万", None),
        ("还没成交", None),
    ],
)
def test_stage_in_a_telling(said, stage):
    assert find_stage(said) == stage


@pytest.mark.parametrize(
    ("said", "stage"),
    [("推进到报价", "proposal"), ("改成走合同", "contract"), ("到合同了", "contract"), ("进入谈判", "negotiation")],
)
def test_stage_in_a_command(said, stage):
    assert find_stage(said, loose=True) == stage

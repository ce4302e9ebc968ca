"""Postponing, finishing and listing tasks."""

import pytest


@pytest.mark.parametrize(
    ("said", "intent"),
    [
        ("第2条搞定了", "complete_task"),
        ("#1024 done了", "complete_task"),
        ("待办里张伟那条完成了", "complete_task"),
        ("把2号任务勾掉", "complete_task"),
        ("第3条推到明天2点", "snooze_task"),
        ("张伟那个任务先放放 下月初再说", "snooze_task"),
        ("#12延后两小时", "snooze_task"),
        ("今天要干啥", "list_tasks"),
        ("我的待办", "list_tasks"),
        ("还有哪些逾期的代办", "list_tasks"),
        ("明天有什么安排", "list_tasks"),
        ("这周要跟进谁", "list_tasks"),
        ("todo", "list_tasks"),
    ],
)
def test_tasks(said, intent, understand):
    assert understand(said).intent == intent


@pytest.mark.parametrize("said", ["恒信集团的商机推进到商务谈判", "群发#9不要发了", "第3条没搞定", "张伟那单搞定了"])
def test_what_is_about_something_else(said, understand):
    assert understand(said).intent not in {"complete_task", "snooze_task", "list_tasks"}

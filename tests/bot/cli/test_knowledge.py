"""`guanxi knowledge`."""

from pathlib import Path

from tests.bot.cli.conftest import Run


def test_articles_are_added_asked_and_ended(guanxi: Run, folder: Path) -> None:
    assert guanxi("knowledge", "ask", "网关保修多久", status=1).last == "没有"
    number = guanxi("knowledge", "add", "网关保修期", "两年", "--source", "手册").last
    assert guanxi("knowledge", "ask", "网关保修多久").last == "网关保修期：两年（手册）"
    assert guanxi("knowledge", "list").last == f"{number}\t网关保修期\t手册"
    assert "标题" in guanxi("knowledge", "add", " ", "两年", status=2).stderr
    assert guanxi("knowledge", "end", number).last == "网关保修期"
    guanxi("knowledge", "ask", "网关保修多久", status=1)

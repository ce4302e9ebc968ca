"""`guanxi department`."""

from pathlib import Path

from bot.cli.departments import KindName
from crm_core.distribution_rules import KIND_LABELS
from tests.bot.cli.conftest import Run


def test_the_kinds_are_those_of_the_core() -> None:
    assert [kind.value for kind in KindName] == list(KIND_LABELS)


def test_units_are_made_moved_listed_and_closed(guanxi: Run, folder: Path) -> None:
    head = guanxi("department", "add", "总部", "--kind", "headquarters").last
    shop = guanxi("department", "add", "上海店", "--kind", "shop", "--parent", head).last
    assert guanxi("department", "list").stdout.splitlines()[-2:] == ["1\t总部\theadquarters", "2\t  上海店\tshop"]
    assert guanxi("department", "change", shop, "--name", "浦东店", "--parent", "0").last == "浦东店"
    assert "已有单位" in guanxi("department", "change", shop, "--name", "总部", status=1).stderr
    assert guanxi("department", "close", shop).last == "浦东店"
    assert "浦东店" not in guanxi("department", "list").stdout

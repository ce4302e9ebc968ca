"""The house of the sample: who works at 恒联工控, a made-up maker of industrial gateways."""

from dataclasses import dataclass
from datetime import datetime

from bot.sample.rows import insert
from crm_core.access import Role
from crm_core.employees import Department, Employee
from crm_core.identity import insert_person
from crm_core.ports import Core, Program

COMPANY = "恒联工控"
SALES, MARKETING = "销售部", "市场部"


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody of the house. `staff_id` is their id in DingTalk, `called` what the others call them."""

    staff_id: str
    name: str
    called: str
    role: Role
    department: str
    manager: str = ""


STAFF = (
    Colleague("hl-zhao", "赵启明", "赵总", Role.ADMIN, MARKETING),
    Colleague("hl-lin", "林小舟", "林经理", Role.MANAGER, SALES, "hl-zhao"),
    Colleague("hl-wang", "王磊", "小王", Role.SALES, SALES, "hl-lin"),
    Colleague("hl-chen", "陈晨", "小陈", Role.SALES, SALES, "hl-lin"),
    Colleague("hl-sun", "孙悦", "小孙", Role.SALES, SALES, "hl-lin"),
    Colleague("hl-zhou", "周婷", "周婷", Role.MARKETER, MARKETING, "hl-zhao"),
)
"""In the order of the hierarchy: a manager stands before those who report to them."""


def hire(core: Core, at: datetime) -> Program[dict[str, int]]:
    """Make the departments and employees; gives the employee numbers by staff id."""
    departments = {}
    for name in (SALES, MARKETING):
        departments[name] = yield from insert(Department, at, name=name)
    numbers: dict[str, int] = {}
    for number, one in enumerate(STAFF, 1):
        person_id = yield from insert_person(core)
        numbers[one.staff_id] = yield from insert(
            Employee,
            at,
            person_id=person_id,
            name=one.name,
            role=one.role.value,
            department_id=departments[one.department],
            manager_id=numbers.get(one.manager),
            mobile=f"+86199000000{number:02}",
        )
    return numbers

"""What of a person stands in the tables of this folder."""

from crm_core.holdings import ABOUT, Holding

HOLDINGS = (
    Holding("reminders", f"({ABOUT.format(kind='about_kind', id='about_id')}) OR owner_id IN ({{employees}})"),
    Holding("announcement_receipts", "employee_id IN ({employees})"),
)

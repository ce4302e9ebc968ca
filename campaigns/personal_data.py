"""What of a person stands in the tables of this folder."""

from crm_core.holdings import Holding

_TOLD = "person_id IN ({persons}) AND (text IS NOT NULL OR account_id IS NOT NULL)"
# The rows stay, so that what a broadcast reached goes on adding up; the number alone leads to nobody.
HOLDINGS = (
    Holding("recipients", _TOLD, {"text": None, "external_id": None, "account_id": None}),
    Holding("platform_results", "account_id IN ({accounts})", {"account_id": None}),
)

"""The started product, for what is tested at the edge."""

from tests.flows.conftest import house, late_house

__all__ = ["house", "late_house"]

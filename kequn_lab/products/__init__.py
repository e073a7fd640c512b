"""Who gets what: people × goods × place, the savings ladder, the life of a customer."""

from kequn_lab.products.ladder import (
    allocation_ladder,
    ladder_by_segment,
    ladder_products,
    monthly_spending,
)
from kequn_lab.products.lifecycle import branch_load, funnel
from kequn_lab.products.matching import allowed_products, match_products

__all__ = [
    "allocation_ladder",
    "allowed_products",
    "branch_load",
    "funnel",
    "ladder_by_segment",
    "ladder_products",
    "match_products",
    "monthly_spending",
]

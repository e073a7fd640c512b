"""Who gets what: people × goods × place, the savings ladder, the life of a customer."""

from kequn_lab.products.ladder import (
    NOTICE,
    Ladder,
    allocation_ladder,
    ladder_by_segment,
    ladder_products,
    monthly_spending,
)
from kequn_lab.products.lifecycle import STAGES, branch_load, branch_visits, funnel
from kequn_lab.products.matching import allowed_products, match_products, needs, offers, serves

__all__ = [
    "NOTICE",
    "STAGES",
    "Ladder",
    "allocation_ladder",
    "allowed_products",
    "branch_load",
    "branch_visits",
    "funnel",
    "ladder_by_segment",
    "ladder_products",
    "match_products",
    "monthly_spending",
    "needs",
    "offers",
    "serves",
]

"""Who is in each segment, what marks it, how sure that is, and what to be careful about."""

from kequn_lab.profiles.cards import segment_cards
from kequn_lab.profiles.cautions import warnings_table
from kequn_lab.profiles.plane import segment_pca
from kequn_lab.profiles.rules import segment_rules
from kequn_lab.profiles.tables import profile_table

__all__ = [
    "profile_table",
    "segment_cards",
    "segment_pca",
    "segment_rules",
    "warnings_table",
]

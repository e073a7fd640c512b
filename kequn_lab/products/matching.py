"""Who gets what, where: people × goods × place (人货场).

People bring needs, goods serve them, places are where the people already are. The needs are read
from the article where it names them (quoted); how much they weigh and how well a product serves
them is assumption: the catalogue's tables ``segment_needs`` and ``product_serves``. (The current
account is in neither: every customer has one, so it is no offer.)
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from kequn_lab import catalogue
from kequn_lab._checks import require_columns
from kequn_lab._words import CHANNELS

__all__ = ["allowed_products", "match_products"]

NEEDS = {
    "safety": ("本金安全", "safe principal"),
    "yield": ("收益", "yield"),
    "liquidity": ("随用随取", "money at hand"),
    "business_credit": ("经营融资", "business credit"),
    "consumer_credit": ("消费融资", "consumer credit"),
}


def _goods() -> pd.DataFrame:
    """The products that are still sold, by id."""
    goods = catalogue.products().set_index("product_id")
    return goods[~goods["status_today"].str.startswith("ended")]


def allowed_products(features: pd.DataFrame) -> pd.DataFrame:
    """Which products may be offered to each customer: none above the risk class or the means.

    Parameters
    ----------
    features : DataFrame
        Indexed by customer: ``aum_cny``, and optionally ``risk_rank`` (1 to 5) and
        ``is_business``.

    Returns
    -------
    DataFrame of bool, shape (n_customers, n_products)
        The products that are still sold. A person without a known risk class may have R1 only;
        businesses have none, and are not asked. A product whose minimum is above the customer's
        assets is not allowed; businesses have their own minimum where there is one. Loans have
        neither: credit is not judged here.

    Examples
    --------
    >>> customers = pd.DataFrame({"aum_cny": [5_000., 3e5], "risk_rank": [1., 2.]})
    >>> allowed_products(customers)[["large_cd", "wealth_product", "savings_bond"]]
       large_cd  wealth_product  savings_bond
    0     False           False          True
    1      True            True          True
    """
    require_columns(features, ["aum_cny"], "features")
    goods = _goods()
    n = len(features)
    firm = np.zeros(n, bool)
    if "is_business" in features:
        firm = features["is_business"].fillna(0).to_numpy(float) > 0.5
    rank = np.ones(n)
    if "risk_rank" in features:
        rank = features["risk_rank"].fillna(1.0).to_numpy(float)
    means = features["aum_cny"].fillna(0.0).to_numpy(float)
    out = {}
    for product in goods.itertuples():
        credit = product.side == "credit"
        risk = 1.0 if pd.isna(product.risk_class) else float(product.risk_class[1:])
        least = 0.0 if pd.isna(product.minimum_cny) else product.minimum_cny
        least_firm = (
            least if pd.isna(product.minimum_business_cny) else product.minimum_business_cny
        )
        minimum = np.where(firm, least_firm, least)
        out[product.Index] = credit | (((rank >= risk) | firm) & (means >= minimum))
    return pd.DataFrame(out, index=features.index)


def match_products(
    features: pd.DataFrame,
    labels: pd.Series,
    *,
    segment_needs: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Score every segment × product × channel, and say why.

    Parameters
    ----------
    features : DataFrame
        As :func:`allowed_products`, with ``<channel>_share`` for the places.
    labels : Series of str
        Segment by customer. A segment that the table of needs does not name comes last, with
        ``need`` and ``score`` missing.
    segment_needs : DataFrame, optional
        Default ``catalogue.read("segment_needs")``: edit it and pass it on.

    Returns
    -------
    DataFrame
        ``segment_id``, ``product_id``, ``channel_id``; ``need`` (0 to 1: how much of what the
        segment needs the product serves), ``allowed_share`` (of its customers),
        ``channel_share`` (of its events), ``score`` (their product); ``why_zh``, ``why_en``;
        highest score first within a segment.

    Raises
    ------
    ValueError
        No segment has needs, no channel is known, a need weight below 0 or an unknown need.
    """
    wanted = catalogue.read("segment_needs") if segment_needs is None else segment_needs
    bad = wanted[~wanted["weight"].between(0, 1) | ~wanted["need_id"].isin(NEEDS)]
    if len(bad):
        row = bad.iloc[0].to_dict()
        raise ValueError(f"weight must be 0 to 1 and need_id one of {list(NEEDS)}; {row}")
    goods, served = _goods(), catalogue.read("product_serves")
    labels = labels.reindex(features.index)
    there = set(labels.dropna())
    known = [s for s in wanted["segment_id"].unique() if s in there]
    if not known:
        raise ValueError("no customer is in a segment that the table of needs names")
    segments = [*known, *sorted(there.difference(known))]
    channels = [c for c in CHANNELS if f"{c}_share" in features]
    if not channels:
        raise ValueError("features has no <channel>_share: the place is not known")
    names = list(NEEDS)
    weight = wanted.pivot_table("weight", "segment_id", "need_id").reindex(segments, columns=names)
    part = served.pivot_table("serves", "product_id", "need_id").reindex(goods.index, columns=names)
    met = weight.fillna(0).to_numpy()[:, None, :] * part.fillna(0).to_numpy()  # segment, product
    total = np.broadcast_to(weight.sum(axis=1).to_numpy()[:, None], met.shape[:2])
    need = np.divide(met.sum(-1), total, out=np.zeros(total.shape), where=total > 0)
    need[len(known) :] = np.nan
    allowed = allowed_products(features)
    can = allowed.groupby(labels).mean().loc[segments].to_numpy()
    shares = features[[f"{c}_share" for c in channels]].groupby(labels).mean().loc[segments]
    index = pd.MultiIndex.from_product(
        [segments, goods.index, channels], names=["segment_id", "product_id", "channel_id"]
    )
    out = pd.DataFrame(index=index).reset_index()
    out["need"] = np.repeat(need.ravel(), len(channels))
    out["allowed_share"] = np.repeat(can.ravel(), len(channels))
    out["channel_share"] = np.repeat(shares.fillna(0).to_numpy()[:, None], len(goods), 1).ravel()
    out["score"] = out["need"] * out["allowed_share"] * out["channel_share"]
    why = [_why(m, c) for m, c in zip(met.reshape(-1, len(names)), can.ravel(), strict=True)]
    why[len(known) * len(goods) :] = [_NO_NEEDS] * len(goods) * (len(segments) - len(known))
    for i, column in enumerate(("why_zh", "why_en")):
        out[column] = np.repeat([w[i] for w in why], len(channels))
    place = pd.Categorical(out["segment_id"], categories=segments).codes
    return out.iloc[np.lexsort((-out["score"], place))].reset_index(drop=True)


_NO_NEEDS = ("需求表中没有这个客群", "the table of needs does not name this segment")


def _why(met: np.ndarray, can: float) -> tuple[str, str]:
    """The needs that are met, the best met first, and how many customers may buy."""
    order = [i for i in np.argsort(-met, kind="stable") if met[i] > 0]
    if not order:
        return "不满足该客群的任何需求", "serves none of the segment's needs"
    zh, en = zip(*(list(NEEDS.values())[i] for i in order), strict=True)
    return (
        f"满足{'、'.join(zh)};{can:.0%} 的客户符合起点和风险等级",
        f"serves {', '.join(en)}; {can:.0%} of the customers meet the minimum and risk class",
    )

"""What no scorecard may break, however it was made."""

from __future__ import annotations

import math

from kequn_lab.export._categories import check_category


def check(card) -> None:
    """Raise the first fault of a scorecard."""

    def require(true, message):
        if not true:
            raise ValueError(message)

    some = card.feature_names and card.segments
    require(some, "a scorecard needs at least one feature and one segment")
    window = (card.months is None) == (card.definitions is None)
    require(window and (card.months is None or 1 <= card.months <= 60),
            f"months must be 1 to 60 and go with definitions, found {card.months} months and "
            f"definitions {card.definitions!r}")  # fmt: skip
    ids = [s.segment_id for s in card.segments]
    for names, key in ((card.feature_names, "name"), (ids, "segment_id"), (card.axes, "axis")):
        require(len(set(names)) == len(names), f"{key} comes twice in {names}")
    permanent = [s.permanent_id for s in card.segments]
    fits = not any(permanent)
    if card.run_id is not None:
        fits = card.run_id and all(permanent) and len(set(permanent)) == len(permanent)
    require(
        fits, f"with a run_id each segment has its own permanent_id, else none: {permanent[:9]}"
    )
    for f in card.features:
        given = [f.fill, f.lower, f.upper, f.mean, f.scale, f.missing_share, *f.cuts, *f.shares]
        finite = all(v is None or math.isfinite(v) for v in given)
        require(finite, f"feature {f.name}: a number is not finite: {given}")
        weight = f"feature {f.name}: weight must be above 0, found {f.weight}"
        require(0 < f.weight < math.inf, weight)
        require(f.scale > 0, f"feature {f.name}: scale must be above 0, found {f.scale}")
        ordered = f.lower is None or f.upper is None or f.lower <= f.upper
        require(ordered, f"feature {f.name}: lower {f.lower} is above upper {f.upper}")
        fits = len(f.shares) == len(f.cuts) + 1 and list(f.cuts) == sorted(f.cuts)
        require(fits, f"feature {f.name}: {len(f.cuts)} cuts need one share more, in order")
    for k, s in enumerate(card.segments):
        require(s.cluster == k, f"segments[{k}] is cluster {s.cluster}; write them in order")
        size, found = len(card.axes), len(s.centre)
        require(found == size, f"segment {s.segment_id}: {found} coordinates, {size} features")
        finite = all(math.isfinite(v) for v in s.centre)
        require(finite, f"segment {s.segment_id}: a centre is not finite: {s.centre}")
        known = math.isfinite(s.offset) and s.offset >= 0
        require(known, f"segment {s.segment_id}: offset must be from 0 on, found {s.offset}")
    for c in card.categories:
        check_category(c, require)
    _check_groups(card, require)


def _check_groups(card, require) -> None:
    require((card.by is None) == (not card.groups), "by and groups go together; give both or none")
    if card.by is None:
        return
    require(card.by in card.feature_names, f"by: {card.by!r} is no feature of the scorecard")
    require(not card.offsets, "offsets of segments do not go with groups; give one of the two")
    values, n = [g.value for g in card.groups], len(card.axes)
    require(len(set(values)) == len(values), f"a group comes twice in {values}")
    for g in card.groups:
        where, clusters = f"group {card.by} = {g.value:g}", [c.cluster for c in g.centres]
        known = set(clusters) <= set(range(len(card.segments))) and clusters
        require(known and len(set(clusters)) == len(clusters),
                f"{where}: clusters {clusters} must be different ones of the segments")  # fmt: skip
        for name, given in (("mean", g.mean), ("scale", g.scale),
                            *(("centre", c.centre) for c in g.centres)):  # fmt: skip
            require(len(given) == n, f"{where}: {name} has {len(given)} numbers, {n} features")
            require(all(map(math.isfinite, (g.value, *given))),
                    f"{where}: a number of {name} is not finite: {given}")  # fmt: skip
        shifted = [v for v in g.mean[len(card.features) :] if v]
        require(not shifted, f"{where}: the mean on an axis of a category is 0, found {shifted}")
        require(all(v > 0 for v in g.scale), f"{where}: scale must be above 0, found {g.scale}")

"""A scorecard as PMML 4.4, the exchange format of scoring engines (Data Mining Group, dmg.org).

Written from the scorecard itself, so nothing has to be fitted again and no Java is needed. The
tests score it with an independent evaluator where Java is installed.
"""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree import ElementTree as ET

from kequn_lab._files import versions
from kequn_lab.export._nearest import group_cards, offsets_of
from kequn_lab.export._records import fact, stamps
from kequn_lab.features._levels import NO_LEVEL

__all__ = ["scorecard_pmml"]

_NAMESPACE = "http://www.dmg.org/PMML-4_4"
_OFFSET = "offset:"  # a coordinate beside those of the columns, which begin with z:


def scorecard_pmml(card) -> str:
    """One PMML document that labels customers.

    Parameters
    ----------
    card : Scorecard

    Returns
    -------
    str
        A ``ClusteringModel``; with groups a ``MiningModel`` with one for each. The engine's output
        has ``centre``, ``cluster``, ``segment_id`` and ``squared_distance``; by a scorecard of a
        registry ``permanent_id`` and ``run_id``, too.

    Notes
    -----
    A missing value that the scorecard does not fill makes the row invalid instead of guessing.
    Texts of categories are compared after blanks at both ends are cut; full-width blanks are not.
    PMML adds nothing to distances, so that offsets are the squares of one more coordinate, which
    is 0 for every customer.

    References
    ----------
    .. [1] Data Mining Group, PMML 4.4 general structure, 2019.

    Examples
    --------
    >>> from kequn_lab.export._example import card
    >>> print(scorecard_pmml(card)[:38])
    <?xml version='1.0' encoding='utf-8'?>
    """
    root = ET.Element("PMML", {"xmlns": _NAMESPACE, "version": "4.4"})
    header = _add(root, "Header", description=f"kequn_lab scorecard {card.model_id}")
    _add(header, "Application", name="kequn_lab", version=versions().get("kequn_lab", ""))
    fields = _add(root, "DataDictionary", numberOfFields=len(card.feature_names))
    for f in card.features:
        _add(fields, "DataField", name=f.name, optype="continuous", dataType="double")
    for c in card.categories:
        _add(fields, "DataField", name=c.name, optype="categorical", dataType="string")
    parts = group_cards(card)
    if not parts:
        _clustering(root, card, card, "")
    else:
        model = _add(root, "MiningModel", modelName="kequn_lab", functionName="clustering")
        _mining_schema(model, card)
        segmentation = _add(model, "Segmentation", multipleModelMethod="selectFirst")
        for g, part in enumerate(parts):
            segment = _add(segmentation, "Segment", id=g)
            _add(segment, "SimplePredicate", field=card.by, operator="equal", value=part.value)
            _clustering(segment, card, part, f"{g}.")
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=False).join(
        ["<?xml version='1.0' encoding='utf-8'?>\n", "\n"]
    )


def _clustering(parent: ET.Element, card, part, mark: str) -> None:
    """The nearest of a group's centres; ``mark`` is the prefix of their numbers."""
    model = _add(
        parent, "ClusteringModel", modelName=f"kequn_lab{mark}".rstrip("."),
        functionName="clustering", modelClass="centerBased", numberOfClusters=len(part.segments),
    )  # fmt: skip
    _mining_schema(model, card)
    _output(model, card, part, mark)
    made = _add(model, "LocalTransformations")
    for f in part.features:
        _coordinate(made, f)
    for c in part.categories:
        _axes(made, c)
    offsets = offsets_of(part)
    if offsets:
        _constant(_derived(made, _OFFSET), 0.0)
    measure = _add(model, "ComparisonMeasure", kind="distance", compareFunction="absDiff")
    _add(measure, "squaredEuclidean")
    axes = [f.name for f in part.features] + [a for c in part.categories for a in c.axes]
    for axis in axes:
        _add(model, "ClusteringField", field=f"z:{axis}", compareFunction="absDiff")
    if offsets:
        _add(model, "ClusteringField", field=_OFFSET, compareFunction="absDiff")
    for i, s in enumerate(part.segments):
        at = (*s.centre, offsets[i] ** 0.5) if offsets else s.centre
        cluster = _add(model, "Cluster", id=f"{mark}{i}", name=s.segment_id)
        _add(cluster, "Array", n=len(at), type="real").text = " ".join(map(repr, at))


def _mining_schema(model: ET.Element, card) -> None:
    schema = _add(model, "MiningSchema")
    for f in card.features:
        invalid = {"missingValueTreatment": "returnInvalid"} if f.fill is None else {}
        _add(schema, "MiningField", name=f.name, invalidValueTreatment="asIs", **invalid)
    for c in card.categories:
        _add(schema, "MiningField", name=c.name, invalidValueTreatment="asIs")


def _output(model: ET.Element, card, part, mark: str) -> None:
    """The winning centre, the cluster and segment that it belongs to, and how far it is."""
    output = _add(model, "Output")
    text = {"optype": "categorical", "dataType": "string"}
    _add(output, "OutputField", name="centre", feature="predictedValue", **text)
    number = {"optype": "continuous", "dataType": "double"}
    offsets = offsets_of(part)
    least = "squared_distance_and_offset" if offsets else "squared_distance"
    _add(output, "OutputField", name=least, feature="affinity", **number)
    centres = [(f"{mark}{i}", s) for i, s in enumerate(part.segments)]
    for name in ("cluster", "segment_id", *stamps(card)):
        field = _add(output, "OutputField", name=name, feature="transformedValue", **text)
        _map(field, "centre", ((centre, fact(card, s, name)) for centre, s in centres))
    if offsets:
        kind = {"feature": "transformedValue", **number}
        field = _add(output, "OutputField", name="squared_distance", **kind)
        gap = _add(field, "Apply", function="-")
        _field(gap, least)
        _map(gap, "centre", ((centre, repr(s.offset)) for centre, s in centres), number=True)


def _coordinate(made: ET.Element, f) -> None:
    """One column as the model counts it: filled, clipped, logged, standardised."""
    # Filled where the field is read: PMML's min and max leave missing values out.
    fill = {} if f.fill is None else {"mapMissingTo": repr(float(f.fill))}
    inner = _derived(made, f"x:{f.name}")
    for limit, nearer in ((f.upper, "min"), (f.lower, "max")):
        if limit is not None:
            inner = _add(inner, "Apply", function=nearer)
            _constant(inner, limit)
    _field(inner, f.name, **fill)
    place = _add(_derived(made, f"z:{f.name}"), "Apply", function="/")
    centred = _add(place, "Apply", function="-")
    if f.log:
        _logarithm(centred, f"x:{f.name}")
    else:
        _field(centred, f"x:{f.name}")
    _constant(centred, f.mean)
    _constant(place, f.scale)


def _logarithm(parent: ET.Element, x: str) -> None:
    """sign(x)·ln(1+|x|)."""
    choice = _add(parent, "Apply", function="if")
    _constant(_field(_add(choice, "Apply", function="lessThan"), x), 0.0)
    for sign in (-1.0, 1.0):
        product = _add(choice, "Apply", function="*")
        _constant(product, sign)
        size = _add(_add(product, "Apply", function="ln"), "Apply", function="+")
        _constant(size, 1.0)
        _field(_add(size, "Apply", function="abs"), x)


def _axes(made: ET.Element, c) -> None:
    """The coordinates of a category: a table of its texts for each axis."""
    text = f"text:{c.name}"
    field = _add(made, "DerivedField", name=text, optype="categorical", dataType="string")
    _field(_add(field, "Apply", function="trimBlanks"), c.name)
    for j, axis in enumerate(c.axes):
        at = {place: (0.0 if place < 0 else c.levels[place].point[j])
              for place in range(-1, len(c.levels))}  # fmt: skip
        none = repr(at[c.position(c.missing)])
        pairs = [(t, repr(x.point[j])) for x in c.levels for t in x.spellings]
        pairs += [(t, none) for t in NO_LEVEL]
        other = repr(at[c.position(c.unseen)])
        _map(_derived(made, f"z:{axis}"), text, pairs, default=other, missing=none)


def _map(
    parent: ET.Element, field: str, pairs: Iterable, *, default="", missing="", number=False
) -> None:
    """A table from texts to values."""
    ends = {"defaultValue": default, "mapMissingTo": missing} if default else {}
    kind = {"dataType": "double"} if default or number else {}
    values = _add(parent, "MapValues", outputColumn="value", **ends, **kind)
    _add(values, "FieldColumnPair", field=field, column="key")
    table = _add(values, "InlineTable")
    for key, value in pairs:
        row = _add(table, "row")
        _add(row, "key").text = key
        _add(row, "value").text = str(value)


def _derived(made: ET.Element, name: str) -> ET.Element:
    return _add(made, "DerivedField", name=name, optype="continuous", dataType="double")


def _field(parent: ET.Element, name: str, **missing: str) -> ET.Element:
    _add(parent, "FieldRef", field=name, **missing)
    return parent


def _constant(parent: ET.Element, value: float) -> None:
    _add(parent, "Constant", dataType="double").text = repr(float(value))


def _add(parent: ET.Element, tag: str, **attributes) -> ET.Element:
    return ET.SubElement(parent, tag, {k: str(v) for k, v in attributes.items()})

"""The JSON page of a scorecard: written with keys in a fixed order, read strictly."""

from __future__ import annotations

import json

from kequn_lab._json import as_kind
from kequn_lab.export._categories import category_record
from kequn_lab.export._records import by_feature, in_order, record_of, short_record

SCHEMA = "kequn_lab.scorecard/2"
#: With groups; an older version, which does not know them, must not read such a scorecard.
SCHEMA_OF_GROUPS = "kequn_lab.scorecard/3"
#: With categories, likewise.
SCHEMA_OF_CATEGORIES = "kequn_lab.scorecard/4"
#: With offsets, likewise.
SCHEMA_OF_OFFSETS = "kequn_lab.scorecard/5"

#: The fields in a line each, for whoever opens the file.
ABOUT = {
    "model_id": (
        "changes with any number that decides a label",
        "任何决定标签的数值改变，它就改变",
    ),
    "run_id": ("the run in the registry of segments", "客群登记中的批次"),
    "permanent_id": ("of the segment, from the registry", "客群的永久编号（客群登记）"),
    "trained_on": ("last day of the training data", "训练数据的最后一天"),
    "months": (
        "length of the window of the features; null: a ready table",
        "特征窗口的月数；null 表示现成的客户表",
    ),
    "definitions": ("version of the features' definitions", "特征定义的版本"),
    "currency": ("of the columns of money", "金额列的币种"),
    "inputs": ("SHA-256 of the input files", "输入文件的 SHA-256"),
    "fill": ("replaces a missing value", "替代缺失值"),
    "lower, upper": ("values beyond are set to these", "超出者取此值"),
    "log": ("then sign(x) * ln(1 + |x|)", "然后取 sign(x) * ln(1 + |x|)"),
    "mean, scale": ("then (x - mean) / scale", "然后 (x - mean) / scale"),
    "weight": ("of the column; scale holds it already", "列的权重，已计入 scale"),
    "cuts, shares": (
        "spread of the training customers, to see drift",
        "训练客户的分布，用于发现漂移",
    ),
    "centre": ("the nearest one gives the segment", "最近的中心决定客群"),
    "similarity": ("to the segment's signature; null: named otherwise", "与特征签名的相似度"),
    "target_group": (
        "of which banks: the article's words or the catalogue's reading",
        "属于哪类银行：文章原话或目录中的解读",
    ),
    "levels, spellings, point": (
        "of a category: the texts that mean a level, and its place",
        "类别列：表示某一取值的文本，及其位置",
    ),
    "unseen, missing": (
        "level of a new text, of no text; null: the mean",
        "新文本、无文本所取的值；null 表示均值",
    ),
}
#: Of a scorecard with a smallest size.
ABOUT_OFFSETS = {
    "offset": (
        "added to the squared distance: the least sum gives the segment (--min-size)",
        "先加到距离平方上，和最小者决定客群（--min-size）",
    ),
}


def write_card(card) -> str:
    """The text of a scorecard."""
    head, names = record_of(card), card.axes
    segments = [by_feature(s, names, "centre") for s in head.pop("segments")]
    features = [short_record(f) for f in head.pop("features")]
    by, groups, categories = head.pop("by"), head.pop("groups"), head.pop("categories")
    if card.run_id is None:
        del head["run_id"]
    said = {**ABOUT, **(ABOUT_OFFSETS if card.offsets else {})}
    about = {name: f"{en} · {zh}" for name, (en, zh) in said.items()}
    record = {"schema": SCHEMA, "about": about, "model_id": card.model_id, **head}
    record |= {"features": features, "segments": segments}
    if categories:
        record["categories"] = [category_record(c) for c in categories]
    if groups:
        record |= {"schema": SCHEMA_OF_GROUPS, "by": by}
        record["groups"] = [
            by_feature(group, names, "mean", "scale")
            | {"centres": [by_feature(c, names, "centre") for c in group.centres]}
            for group in groups
        ]
    if categories:
        record["schema"] = SCHEMA_OF_CATEGORIES
    if card.offsets:
        record["schema"] = SCHEMA_OF_OFFSETS
    return json.dumps(record, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def _with_offsets(segments) -> bool:
    rows = segments if isinstance(segments, list) else []
    return any(isinstance(s, dict) and s.get("offset") for s in rows)


def read_card(kind: type, record, what: str, edited: bool):
    """A scorecard from parsed JSON."""
    grouped = isinstance(record, dict) and "groups" in record
    schema = SCHEMA_OF_GROUPS if grouped else SCHEMA
    if isinstance(record, dict) and record.get("categories"):
        schema = SCHEMA_OF_CATEGORIES
    if isinstance(record, dict) and _with_offsets(record.get("segments")):
        schema = SCHEMA_OF_OFFSETS
    if not isinstance(record, dict) or record.get("schema") != schema:
        found = record.get("schema") if isinstance(record, dict) else type(record).__name__
        raise ValueError(
            f"{what}: schema {found!r}, this version reads {schema!r}; "
            "write the scorecard again with kequn run"
        )
    record = {k: v for k, v in record.items() if k not in ("schema", "about")}
    model_id = record.pop("model_id", None)
    features, segments = record.get("features"), record.get("segments")
    if isinstance(features, list) and isinstance(segments, list):
        names = [f.get("name") if isinstance(f, dict) else None for f in features]
        categories = record.get("categories")
        for c in categories if isinstance(categories, list) else ():
            names += c.get("axes") or () if isinstance(c, dict) else ()
        if None not in names:
            record["segments"] = in_order(segments, names, f"{what}: segments", "centre")
            if isinstance(record.get("groups"), list):
                where = f"{what}: groups"
                record["groups"] = in_order(record["groups"], names, where, "mean", "scale")
                for i, group in enumerate(record["groups"]):
                    if isinstance(group, dict) and isinstance(group.get("centres"), list):
                        place = f"{where}[{i}].centres"
                        group["centres"] = in_order(group["centres"], names, place, "centre")
    card = as_kind(kind, record, what=what)
    if card.model_id != model_id and not edited:
        raise ValueError(
            f"{what}: model_id {model_id!r} does not fit its content ({card.model_id}): "
            "a number or name was changed by hand; if that is meant, read it with edited=True"
        )
    return card

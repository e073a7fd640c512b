"""What is measured, against whom, and what is to be reached: facts, no code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

SECONDS = {"cpu_s": "CPU-s", "clock_s": "s on the clock"}


@dataclass(frozen=True)
class Peer:
    """Who does the same task. ``env`` names a file in ``peers/``; ``ours``, ``former`` and ``R``
    are the kit, the kit as it was, and R where it is installed."""

    name: str
    env: str
    part: str
    cores: int | None = None
    quick: bool = True  # False: slow, or of a large environment: only the full table has it
    zh: str = ""
    same_work: bool = True  # False: it does less, and is shown only
    package: str = ""  # whose version the table names; default: none


@dataclass(frozen=True)
class Goal:
    """What is to be reached: a figure of ours (``cpu_s``, ``clock_s``, a fact), or a ratio.

    ``peer`` names one peer; "" means the best, that is the largest ratio. ``rounds`` says how the
    figures of all rounds become one.
    """

    what: str
    limit: float
    unit: str = ""
    at_least: bool = False
    peer: str = ""
    rounds: str = "median"


@dataclass(frozen=True)
class Task:
    """A row of the table. Sizes go to the workload as they are; without ``quick`` it is a row of
    the full table alone."""

    name: str
    en: str
    zh: str
    script: str
    full: Mapping[str, int]
    quick: Mapping[str, int] | None
    measure: str
    peers: tuple[Peer, ...]
    goals: tuple[Goal, ...]
    cores: int | None = None
    rounds: int = 5
    quick_rounds: int = 5
    note: str = ""
    facts: tuple[str, ...] = ()  # of ours, shown beside the seconds
    limit_s: float = 600
    ours: str = "ours"  # the part of the workload
    prepare: str = "prepare"  # the part that makes the data; "" where there is none
    turns: bool = False  # the workload is told the number of the round


FORMERLY = {"zh": "以前的自己"}

TASKS = (
    Task(
        "import",
        "import kequn_lab and kequn --help",
        "import kequn_lab 与 kequn --help",
        "imports.py", {}, {}, "cpu_s",
        (Peer("import pandas", "tables", "pandas", package="pandas"),),
        (Goal("cpu_s", 0.15, "CPU-s"),),
        rounds=11, prepare="",
    ),
    Task(
        "default_run",
        "default run on two cores, {customers:,} synthetic customers to report",
        "默认运行（两核）：{customers:,} 位合成客户，直到报告",
        "default_run.py", {"customers": 5_000}, {"customers": 500}, "clock_s",
        (
            Peer("the same on one core", "ours", "ours", cores=1, quick=False,
                 zh="同一任务，一核"),
            Peer("itself formerly, on one core", "former", "ours", cores=1, quick=False,
                 zh="以前的自己，一核"),
        ),
        (
            Goal("cpu_s", 10, "CPU-s", peer="the same on one core"),
            Goal("ratio:clock_s", 0.65, peer="the same on one core"),
            Goal("ratio:cpu_s", 1.15, peer="the same on one core"),
        ),
        cores=2, prepare="",
    ),
    Task(
        "null_sets",
        "null sets ({sets}) for {customers:,} x 47",
        "{customers:,} × 47 的零假设数据（{sets} 份）",
        "null_sets.py", {"customers": 5_000, "sets": 19}, {"customers": 1_000, "sets": 19},
        "cpu_s",
        (Peer("itself formerly", "former", "ours", **FORMERLY),),
        (Goal("ratio:cpu_s", 0.25),),
    ),
    Task(
        "stability",
        "choose k with stability, {rows:,} x 24, k = 2 to 12, {pairs} pairs",
        "用稳定性选 k：{rows:,} × 24，k = 2 至 12，{pairs} 对自助样本",
        "choose_k.py", {"rows": 1_000_000, "pairs": 100}, {"rows": 50_000, "pairs": 10}, "cpu_s",
        (
            Peer("R flexclust bootFlexclust", "R", "choose_k.R", quick=False),
            Peer("scikit-learn loop", "learn", "loop", package="scikit-learn",
                 zh="scikit-learn 循环"),
        ),
        (
            Goal("clock_s", 15, "s"),
            Goal("times:cpu_s", 2_000, "x R", at_least=True, peer="R flexclust bootFlexclust"),
        ),
        note="peers are extrapolated to these rows, draws and pairs by the growth measured",
    ),
    Task(
        "search",
        "search for the lowest inertia, {sets} public data sets, 5 rounds of {seeds} seeds",
        "搜索最低的簇内平方和：{sets} 个公开数据集，5 轮，每轮 {seeds} 个种子",
        "search_public.py", {"seeds": 4, "sets": 15}, {"seeds": 1, "sets": 4}, "inertia",
        (
            Peer("scikit-learn in equal CPU time", "learn", "equal", package="scikit-learn",
                 zh="scikit-learn，CPU 时间相等"),
            Peer("scikit-learn, n_init=10", "learn", "ten", package="scikit-learn", quick=False),
            Peer("scikit-learn, n_init=100", "learn", "hundred", package="scikit-learn",
                 quick=False),
            Peer("faiss in equal CPU time", "faiss", "faiss", package="faiss-cpu", quick=False,
                 zh="faiss，CPU 时间相等"),
        ),
        (
            Goal("largest:inertia", 1.0),
            Goal("at_best", 0.95, "of the seeds, on the hardest set", at_least=True,
                 rounds="least share"),
        ),
        turns=True,
        note="the ratio is of inertia, by data set and round; least to largest over all of them",
    ),
    Task(
        "draw_customers",
        "draw {customers:,} customers with holdings, in memory",
        "生成 {customers:,} 位客户及持有产品（内存中）",
        "draw_bank.py", {"customers": 200_000}, {"customers": 30_000}, "clock_s",
        (
            Peer("numpy, one random number a cell", "tables", "numpy", package="numpy",
                 zh="numpy：每格一个随机数", same_work=False),
            Peer("SDV GaussianCopula, 15 columns", "sdv", "sdv", package="sdv", quick=False,
                 zh="SDV GaussianCopula，15 列", same_work=False),
        ),
        (Goal("per_s", 200_000, "customers/s", at_least=True),),
        facts=("per_s",), ours="customers", prepare="prepare-customers",
    ),
    Task(
        "draw_events",
        "draw the events of {customers:,} customers, in memory",
        "生成 {customers:,} 位客户的流水（内存中）",
        "draw_bank.py", {"customers": 60_000}, {"customers": 10_000}, "clock_s",
        (
            Peer("numpy, one random number a cell", "tables", "numpy", package="numpy",
                 zh="numpy：每格一个随机数", same_work=False),
        ),
        (Goal("per_s", 5_000_000, "events/s", at_least=True),),
        facts=("per_s",), ours="events", prepare="prepare-events",
    ),
    Task(
        "write_bank",
        "draw and write a bank of {customers:,} customers as Parquet",
        "生成 {customers:,} 位客户的银行并写成 Parquet",
        "draw_bank.py", {"customers": 60_000}, {"customers": 10_000}, "clock_s",
        (
            Peer("pyarrow writes the same tables", "tables", "pyarrow", package="pyarrow",
                 zh="pyarrow 只写同样的表"),
        ),
        (Goal("ratio:clock_s", 1.5),),
        ours="write", prepare="prepare-write",
    ),
    Task(
        "features",
        "features of {customers:,} synthetic customers from a year of events",
        "特征：{customers:,} 位合成客户的一年流水",
        "features.py", {"customers": 200_000}, {"customers": 10_000}, "cpu_s",
        (
            Peer("DuckDB by hand", "tables", "duckdb", cores=1, package="duckdb",
                 zh="手写 DuckDB"),
            Peer("polars streaming by hand", "tables", "polars", cores=1, package="polars",
                 zh="手写 polars streaming"),
            Peer("DuckDB, a plain scan", "tables", "plain", cores=1, package="duckdb",
                 zh="DuckDB 只扫描", same_work=False),
        ),
        (Goal("ratio:cpu_s", 0.6),),
        cores=1,
    ),
    Task(
        "profile_compare",
        "profile and compare, {rows:,} x {variables}, {draws:,} draws",
        "画像与比较：{rows:,} × {variables}，{draws:,} 次重抽",
        "profile_compare.py", {"rows": 1_000_000, "variables": 30, "draws": 1_000},
        {"rows": 30_000, "variables": 12, "draws": 1_000}, "cpu_s",
        (
            Peer("pandas + SciPy loop", "learn", "loop", package="scipy",
                 zh="pandas + SciPy 循环"),
            Peer("statsmodels, asymptotic intervals", "learn", "statsmodels",
                 package="statsmodels", zh="statsmodels，渐近区间", same_work=False),
        ),
        (Goal("ratio:cpu_s", 0.1),),
        prepare="",
        note="the loop is extrapolated from a few draws of a few variables",
    ),
    Task(
        "labels",
        "label CSV, {rows:,} x 6",
        "标签 CSV：{rows:,} × 6",
        "label_csv.py", {"rows": 1_000_000}, {"rows": 100_000}, "cpu_s",
        (
            Peer("pandas", "tables", "pandas", package="pandas"),
            Peer("polars", "tables", "polars", package="polars"),
            Peer("pyarrow", "tables", "pyarrow", package="pyarrow"),
        ),
        (Goal("ratio:cpu_s", 0.15, peer="pandas"), Goal("ratio:cpu_s", 1.2, peer="polars")),
        note="ours also looks for formulas and doubles, syncs, hashes and writes a record",
    ),
    Task(
        "score",
        "score {rows:,} x 24, Parquet to CSV",
        "给 {rows:,} × 24 打标签：Parquet 到 CSV",
        "score_large.py", {"rows": 10_000_000}, {"rows": 200_000}, "cpu_s",
        (
            Peer("scikit-learn predict + pyarrow, id and cluster alone", "learn", "short",
                 package="scikit-learn", zh="scikit-learn predict + pyarrow，只有编号和簇"),
        ),
        (Goal("ratio:cpu_s", 1.0), Goal("peak_mb", 700, "MB", rounds="largest")),
        note="ours also writes names, distance, margin, drift, hashes and a record",
    ),
    Task(
        "whole_job",
        "whole job, events to labels, {customers:,} customers",
        "全流程：流水到标签，{customers:,} 位客户",
        "whole_job.py", {"customers": 100_000}, None, "cpu_s",
        (
            Peer("pandas and scikit-learn by hand", "ours", "pandas", cores=1,
                 zh="手写 pandas 与 scikit-learn"),
            Peer("DuckDB and scikit-learn by hand", "ours", "duckdb", cores=1,
                 zh="手写 DuckDB 与 scikit-learn"),
        ),
        (Goal("ratio:cpu_s", 1.2, peer="pandas and scikit-learn by hand"),),
        cores=1,
        note="the scripts make 39 features, fill, scale, fit k-means from 10 starts and write "
        "labels; ours also checks every cell, names, compares, draws 20 pairs for stability, and "
        "writes a workbook, pictures and a report",
    ),
    Task(
        "table_to_labels",
        "customer table to labels, {customers:,} customers",
        "客户表到标签：{customers:,} 位客户",
        "table_to_labels.py", {"customers": 20_000}, None, "cpu_s",
        (
            Peer("PyCaret", "pycaret", "pycaret", package="pycaret", quick=False,
                 same_work=False),
        ),
        (),
        note="ours also checks, names, draws 20 pairs for stability and writes its report",
    ),
)  # fmt: skip

"""The scorecard's SQL, executed for real, equals ``Scorecard.predict``.

Servers are started in a temporary folder on a socket, without a network port. To have all of
them on Debian: ``apt-get install postgresql mariadb-server-core mariadb-client-core``.
"""

import glob
import os
import shutil
import sqlite3
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pytest

import kequn_lab as kq
from kequn_lab.__main__ import main
from kequn_lab.export.golden import disagreements
from kequn_lab.export.scorecard import Scorecard, ScorecardFeature, ScorecardSegment
from kequn_lab.monitor.registry import stamped
from kequn_lab.segments.pipeline import fit_segments

N = 200_000


def bank_table(n: int, seed: int) -> pd.DataFrame:
    """Customers of four kinds, skewed money, missing values, extremes, exact clips."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 4, n)
    table = pd.DataFrame(
        {
            "aum_cny": np.exp(rng.normal(8 + kind, 1)),
            "balance_min_cny": rng.normal(0, 5_000, n) * (1 + kind),
            "age_years": rng.integers(18, 90, n).astype(float),
            "counter_share": np.where(kind == 2, rng.random(n), 0.0),
            "tx_per_month": rng.poisson(3 * kind + 1, n) / 1.0,
            "is_business": (kind == 3).astype(float),
        },
        index=pd.Index([f"{i:018d}" for i in range(n)], name="customer_id"),
    )
    table = table.mask(rng.random(table.shape) < 0.03)
    table.iloc[:6, 0] = [1e15, -1e15, 0.0, 1e-300, -0.0, np.nan]
    table.iloc[6] = np.nan
    return table


@pytest.fixture(scope="module")
def table():
    return bank_table(N, 1)


@pytest.fixture(scope="module")
def learned():
    """A scorecard from a pipeline: fills, clips, logarithms of both signs, scales."""
    train = bank_table(3_000, 0).iloc[10:]
    pipeline = fit_segments(train, n_clusters=8, n_starts=5, random_state=0)
    return Scorecard.from_pipeline(pipeline, train, as_of="2024-12-31")


@pytest.fixture(scope="module")
def grouped():
    """Business and personal customers each by themselves; a customer may belong to neither."""
    train = bank_table(3_000, 1).iloc[10:].fillna({"is_business": 0.0})
    options = {"by": "is_business", "n_clusters": {0: 3, 1: 2}, "n_starts": 2, "random_state": 0}
    pipeline = fit_segments(train, **options, log_columns=["aum_cny"])
    pipeline["kmeans"].join(["a", "b", "c", "b", "d"])
    return Scorecard.from_pipeline(pipeline, train, as_of="2024-12-31")


def test_customers_of_no_group_have_no_segment(grouped, table):
    answer = grouped.predict(table)
    assert answer[table["is_business"].isna()].isna().all()
    assert answer[table["is_business"].notna()].notna().all()
    assert table["is_business"].isna().sum() > 100
    strange = table.head(3).assign(is_business=[0.0, 2.0, np.inf])
    assert grouped.predict(strange).isna().tolist() == [False, True, True]


@pytest.fixture(scope="module")
def tied():
    """By hand, so that thousands of customers are exactly as near to two or three centres;
    and nothing fills a missing value."""

    def feature(name, mean, scale):
        return ScorecardFeature(name, "", None, None, None, False, mean, scale, 0.0, (), (1.0,))

    features = (feature("age_years", 50.0, 8.0), feature("is_business", 0.5, 0.5))
    centres = [(1.0, 1.0), (-1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0)]
    segments = tuple(
        ScorecardSegment(k, f"s{k}", f"客群{k}", f"S{k}", "", None, 0.2, centre)
        for k, centre in enumerate(centres)
    )
    return Scorecard(features, segments, trained_on="2024-12-31", customers=10)


#: Levels, and texts that are none, that would break out of a literal or be taken for another.
TEXTS = ["farmer", "O'Neil; DROP TABLE customers--", 'say "x"', "back\\slash", "${env:HOME}",
         "农民", "50%", "👩‍🌾", "x" * 300]  # fmt: skip
STRANGE = [
    "FARMER", " farmer ", "farmér", "ｆａｒｍｅｒ", "new", "'", "''", "\\",
    "\\'", "", " ", "　", "$", "农 民", "👩", "👩‍🌾 ", "x" * 299, "y" * 500,
    "nan", "NULL", None,
]  # fmt: skip


@pytest.fixture(scope="module")
def levelled():
    """A scorecard with a nominal and an ordered column, and customers whose texts are hostile."""
    rng = np.random.default_rng(2)
    n = 1_500
    train = pd.DataFrame({"age_years": rng.normal(45, 12, n), "job": rng.choice(TEXTS, n),
                          "education": rng.choice(["小学", "中学", "大学"], n)})  # fmt: skip
    categories = {"job": (), "education": ("小学", "中学", "大学")}
    how = {"n_clusters": 5, "n_starts": 3, "random_state": 0}
    pipeline = fit_segments(train, categories=categories, weights={"job": 2.0}, **how)
    card = Scorecard.from_pipeline(pipeline, train, as_of="2024-12-31")
    levels = np.array(["小学", "中学", "大学　", " 大学", "博士", "👩", None], object)
    table = pd.DataFrame(
        {
            "age_years": rng.normal(45, 30, N).round(2),
            "job": rng.choice(np.array([*TEXTS, *STRANGE], dtype=object), N),
            "education": rng.choice(levels, N),
        },
        index=pd.Index([f"c{i}" for i in range(N)], name="customer_id"),
    )
    assert len(set(expected := pipeline.predict(table))) == 5
    assert (card.predict(table) == expected).all()
    return card, table


def hex_of(folder: Path, table: pd.DataFrame) -> Path:
    """The customers as a file without header; texts in hexadecimal, a missing one as ``-``."""
    texts = [c for c in table if table[c].dtype != float]
    written = table.assign(**{
        c: table[c].map({t: t.encode().hex() for t in table[c].dropna().unique()}).fillna("-")
        for c in texts
    })  # fmt: skip
    file = folder / "texts.csv"
    written.to_csv(file, header=False)
    return file


TEXT_COLUMNS = "customer_id VARCHAR(32), age_years {}, job TEXT, education TEXT"


def check(card: Scorecard, table: pd.DataFrame, found: pd.DataFrame):
    found = found.set_index("customer_id").loc[table.index]
    cluster = card.predict(table).astype("Int32")
    answer = pd.to_numeric(found["cluster"]).astype("Int32")
    differ = ~((cluster == answer) | (cluster.isna() & answer.isna())).fillna(False)
    assert differ.sum() == 0, f"{differ.sum()} labels differ"
    label = card.label(table).set_index("customer_id")
    assert (found["segment_id"].fillna("") == label["segment_id"].fillna("")).all()
    distance = pd.to_numeric(found["distance"]).astype(float)
    np.testing.assert_allclose(distance, label["distance"], rtol=1e-9, atol=1e-9)


def test_ties_are_there_and_go_to_the_lowest(tied, table):
    """Otherwise the other tests would prove nothing about ties."""
    z = [(table[f.name] - f.mean) / f.scale for f in tied.features]
    squared = np.array([sum((a - c) ** 2 for a, c in zip(z, s.centre)) for s in tied.segments])
    complete = ~np.isnan(squared[0])
    ties = (squared == squared.min(axis=0)).sum(axis=0) > 1
    assert (ties & complete).sum() > 20_000  # clusters 1 and 3 have the same centre
    assert ((squared == squared.min(axis=0)).sum(axis=0) > 2).sum() > 100  # age 50, a business
    answer = tied.predict(table)
    assert (answer[complete] == squared[:, complete].argmin(axis=0)).all()
    assert answer[~complete].isna().all()
    assert 3 not in set(answer.dropna())


CARDS = pytest.mark.parametrize("which", ["learned", "tied", "grouped"])


def csv_of(folder: Path, table: pd.DataFrame) -> Path:
    file = folder / "customers.csv"
    pa.csv.write_csv(pa.Table.from_pandas(table.reset_index(), preserve_index=False), file)
    return file


def columns_sql(table: pd.DataFrame, double: str) -> str:
    return "customer_id VARCHAR(32), " + ", ".join(f"{c} {double}" for c in table)


@pytest.mark.parametrize("dialect", ["duckdb", "sqlite"])
@pytest.mark.parametrize("name", ["clipped", "nearest", "Squared"])
def test_names_that_the_query_uses_itself(dialect, name):
    columns = ["id", "x0", "z1", "d0", "cluster"]
    features = [ScorecardFeature(c, "", 0.0, -9.0, 9.0, False, 0.0, 1.0 + i, 0.0, (), (1.0,))
                for i, c in enumerate(columns)]  # fmt: skip
    rng = np.random.default_rng(0)
    segments = [ScorecardSegment(k, f"s{k}", "客", "S", "", None, 0.5, tuple(rng.normal(size=5)))
                for k in range(3)]  # fmt: skip
    card = Scorecard(tuple(features), tuple(segments), trained_on="2024-12-31", customers=9)
    table = pd.DataFrame(rng.normal(size=(200, 5)), columns=columns).rename_axis("x1")
    sql = card.to_sql(dialect, table=name, id_column="x1")
    if dialect == "duckdb":
        import duckdb

        with duckdb.connect() as connection:
            connection.register(name, table.reset_index())
            found = connection.execute(sql).df()
    else:
        with sqlite3.connect(":memory:") as connection:
            table.to_sql(name, connection)
            found = pd.read_sql(sql, connection)
    assert (found.set_index("x1")["cluster"].loc[table.index] == card.predict(table)).all()


@CARDS
def test_duckdb(which, table, request):
    import duckdb

    card = request.getfixturevalue(which)
    with duckdb.connect() as con:
        con.register("customers", table.reset_index())
        check(card, table, con.execute(card.to_sql("duckdb", table="customers")).df())


def test_duckdb_reads_levels(levelled):
    import duckdb

    card, table = levelled
    with duckdb.connect() as con:
        con.register("texts", table.reset_index())
        check(card, table, con.execute(card.to_sql("duckdb", table="texts")).df())


@CARDS
def test_duckdb_takes_nan_as_missing(which, table, request):
    import duckdb

    card = request.getfixturevalue(which)
    few = table.head(50)
    with duckdb.connect() as con:
        con.execute(f"CREATE TABLE customers ({columns_sql(few, 'DOUBLE')})")
        rows = [[key, *map(float, row)] for key, row in zip(few.index, few.to_numpy())]
        con.executemany(f"INSERT INTO customers VALUES ({', '.join('?' * 7)})", rows)
        assert con.execute("SELECT count(*) FROM customers WHERE isnan(aum_cny)").fetchone()[0]
        check(card, few, con.execute(card.to_sql("duckdb", table="customers")).df())


@pytest.fixture(scope="module")
def sqlite(table):
    con = sqlite3.connect(":memory:")
    try:
        con.execute("SELECT LN(2.0)")
    except sqlite3.OperationalError:
        pytest.skip("this SQLite was built without mathematical functions (LN)")
    con.execute(f"CREATE TABLE customers ({columns_sql(table, 'REAL')})")
    rows = table.reset_index().astype(object).where(lambda t: t.notna(), None)
    marks = ", ".join("?" * rows.shape[1])
    con.executemany(f"INSERT INTO customers VALUES ({marks})", rows.itertuples(index=False))
    yield con
    con.close()


@CARDS
def test_sqlite(which, table, sqlite, request):
    card = request.getfixturevalue(which)
    check(card, table, pd.read_sql(card.to_sql("sqlite", table="customers"), sqlite))


def test_sqlite_reads_levels(levelled, sqlite):
    card, table = levelled
    sqlite.execute(f"CREATE TABLE texts ({TEXT_COLUMNS.format('REAL')})")
    rows = table.reset_index().astype(object).where(lambda t: t.notna(), None)
    sqlite.executemany("INSERT INTO texts VALUES (?, ?, ?, ?)", rows.itertuples(index=False))
    check(card, table, pd.read_sql(card.to_sql("sqlite", table="texts"), sqlite))


def test_sqlite_misses_a_column_aloud(learned, sqlite):
    """With "…" around names SQLite would read the lacking column as a text, and score it."""
    sqlite.execute("CREATE TABLE narrow (customer_id TEXT)")
    with pytest.raises(sqlite3.OperationalError, match="no such column"):
        sqlite.execute(learned.to_sql("sqlite", table="narrow"))


def program(*names: str) -> str:
    for name in names:
        for place in [shutil.which(name), *sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"))]:
            if place:
                return place
    pytest.skip(f"{names[0]} is not installed; see the head of this file")


@contextmanager
def server_folder(account: str):
    """A folder that a server may use; root hands it to the server's own account."""
    folder = Path(tempfile.mkdtemp(prefix="kequn-"))
    user = None
    if os.getuid() == 0:
        user = account if subprocess.run(["id", account], capture_output=True).returncode == 0 else "nobody"  # fmt: skip  # noqa: E501
        shutil.chown(folder, user)
    try:
        yield folder, user
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running(command, ready, *, user, log: Path):
    with log.open("wb") as out:
        server = subprocess.Popen(command, user=user, stdout=out, stderr=out, cwd="/")
    try:
        deadline = time.monotonic() + 30
        while subprocess.run(ready, capture_output=True).returncode:
            if server.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"{command[0]} did not start:\n{log.read_text()[-2000:]}")
            time.sleep(0.1)
        yield
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


@pytest.fixture(scope="module")
def postgres(table, tmp_path_factory):
    initdb, server, psql = program("initdb"), program("postgres"), program("psql")
    file = csv_of(tmp_path_factory.mktemp("postgres"), table)
    with server_folder("postgres") as (folder, user):
        subprocess.run(
            [initdb, "-D", folder / "data", "-U", "kequn", "-A", "trust", "--no-sync"],
            user=user, check=True, capture_output=True, cwd="/",
        )  # fmt: skip
        options = ["-c", "listen_addresses=", "-c", f"unix_socket_directories={folder}"]
        client = [psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", folder, "-U", "kequn", "-d", "postgres"]  # fmt: skip  # noqa: E501

        def run(sql: str, *, stdin=None) -> str:
            done = subprocess.run([*client, "-c", sql], stdin=stdin, capture_output=True)
            assert done.returncode == 0, done.stderr.decode()
            return done.stdout.decode()

        with running(
            [server, "-D", folder / "data", "-F", *options],
            [*client, "-c", "SELECT 1"],
            user=user,
            log=file.with_name("log"),
        ):
            run(f"CREATE TABLE customers ({columns_sql(table, 'DOUBLE PRECISION')})")
            with file.open("rb") as rows:
                run("COPY customers FROM STDIN (FORMAT csv, HEADER)", stdin=rows)
            yield run


@CARDS
@pytest.mark.parametrize("dialect", ["postgres", "gaussdb"])
def test_postgres(which, dialect, table, postgres, request, tmp_path):
    card = request.getfixturevalue(which)
    out = tmp_path / "labels.csv"
    sql = card.to_sql(dialect, table="public.customers")
    out.write_text(postgres(f"COPY ({sql}) TO STDOUT (FORMAT csv, HEADER)"))
    check(card, table, pd.read_csv(out, dtype={"customer_id": "str"}))


@pytest.fixture(scope="module", params=["learned", "grouped", "levelled"])
def copied(request):
    """A scorecard of a registry and its golden rows, for a copy in each database."""
    card = request.getfixturevalue(request.param)
    card = card[0] if isinstance(card, tuple) else card
    numbers = {s.cluster: f"S{s.cluster + 3:04d}" for s in card.segments}
    card = stamped(card, numbers, "20241231-0a1b2c")
    return card, card.golden_rows()


def golden_file(copied, folder: Path, double: str, text: str) -> tuple[Path, str]:
    """The rows as a CSV file, and the columns of a table for them."""
    card, golden = copied
    golden[["customer_id", *card.feature_names]].to_csv(folder / "golden.csv", index=False)
    kinds = [f"{f.name} {double}" for f in card.features]
    kinds += [f"{c.name} {text}" for c in card.categories]
    return folder / "golden.csv", f"customer_id VARCHAR(20), {', '.join(kinds)}"


def check_golden(copied, labels: pd.DataFrame) -> None:
    card, golden = copied
    for column in ("cluster", "segment_id", "permanent_id"):
        assert disagreements(golden, labels, column).empty
    assert set(labels["run_id"].dropna()) == {card.run_id}
    assert labels["run_id"].isna().sum() == labels["cluster"].isna().sum() < 10


@pytest.mark.parametrize("dialect", ["postgres", "gaussdb"])
def test_golden_rows_go_through_postgres(copied, dialect, postgres, tmp_path):
    file, columns = golden_file(copied, tmp_path, "DOUBLE PRECISION", "TEXT")
    postgres(f"DROP TABLE IF EXISTS golden; CREATE TABLE golden ({columns})")
    with file.open("rb") as rows:
        postgres("COPY golden FROM STDIN (FORMAT csv, HEADER)", stdin=rows)
    out = tmp_path / "labels.csv"
    sql = copied[0].to_sql(dialect, table="golden")
    out.write_text(postgres(f"COPY ({sql}) TO STDOUT (FORMAT csv, HEADER)"))
    check_golden(copied, pd.read_csv(out))


def test_postgres_reads_levels(levelled, postgres, tmp_path):
    card, table = levelled
    columns = TEXT_COLUMNS.format("DOUBLE PRECISION")
    postgres(f"CREATE TABLE texts ({columns}); CREATE TABLE written ({columns})")
    with hex_of(tmp_path, table).open("rb") as rows:
        postgres("COPY written FROM STDIN (FORMAT csv)", stdin=rows)
    values = (
        f"convert_from(decode(NULLIF({c}, '-'), 'hex'), 'UTF8')" for c in ("job", "education")
    )
    postgres(f"INSERT INTO texts SELECT customer_id, age_years, {', '.join(values)} FROM written")
    out = tmp_path / "labels.csv"
    sql = card.to_sql("postgres", table="public.texts")
    out.write_text(postgres(f"COPY ({sql}) TO STDOUT (FORMAT csv, HEADER)"))
    check(card, table, pd.read_csv(out, dtype={"customer_id": "str"}))


def test_a_name_is_a_name_and_never_a_command(postgres):
    """A column that is called like an attack is read as a column; the table survives."""
    evil = 'x"; DROP TABLE customers; --'
    quoted = '"' + evil.replace('"', '""') + '"'
    postgres(f"CREATE TABLE odd (customer_id TEXT, {quoted} DOUBLE PRECISION)")
    postgres("INSERT INTO odd VALUES ('a', 1.0), ('b', -1.0)")
    f = ScorecardFeature(evil, "", None, None, None, False, 0.0, 1.0, 0.0, (), (1.0,))
    sides = [(0, "up", 1.0), (1, "down", -1.0)]
    s = tuple(ScorecardSegment(k, n, n, n, "", None, 0.5, (c,)) for k, n, c in sides)
    sql = Scorecard((f,), s, trained_on="2024-12-31", customers=2).to_sql("postgres", table="odd")
    answer = postgres(f"COPY (SELECT segment_id FROM ({sql}) s ORDER BY 1) TO STDOUT")
    assert answer.split() == ["down", "up"]
    assert postgres("COPY (SELECT count(*) FROM customers) TO STDOUT").strip() == str(N)


def test_scoring_straight_from_postgres(learned, table, postgres, tmp_path, monkeypatch):
    """The way of ``kequn score`` with a query: in chunks, the password from the environment."""
    pytest.importorskip("sqlalchemy", reason="SQLAlchemy is absent (extra sql)")
    pytest.importorskip("psycopg", reason="no driver for PostgreSQL (psycopg)")
    from kequn_lab.export.labels import read_labels
    from kequn_lab.run.entrance import Given
    from kequn_lab.run.scoring import score_files

    folder = postgres("SHOW unix_socket_directories").split()[2]
    url = f"postgresql+psycopg://kequn@/postgres?host={folder}"
    query = "SELECT * FROM customers WHERE customer_id < '000000000000020000'"
    monkeypatch.setenv("KEQUN_DB_PASSWORD", "hunter2")
    record = score_files(learned, tmp_path, Given(features=url, query=query))
    assert "hunter2" not in (tmp_path / "labels.meta.json").read_text()
    assert record["inputs"][0]["rows"] == 20_000
    labels = read_labels(tmp_path / "labels.csv").set_index("customer_id")["cluster"]
    expected = learned.predict(table.head(20_000))
    assert (labels.sort_index() == expected.to_numpy()).all()


#: Each writes, or would; the walls are tried together and one by one.
ATTACKS = [
    "DROP TABLE customers",
    "WITH gone AS (SELECT 1) DELETE FROM customers",
    "CREATE TABLE mine AS SELECT 1 AS a",
    "INSERT INTO customers (customer_id) VALUES ('x')",
    "SELECT 1 AS a; DROP TABLE customers",
]


def attacked(address, attacks, monkeypatch):
    """Every attack fails at the first wall, and at the second where the first is taken away."""
    from kequn_lab.contract import _databases
    from kequn_lab.contract.sources import open_source

    for query in attacks:
        with pytest.raises(ValueError, match="may only read"):
            open_source(address, query=query)
    monkeypatch.setattr(_databases, "require_select", lambda query: None)
    for query in attacks:
        with pytest.raises(OSError, match="check the address and query"):
            open_source(address, query=query)


def test_a_session_of_postgres_only_reads(postgres, monkeypatch, tmp_path):
    pytest.importorskip("psycopg", reason="no driver for PostgreSQL (psycopg)")
    pytest.importorskip("sqlalchemy", reason="SQLAlchemy is absent (extra sql)")
    from kequn_lab.contract.sources import open_source

    folder = postgres("SHOW unix_socket_directories").split()[2]
    address = f"postgresql+psycopg://kequn@/postgres?host={folder}"
    mark = tmp_path / "written"
    postgres("CREATE SEQUENCE s")
    more = [f"COPY customers TO PROGRAM 'touch {mark}'", f"COPY customers TO '{mark}'",
            "WITH gone AS (DELETE FROM customers RETURNING *) SELECT * FROM gone",
            "SELECT 1 AS a INTO mine", "VACUUM customers"]  # fmt: skip
    attacked(address, ATTACKS + more, monkeypatch)
    functions = "nextval('s')", "set_config('transaction_read_only', 'off', true)"
    for function in functions:
        with pytest.raises(OSError, match="read-only|read-write"):
            open_source(address, query=f"SELECT {function}")
    assert not mark.exists()
    assert postgres("COPY (SELECT count(*) FROM customers) TO STDOUT").strip() == str(N)


def test_types_of_postgres_survive(postgres):
    pytest.importorskip("psycopg", reason="no driver for PostgreSQL (psycopg)")
    pytest.importorskip("sqlalchemy", reason="SQLAlchemy is absent (extra sql)")
    from kequn_lab.contract.sources import open_source

    folder = postgres("SHOW unix_socket_directories").split()[2]
    query = """
        SELECT gen_random_uuid() AS u, 123456789012345678::numeric(18, 0) AS n, i, b'1' AS bits,
               DATE '2024-01-05' AS d, TIMESTAMP '2024-01-05 14:30' AS t, '5%'::text AS percent,
               i = 1 AS yes, ARRAY[1, 2] AS a, ':x' AS colon
        FROM (VALUES (9007199254740993::bigint), (NULL)) v (i)"""
    source = open_source(f"postgresql+psycopg://kequn@/postgres?host={folder}", query=query)
    for _ in range(2):
        row = next(source.chunks()).iloc[0]
        assert len(row["u"]) == 36
        assert str(row["n"]) == "123456789012345678"
        assert row["i"] == 9007199254740993
        assert (row["d"], row["t"]) == (
            pd.Timestamp("2024-01-05"),
            pd.Timestamp("2024-01-05 14:30"),
        )
        assert (row["percent"], row["colon"], row["a"]) == ("5%", ":x", "[1, 2]")


@pytest.fixture(scope="module")
def mariadb(table, tmp_path_factory):
    install, server = program("mariadb-install-db"), program("mariadbd", "mysqld")
    client = program("mariadb", "mysql")
    file = csv_of(tmp_path_factory.mktemp("mariadb"), table)
    with server_folder("mysql") as (folder, user):
        os.chmod(folder, 0o755)
        who = [f"--user={user}"] if user else []
        subprocess.run(
            [install, "--no-defaults", f"--datadir={folder}/data", "--skip-test-db",
             "--auth-root-authentication-method=normal", *who],
            check=True, capture_output=True, cwd="/",
        )  # fmt: skip
        socket = folder / "socket"
        ask = [client, "--no-defaults", f"--socket={socket}", "-u", "root", "--local-infile=1"]
        ask += ["--batch", "--default-character-set=utf8mb4"]

        def run(sql: str, database="bank") -> str:
            done = subprocess.run([*ask, "-e", sql, database], capture_output=True)
            assert done.returncode == 0, done.stderr.decode()
            return done.stdout.decode()

        with running(
            [server, "--no-defaults", f"--datadir={folder}/data", f"--socket={socket}",
             "--skip-networking", "--local-infile=1", "--innodb-flush-log-at-trx-commit=0",
             f"--pid-file={folder}/pid", *who],
            [*ask, "-e", "SELECT 1"],
            user=None,
            log=file.with_name("log"),
        ):  # fmt: skip
            run("CREATE DATABASE bank", "mysql")
            names = ", ".join(f"@v{i}" for i in range(table.shape[1]))
            values = ", ".join(f"{c} = NULLIF(@v{i}, '')" for i, c in enumerate(table))
            run(f"CREATE TABLE customers ({columns_sql(table, 'DOUBLE')})")
            run(
                f"LOAD DATA LOCAL INFILE '{file}' INTO TABLE customers FIELDS TERMINATED BY ','"
                f" OPTIONALLY ENCLOSED BY '\"' IGNORE 1 LINES (customer_id, {names}) SET {values}"
            )
            yield run


@CARDS
def test_mariadb(which, table, mariadb, request, tmp_path):
    card = request.getfixturevalue(which)
    out = tmp_path / "labels.tsv"
    out.write_text(mariadb(card.to_sql("mariadb", table="bank.customers")))
    check(card, table, pd.read_csv(out, sep="\t", dtype={"customer_id": "str"}))


def test_golden_rows_go_through_mariadb(copied, mariadb, tmp_path):
    file, columns = golden_file(copied, tmp_path, "DOUBLE", "VARCHAR(500)")
    mariadb(f"CREATE OR REPLACE TABLE golden ({columns}) CHARSET utf8mb4")
    names = copied[0].feature_names
    given, values = (", ".join(form.format(n) for n in names) for form in
                     ("@{0}", "{0} = NULLIF(@{0}, '')"))  # fmt: skip
    mariadb(f"LOAD DATA LOCAL INFILE '{file}' INTO TABLE golden CHARACTER SET utf8mb4 "
            "FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"' ESCAPED BY '' "
            f"IGNORE 1 LINES (customer_id, {given}) SET {values}")  # fmt: skip
    out = tmp_path / "labels.tsv"
    out.write_text(mariadb(copied[0].to_sql("mariadb", table="bank.golden")))
    check_golden(copied, pd.read_csv(out, sep="\t"))


@pytest.mark.parametrize("charset", ["utf8mb4", "gb2312"])
def test_mariadb_reads_levels(levelled, mariadb, charset, tmp_path):
    """Its own comparison knows no case, and an old table has another character set."""
    card, table = levelled
    if charset == "gb2312":  # it has no emoji, and fewer letters
        fits = [c for c in [*TEXTS, *STRANGE] if c and not set(c) & set("é👩")]
        table = table[table["job"].isin(fits) & (table["education"] != "👩")].head(20_000)
    mariadb(f"CREATE OR REPLACE TABLE texts ({TEXT_COLUMNS.format('DOUBLE')}) CHARSET {charset}")
    values = (
        f"{c} = CONVERT(UNHEX(NULLIF(@{c}, '-')) USING utf8mb4)" for c in ("job", "education")
    )
    mariadb(
        f"LOAD DATA LOCAL INFILE '{hex_of(tmp_path, table)}' INTO TABLE texts"
        " FIELDS TERMINATED BY ',' (customer_id, age_years, @job, @education)"
        f" SET {', '.join(values)}"
    )
    out = tmp_path / "labels.tsv"
    out.write_text(mariadb(card.to_sql("mariadb", table="bank.texts")))
    check(card, table, pd.read_csv(out, sep="\t", dtype={"customer_id": "str"}))


def test_a_session_of_mariadb_only_reads(mariadb, monkeypatch):
    pytest.importorskip("pymysql", reason="no driver for MariaDB (pymysql)")
    pytest.importorskip("sqlalchemy", reason="SQLAlchemy is absent (extra sql)")
    from kequn_lab.contract.sources import open_source

    socket = mariadb("SELECT @@socket").split()[1]
    address = f"mysql+pymysql://root@localhost/bank?unix_socket={socket}"
    source = open_source(
        address, query="SELECT customer_id, age_years, '5%' AS p FROM customers LIMIT 7"
    )
    for _ in range(2):
        assert [len(c) for c in source.chunks(rows=5)] == [5, 2]
    # A file is no table: only the first wall keeps the server from writing one.
    with pytest.raises(ValueError, match="may only read, and it says INTO"):
        open_source(address, query="SELECT 1 INTO OUTFILE '/kequn_written'")
    attacked(address, ATTACKS, monkeypatch)
    assert mariadb("SELECT count(*) FROM customers").split()[1] == str(N)


@pytest.fixture(scope="module")
def spark():
    pyspark = pytest.importorskip("pyspark", reason="pyspark is not installed (extra spark)")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("no Java for Spark")
    del pyspark
    from pyspark.sql import SparkSession

    session = (
        SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "1")
        .getOrCreate()
    )
    yield session
    session.stop()


@CARDS
def test_spark(which, table, spark, request, tmp_path):
    card = request.getfixturevalue(which)
    table.reset_index().to_parquet(tmp_path / "customers.parquet")
    spark.read.parquet(str(tmp_path / "customers.parquet")).createOrReplaceTempView("customers")
    spark.sql(card.to_sql("spark", table="customers")).write.parquet(str(tmp_path / "labels"))
    check(card, table, pd.read_parquet(tmp_path / "labels"))


def test_golden_rows_go_through_spark(copied, spark, tmp_path):
    card, golden = copied
    golden[["customer_id", *card.feature_names]].to_parquet(tmp_path / "golden.parquet")
    spark.read.parquet(str(tmp_path / "golden.parquet")).createOrReplaceTempView("golden")
    spark.sql(card.to_sql("spark", table="golden")).write.parquet(str(tmp_path / "labels"))
    check_golden(copied, pd.read_parquet(tmp_path / "labels"))


def test_spark_reads_levels(levelled, spark, tmp_path):
    card, table = levelled
    table = table.head(50_000)  # of 200,000 in the other engines: Spark takes half a minute
    table.reset_index().to_parquet(tmp_path / "customers.parquet")
    spark.read.parquet(str(tmp_path / "customers.parquet")).createOrReplaceTempView("texts")
    spark.sql(card.to_sql("spark", table="texts")).write.parquet(str(tmp_path / "labels"))
    check(card, table, pd.read_parquet(tmp_path / "labels"))


@pytest.mark.parametrize("engine", ["postgres", "mariadb"])
def test_verify_asks_the_database(engine, request, tmp_path, capsys):
    """``kequn verify --against ADDRESS --query SELECT``, where the SELECT is that of kequn sql."""
    pytest.importorskip("sqlalchemy", reason="SQLAlchemy is absent (extra sql)")
    server = request.getfixturevalue(engine)
    if engine == "postgres":
        pytest.importorskip("psycopg", reason="no driver for PostgreSQL (psycopg)")
        folder = server("SHOW unix_socket_directories").split()[2]
        address = f"postgresql+psycopg://kequn@/postgres?host={folder}"
    else:
        pytest.importorskip("pymysql", reason="no driver for MariaDB (pymysql)")
        socket = server("SELECT @@socket").split()[1]
        address = f"mysql+pymysql://root@localhost/bank?unix_socket={socket}"
    table = bank_table(300, 3).iloc[10:, 2:3].dropna().reset_index()
    result = kq.segment(table, k=2, stability=0, starts=2, quiet=True)
    result.save(tmp_path / "result", quiet=True)
    double = {"postgres": "DOUBLE PRECISION", "mariadb": "DOUBLE"}[engine]
    rows = result.card.golden_rows()[["customer_id", "age_years"]].astype(object)
    values = ", ".join(f"('{c}', {'NULL' if pd.isna(a) else repr(a)})" for c, a in rows.to_numpy())
    server(f"DROP TABLE IF EXISTS verified; CREATE TABLE verified (customer_id VARCHAR(20), "
           f"age_years {double}); INSERT INTO verified VALUES {values}")  # fmt: skip
    sql = result.card.to_sql(engine, table="verified")
    ask = ["verify", str(tmp_path / "result"), "--against", address, "--query"]
    assert main([*ask, sql]) == 0
    assert capsys.readouterr().out.startswith("All 200 golden rows have the same label")
    assert main([*ask, sql.replace("THEN 0 ELSE 1", "THEN 1 ELSE 0")]) == 1
    assert "golden rows have another label" in capsys.readouterr().err

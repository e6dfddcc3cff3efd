"""SQL that reaches for files, networks, other statements or endless work is refused before anything runs; its honest twin runs."""

from __future__ import annotations

import random
import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sql_calls import files, query, rows
from tools.contract import ToolOutput
from tools.errors import ParameterError, TerraciteError
from tools.sql.grammar import canonical

CANARY = "the-canary-sings"

TWINS: dict[str, tuple[str, list[str]]] = {
    "files and addresses as tables": (
        "SELECT name FROM clinics WHERE name = 'Ash'",
        [
            "SELECT * FROM 'canary.csv'",
            'SELECT * FROM "canary.csv"',
            "SELECT * FROM '{here}/canary.parquet'",
            'SELECT * FROM "file://{here}/canary.parquet"',
            "SELECT * FROM 'http://localhost:9/x.parquet'",
            "SELECT * FROM 's3://bucket/x.parquet'",
            "SELECT * FROM '/vsicurl/http://localhost:9/x.fgb'",
            "SELECT c.name FROM clinics c, 'canary.csv' x",
            "SELECT name FROM clinics WHERE name IN (SELECT secret FROM 'canary.csv')",
            "SELECT (SELECT secret FROM 'canary.csv' LIMIT 1) AS s FROM clinics",
            "WITH w AS (SELECT * FROM 'canary.csv') SELECT * FROM w, clinics",
            "SELECT name FROM clinics UNION ALL SELECT secret FROM 'canary.csv'",
            "SELECT * FROM clinics.'canary.csv'",
            'SELECT c.name FROM clinics c JOIN "canary.csv" AS x ON TRUE',
            "SELECT name FROM clinics /* */ , -- nothing to see\n'canary.csv'",
        ],
    ),
    "table functions": (
        "SELECT s.name FROM (SELECT name FROM clinics WHERE name = 'Ash') s",
        [
            "SELECT * FROM read_csv('canary.csv')",
            "SELECT * FROM read_parquet('{here}/canary.parquet')",
            "SELECT * FROM parquet_metadata('{here}/canary.parquet')",
            "SELECT * FROM generate_series(1, 1000000000000)",
            "SELECT name, UNNEST(range(0, 1000000000)) AS n FROM clinics",
            "SELECT * FROM clinics, LATERAL (SELECT 1 AS a) x",
            "SELECT * FROM TABLE(clinics)",
            "SELECT * FROM (VALUES (1), (2)) v, clinics",
        ],
    ),
    "the engine's own tables": (
        "SELECT COUNT(*) AS tables FROM clinics",
        [
            "SELECT * FROM information_schema.tables",
            'SELECT * FROM "information_schema"."df_settings"',
            "SELECT * FROM datafusion.public.clinics",
            "SHOW TABLES",
            "DESCRIBE clinics",
            "EXPLAIN ANALYZE SELECT * FROM clinics",
        ],
    ),
    "statements that write or change": (
        "SELECT name FROM clinics WHERE name = 'DROP TABLE clinics'",
        [
            "COPY clinics TO '{here}/new.csv'",
            "COPY (SELECT * FROM clinics) TO '{here}/new.parquet'",
            "CREATE TABLE t AS SELECT * FROM clinics",
            "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '{here}/canary.csv'",
            "CREATE VIEW v AS SELECT * FROM clinics",
            "SELECT * INTO t FROM clinics",
            "INSERT INTO clinics SELECT * FROM clinics",
            "UPDATE clinics SET name = 'x'",
            "DELETE FROM clinics",
            "DROP TABLE clinics",
            "SET datafusion.catalog.information_schema = true",
            "PRAGMA table_info(clinics)",
            "ATTACH '{here}/canary.parquet' AS x",
            "CALL system('touch {here}/new')",
            "WITH w AS (DELETE FROM clinics RETURNING *) SELECT * FROM w",
        ],
    ),
    "several statements": (
        "SELECT name FROM clinics WHERE kind = ';' OR name = 'Ash';",
        [
            "SELECT name FROM clinics; DROP TABLE clinics",
            "SELECT name FROM clinics; SELECT * FROM 'canary.csv'",
            "SELECT name FROM clinics;;",
            "; SELECT name FROM clinics",
            "SELECT name FROM clinics --\n; COPY clinics TO '{here}/new.csv'",
        ],
    ),
    "functions that look out or change from call to call": (
        "SELECT UPPER(name) AS name, ROUND(beds / 3, 1) AS third FROM clinics",
        [
            "SELECT pg_read_file('{here}/canary.csv') AS s FROM clinics",
            "SELECT version() AS v FROM clinics",
            "SELECT now() AS t FROM clinics",
            "SELECT CURRENT_DATE AS t FROM clinics",
            "SELECT random() AS r FROM clinics",
            "SELECT uuid() AS u FROM clinics",
            "SELECT RS_FromPath('{here}/canary.tif') AS r FROM clinics",
            "SELECT REPEAT(name, 1000000000) AS s FROM clinics",
            "SELECT LPAD(name, 1000000000) AS s FROM clinics",
            "SELECT name || name AS s FROM clinics",
            "SELECT REGEXP_REPLACE(name, '(a+)+$', '') AS s FROM clinics",
            "SELECT name FROM clinics WHERE name SIMILAR TO '(a+)+'",
            "SELECT ARRAY_AGG(name) AS a FROM clinics",
            "SELECT ST_Transform(geometry, 'EPSG:3857') AS geometry FROM clinics",
            "SELECT ST_GeomFromWKT('POINT (0 0)') AS geometry FROM clinics",
            "SELECT ST_Intersects(ST_Buffer(geometry, 1), geometry) AS b FROM clinics",
            "SELECT CAST(name AS JSON) AS j FROM clinics",
            "SELECT CAST('{here}/canary.csv' AS BYTEA) AS j FROM clinics",
        ],
    ),
    "work without an end": (
        "WITH w AS (SELECT kind, COUNT(*) AS n FROM clinics GROUP BY kind) SELECT kind, n FROM w",
        [
            "WITH RECURSIVE w AS (SELECT 1 AS n FROM clinics UNION ALL SELECT n + 1 FROM w) SELECT n FROM w",
            "WITH RECURSIVE w(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM w) SELECT COUNT(*) AS n FROM w, clinics",
            "SELECT name FROM clinics WHERE beds IN (" + ", ".join(["1"] * 4_000) + ")",
            "SELECT name FROM clinics WHERE " + "(" * 2_000 + "beds = 1" + ")" * 2_000,
            "SELECT name FROM clinics WHERE " + "NOT " * 1_500 + "beds = 1",
            "SELECT " + "-" * 999 + "beds AS b FROM clinics",
            "SELECT name FROM clinics WHERE " + " OR ".join(["beds = 1"] * 700),
            "SELECT name FROM " + "(SELECT name FROM " * 40 + "clinics" + ") x" * 40,
            " UNION ALL ".join(["SELECT name FROM clinics"] * 40),
            "SELECT CASE " * 200 + "1" + " END" * 200 + " AS c FROM clinics",
            "SELECT name FROM clinics WHERE name LIKE '" + "%a" * 6_000 + "'",
            "SELECT beds + " + "9" * 5_000 + " AS n FROM clinics",
            "SELECT " + ", ".join(f"beds AS b{n}" for n in range(220)) + " FROM clinics",
            "SELECT name FROM clinics LIMIT 99999999999999999999999999",
            "SELECT name FROM clinics TABLESAMPLE BERNOULLI (50)",
            "SELECT kind, COUNT(*) AS n FROM clinics GROUP BY CUBE (kind, name, beds)",
        ],
    ),
    "signs that only look like SQL": (
        "SELECT \"name\" FROM clinics WHERE name = 'Ash'",
        [
            "SELECT name FROM clinics WHERE name = \u2019Ash\u2019",
            "SELECT \uff33\uff25\uff2c\uff25\uff23\uff34 FROM clinics",
            "SELECT name FROM clinics WHERE name = 'Ash",
            'SELECT "name FROM clinics',
            "SELECT name FROM clinics WHERE beds = \u0661",
            "SELECT name FROM clinics WHERE name = $$Ash$$ AND x = E'\\x41'",
            "SELECT name\x00 FROM clinics",
            "SELECT `name` FROM clinics WHERE {{ beds }} = 1",
            "SELECT :name FROM clinics",
            "SELECT $1 FROM clinics WHERE beds = ?",
            "SELECT @x := 1 FROM clinics",
            "SELECT name FROM clinics WHERE name = '\ud800'",
            "",
            "   ",
            "what is the area of clinics?",
        ],
    ),
}  # fmt: skip
HOSTILE = [(family, text) for family, (_, texts) in TWINS.items() for text in texts]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {"clinics": files(tmp_path_factory.mktemp("data"))["clinics"]}


@pytest.fixture(scope="module")
def bait(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import pandas as pd

    folder, frame = tmp_path_factory.mktemp("bait"), pd.DataFrame({"secret": [CANARY]})
    frame.to_csv(folder / "canary.csv", index=False)
    frame.to_parquet(folder / "canary.parquet")
    return folder


@pytest.fixture
def here(bait: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a secret that the engine could read, and where it could write: the working folder."""
    monkeypatch.chdir(bait)
    return bait


@pytest.mark.parametrize(("family", "text"), HOSTILE, ids=[f"{family} {number}" for number, (family, _) in enumerate(HOSTILE)])
def test_hostile_sql_is_refused_and_nothing_is_read_or_written(here: Path, data, tmp_path: Path, family: str, text: str) -> None:
    before = sorted(here.iterdir())
    sql = text.replace("{here}", str(here))
    with pytest.raises(ParameterError) as refusal:
        query(tmp_path, data, sql)
    assert CANARY not in str(refusal.value)
    assert refusal.value.hint
    assert len(refusal.value.message) < 1_500
    assert sorted(here.iterdir()) == before
    assert not [path for call in tmp_path.glob("call-*") for path in call.iterdir()]


@pytest.mark.parametrize("family", TWINS)
def test_an_honest_query_of_the_same_shape_runs(here: Path, data, tmp_path: Path, family: str) -> None:
    output = query(tmp_path, data, TWINS[family][0])
    assert isinstance(output, ToolOutput)
    assert rows(output) or "DROP" in TWINS[family][0]


def test_the_engine_by_itself_would_read_the_secret(here: Path) -> None:
    from tools.storage.sql_engine import run_sql  # so that the refusals above are what protects it in one process

    assert CANARY in str(run_sql("SELECT * FROM 'canary.csv'", {}, memory_bytes=1 << 28).to_pylist())


# Texts that nobody thought of ---------------------------------------------------------------------------------------

HONEST = [
    "SELECT d.zone, COUNT(*) AS n, SUM(d.area_m2) AS a FROM clinics c JOIN districts d ON ST_Within(c.geometry, d.geometry) GROUP BY d.zone HAVING COUNT(*) > 0 ORDER BY n DESC LIMIT 3",
    "WITH w AS (SELECT kind, SUM(beds) AS s FROM clinics GROUP BY kind) SELECT w.kind, w.s, p.label FROM w LEFT JOIN prices p ON w.kind = p.kind",
    "SELECT name, RANK() OVER (PARTITION BY kind ORDER BY beds DESC ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS r FROM clinics WHERE NOT (beds IN (1, 2) OR kind LIKE 'x%')",
    "SELECT kind FROM clinics UNION ALL SELECT kind FROM prices EXCEPT SELECT zone FROM districts",
    "SELECT c.name, (SELECT MAX(price) FROM prices p WHERE p.kind = c.kind) AS m, CASE WHEN beds > 1 THEN area_m2 ELSE 0 END AS a FROM clinics c WHERE EXISTS (SELECT 1 FROM districts d WHERE ST_Intersects(c.geometry, d.geometry))",
]
WORDS = [re.findall(r"'[^']*'|\w+|[^\w\s]", text) for text in HONEST]
ODD = ["; ", "--", "/*", "*/", '"', "'", "[", "]", "::", "->", "@", "$1", "?", "lateral", "recursive", "natural", "using", "interval", "unnest", "pivot", "0x1", "1e999", "\x00", "*", ".", "(", ")", ",", "distinct", "over", "group", "null"]  # fmt: skip


def mutated(seed: int) -> str:
    """Return an honest query with some of its words exchanged, doubled, dropped, or mixed with those of another."""
    choice = random.Random(seed)
    words = list(choice.choice(WORDS))
    for _ in range(choice.randint(1, 3)):
        at, other = choice.randrange(len(words)), choice.choice(WORDS)
        piece = choice.choice([[choice.choice(ODD)], other[choice.randrange(len(other)) :][:6], words[at : at + 3] * 2, []])
        words[at : at + choice.randint(0, 2)] = piece
        words = words or ["SELECT"]
    return " ".join(words)


@given(st.integers(0, 2**32 - 1))
def test_a_text_is_refused_or_its_printed_form_is_its_own(seed: int) -> None:
    try:
        printed = canonical(mutated(seed))
    except ParameterError:
        return
    assert canonical(printed) == printed


@pytest.mark.heavy
@pytest.mark.parametrize("start", range(0, 1_500, 100))
def test_a_mutated_query_gives_a_result_or_one_of_our_errors(tmp_path: Path, start: int) -> None:
    known = files(tmp_path)
    for seed in range(start, start + 100):
        sql = mutated(seed)
        views = {name: path for name, path in known.items() if re.search(rf"\b{name}\b", sql)}
        with suppress(TerraciteError):
            query(tmp_path, views or known, sql)

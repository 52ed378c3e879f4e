"""The tables of a `PostgresStore`, and what it asks of them."""

from __future__ import annotations

import re

from sesamy_async.errors import ConfigurationError


TABLE = "sesamy_orders"
_NAMED = re.compile(r"([a-z_][a-z0-9_]{0,39}\.)?[a-z_][a-z0-9_]{0,39}")

# "C" compares letter by letter, and is the order of the index.
SCHEMA = """\
CREATE TABLE IF NOT EXISTS {orders} (
    place text COLLATE "C" NOT NULL,
    vendor text COLLATE "C" NOT NULL,
    order_id text COLLATE "C" NOT NULL,
    state text NOT NULL,
    at double precision NOT NULL,
    data text NOT NULL,
    PRIMARY KEY (place, vendor, order_id)
);
CREATE INDEX IF NOT EXISTS {orders_by_id} ON {orders} (order_id);
CREATE INDEX IF NOT EXISTS {orders_ended} ON {orders} (at)
    WHERE state IN ('CONFIRMED', 'REFUSED');
CREATE TABLE IF NOT EXISTS {contracts} (
    place text COLLATE "C" NOT NULL,
    vendor text COLLATE "C" NOT NULL,
    contract_id text COLLATE "C" NOT NULL,
    order_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (place, vendor, contract_id)
);
CREATE INDEX IF NOT EXISTS {contracts_by_order} ON {contracts} (order_id);
CREATE TABLE IF NOT EXISTS {salt} (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    salt text NOT NULL
);
"""
# "IF NOT EXISTS" alone fails when two do it at once.
ALONE = "SELECT pg_advisory_xact_lock(7305521302)"
ABOUT = "SELECT current_setting('server_version'), to_regclass(%s) IS NOT NULL"
_NOW = "extract(epoch FROM clock_timestamp())::float8"
FIND = f"""\
SELECT o.data, c.order_id, {_NOW}
FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[])
    WITH ORDINALITY AS w (place, vendor, order_id, contract_id, number)
LEFT JOIN {{orders}} AS o
    ON (o.place, o.vendor, o.order_id) = (w.place, w.vendor, w.order_id)
LEFT JOIN {{contracts}} AS c
    ON (c.place, c.vendor, c.contract_id)
        = (w.place, w.vendor, w.contract_id)
ORDER BY w.number
"""  # noqa: S608 - constants of ours
_KEY = """\
place = %(place)s AND vendor = %(vendor)s AND order_id = %(order_id)s
"""
ADD = """\
INSERT INTO {orders} (place, vendor, order_id, state, at, data)
VALUES (%(place)s, %(vendor)s, %(order_id)s, %(state)s, %(at)s, %(data)s)
ON CONFLICT DO NOTHING
"""
PUT = f"""\
UPDATE {{orders}} SET state = %(state)s, at = %(at)s, data = %(data)s
WHERE {_KEY} AND data = %(old)s
"""  # noqa: S608 - constants of ours
REMOVE = f"DELETE FROM {{orders}} WHERE {_KEY} AND data = %(old)s"  # noqa: S608
# If another order has the contract by now, all of it fails.
CHANGE = """\
WITH changed AS ({} RETURNING 1), owned AS (
    INSERT INTO {{contracts}} (place, vendor, contract_id, order_id)
    SELECT %(place)s, %(vendor)s, %(contract_id)s, %(order_id)s FROM changed
    WHERE %(contract_id)s::text IS NOT NULL
)
SELECT count(*) FROM changed
"""
# Also of those that are not wanted, the key says where to go on.
WINDOW = f"""\
SELECT place, vendor, order_id,
    CASE WHEN at >= %s AND state = ANY (%s) THEN data END, {_NOW}
FROM {{orders}} WHERE (place, vendor, order_id) > (%s, %s, %s)
ORDER BY place, vendor, order_id LIMIT %s
"""  # noqa: S608 - constants of ours
BY_ID = f"""\
SELECT place, vendor, order_id, data, {_NOW} FROM {{orders}}
WHERE at >= %s AND state = ANY (%s) AND order_id = %s
"""  # noqa: S608 - constants of ours
PURGE = f"""\
WITH old AS MATERIALIZED (
    SELECT place, vendor, order_id FROM {{orders}}
    WHERE state IN ('CONFIRMED', 'REFUSED') AND at < {_NOW} - %s
    LIMIT %s FOR UPDATE SKIP LOCKED
), removed AS (
    DELETE FROM {{orders}} AS o USING old
    WHERE (o.place, o.vendor, o.order_id)
        = (old.place, old.vendor, old.order_id)
), disowned AS (
    DELETE FROM {{contracts}} AS c USING old
    WHERE (c.place, c.vendor, c.order_id)
        = (old.place, old.vendor, old.order_id)
)
SELECT count(*) FROM old
"""  # noqa: S608 - constants of ours
SALT = """\
INSERT INTO {salt} (salt) VALUES (%s) ON CONFLICT DO NOTHING;
SELECT salt FROM {salt}
"""


def schema(table: str = TABLE) -> str:
    """Return the SQL that makes the tables of a store."""
    return SCHEMA.format(**names(table))


def names(table: str) -> dict[str, str]:
    """Return the names for the texts, or raise a `ConfigurationError`."""
    if not _NAMED.fullmatch(table):
        raise ConfigurationError(
            "table: the name of a table of orders has 1 to 40 letters a-z, "
            "digits and _, such as sesamy_orders; a schema and a dot may "
            "precede it."
        )
    quoted = table.replace(".", '"."')
    name = table.rpartition(".")[2]
    return {
        "orders": f'"{quoted}"',
        "contracts": f'"{quoted}_contracts"',
        "salt": f'"{quoted}_salt"',
        # An index is always in the schema of its table.
        "orders_by_id": f'"{name}_by_id"',
        "orders_ended": f'"{name}_ended"',
        "contracts_by_order": f'"{name}_by_order"',
    }

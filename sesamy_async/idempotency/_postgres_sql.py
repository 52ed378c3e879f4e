"""The tables of a `PostgresStore`, and what it asks of them."""

from __future__ import annotations


# "C" compares letter by letter, and is the order of the index.
SCHEMA = """\
CREATE TABLE IF NOT EXISTS sesamy_orders (
    place text COLLATE "C" NOT NULL,
    vendor text COLLATE "C" NOT NULL,
    order_id text COLLATE "C" NOT NULL,
    state text NOT NULL,
    at double precision NOT NULL,
    data text NOT NULL,
    PRIMARY KEY (place, vendor, order_id)
);
CREATE INDEX IF NOT EXISTS sesamy_orders_by_id ON sesamy_orders (order_id);
CREATE INDEX IF NOT EXISTS sesamy_orders_ended ON sesamy_orders (at)
    WHERE state IN ('CONFIRMED', 'REFUSED');
CREATE TABLE IF NOT EXISTS sesamy_orders_contracts (
    place text COLLATE "C" NOT NULL,
    vendor text COLLATE "C" NOT NULL,
    contract_id text COLLATE "C" NOT NULL,
    order_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (place, vendor, contract_id)
);
CREATE INDEX IF NOT EXISTS sesamy_orders_by_order
    ON sesamy_orders_contracts (order_id);
CREATE TABLE IF NOT EXISTS sesamy_orders_salt (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    salt text NOT NULL
);
"""
# "IF NOT EXISTS" alone fails when two do it at once.
ALONE = "SELECT pg_advisory_xact_lock(7305521302)"
_NOW = "extract(epoch FROM clock_timestamp())::float8"
FIND = f"""\
SELECT o.data, c.order_id, {_NOW}
FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[])
    WITH ORDINALITY AS w (place, vendor, order_id, contract_id, number)
LEFT JOIN sesamy_orders AS o
    ON (o.place, o.vendor, o.order_id) = (w.place, w.vendor, w.order_id)
LEFT JOIN sesamy_orders_contracts AS c
    ON (c.place, c.vendor, c.contract_id)
        = (w.place, w.vendor, w.contract_id)
ORDER BY w.number
"""  # noqa: S608 - constants of ours
_KEY = """\
place = %(place)s AND vendor = %(vendor)s AND order_id = %(order_id)s
"""
ADD = """\
INSERT INTO sesamy_orders (place, vendor, order_id, state, at, data)
VALUES (%(place)s, %(vendor)s, %(order_id)s, %(state)s, %(at)s, %(data)s)
ON CONFLICT DO NOTHING
"""
PUT = f"""\
UPDATE sesamy_orders SET state = %(state)s, at = %(at)s, data = %(data)s
WHERE {_KEY} AND data = %(old)s
"""  # noqa: S608 - constants of ours
REMOVE = f"DELETE FROM sesamy_orders WHERE {_KEY} AND data = %(old)s"  # noqa: S608
# If another order has the contract by now, all of it fails.
CHANGE = """\
WITH changed AS ({} RETURNING 1), owned AS (
    INSERT INTO sesamy_orders_contracts (place, vendor, contract_id, order_id)
    SELECT %(place)s, %(vendor)s, %(contract_id)s, %(order_id)s FROM changed
    WHERE %(contract_id)s::text IS NOT NULL
)
SELECT count(*) FROM changed
"""
# Also of those that are not wanted, the key says where to go on.
WINDOW = f"""\
SELECT place, vendor, order_id,
    CASE WHEN at >= %s AND state = ANY (%s) THEN data END, {_NOW}
FROM sesamy_orders WHERE (place, vendor, order_id) > (%s, %s, %s)
ORDER BY place, vendor, order_id LIMIT %s
"""  # noqa: S608 - constants of ours
BY_ID = f"""\
SELECT place, vendor, order_id, data, {_NOW} FROM sesamy_orders
WHERE at >= %s AND state = ANY (%s) AND order_id = %s
"""  # noqa: S608 - constants of ours
PURGE = f"""\
WITH old AS MATERIALIZED (
    SELECT place, vendor, order_id FROM sesamy_orders
    WHERE state IN ('CONFIRMED', 'REFUSED') AND at < {_NOW} - %s
    LIMIT %s FOR UPDATE SKIP LOCKED
), removed AS (
    DELETE FROM sesamy_orders AS o USING old
    WHERE (o.place, o.vendor, o.order_id)
        = (old.place, old.vendor, old.order_id)
), disowned AS (
    DELETE FROM sesamy_orders_contracts AS c USING old
    WHERE (c.place, c.vendor, c.order_id)
        = (old.place, old.vendor, old.order_id)
)
SELECT count(*) FROM old
"""  # noqa: S608 - constants of ours
SALT = """\
INSERT INTO sesamy_orders_salt (salt) VALUES (%s) ON CONFLICT DO NOTHING;
SELECT salt FROM sesamy_orders_salt
"""

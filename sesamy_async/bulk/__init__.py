"""A file of orders, none lost, none doubled.

A file is read (``reading``), checked as a whole (``check``), written down
as a plan (``journal``), sent order by order (``importer``), and reported
(``reports``).  Nothing here is loaded by ``import sesamy_async``.
"""

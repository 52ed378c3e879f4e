"""Say what is wrong with a `PostgresStore`, and what to do.

The texts of the server and its driver hold hosts and users, so none of them
is shown.
"""

from __future__ import annotations

import psycopg

from sesamy_async._links import LOST, Explained


NAME = "(Postgres)"

_GRANT = (
    "its user has no permission for this. Grant it SELECT, INSERT, UPDATE and "
    "DELETE on the tables that `sesamy orders schema` shows"
)
_READ_ONLY = (
    "it can only be read: it is a standby, or was made read-only. Name the "
    "server that it follows, or all of them: postgresql://one,two/database"
)
_LATE = "it did not finish in time. Try again"
_GONE = (
    "its tables are gone, and with them which orders were sent to Sesamy. "
    "Restore them from a backup"
)
_OTHERS = (
    "its tables are not those of this version of sesamy-async. See what "
    "`sesamy orders schema` prints"
)
_FULL = (
    "it has no disk space, memory or connections left. Free some; then "
    "try again"
)
_TEXT = "an id has a character that its database can't store"
_BY_CODE = {
    "08": (LOST, True),
    "22": (_TEXT, False),
    "25006": (_READ_ONLY, False),
    "42": (_OTHERS, False),
    "42501": (_GRANT, False),
    "42P01": (_GONE, False),
    "53": (_FULL, True),
    "54000": ("an id is too long for it", False),
    "55": (_LATE, True),
    "57": (LOST, True),
    "57014": (_LATE, True),
}
# A failed login has no code, only what the server says, which we don't show.
_BY_WORDS = {
    "password": "it refuses this user. Check the user and the password",
    "pg_hba.conf": "it accepts no connection from here with this user, "
    "database and encryption. Check its pg_hba.conf",
    "role": "it does not know the user",
    "database": "it does not have the database, or refuses the user",
    "certificate": "its certificate is not trusted. Check sslrootcert in the "
    "URL",
    "read-only": _READ_ONLY,
    "read-write": _READ_ONLY,
}


def explained(error: Exception) -> Explained:
    """Say what happened in words of ours: others hold hosts and users."""
    if not isinstance(error, psycopg.Error):
        return f"{type(error).__name__} in this program", False
    code = error.sqlstate or ""
    for start in (code, code[:2]):
        if start in _BY_CODE:
            return _BY_CODE[start]
    if isinstance(error, psycopg.DataError):
        return _TEXT, False
    if isinstance(error, psycopg.OperationalError) and not code:
        # Which of them are served, and whether there are too many, passes.
        said = str(error).partition("FATAL:")[2] or str(error)
        for words, what in _BY_WORDS.items():
            if words in said:
                return what, False
        return LOST, True
    return f"{type(error).__name__} {code}".rstrip(), False

"""Say what is wrong with a `RedisStore`, and what to do.

The texts of the server and its driver hold hosts and users, so none of them
is shown.
"""

from __future__ import annotations

from redis import exceptions

from ._pool import LOST
from ._store import StoreUnavailable, unusable


NAME = "(Redis)"

REPLICA = (
    "it is a replica, which only follows another Redis. Name the one that it "
    "follows"
)
_LOGIN = "it refuses this user. Check the user and the password"
_CERTIFICATE = "its certificate is not trusted. Check ssl_ca_certs in the URL"
_CLUSTER = (
    "it is a cluster, which may lose what it has acknowledged. Name a Redis "
    "that is not a cluster"
)
_FULL = "it has no memory left. Raise its maxmemory, or purge old orders"
_GRANT = (
    "its user has no permission for this. Let it use EVAL, GET, MGET, SET, "
    "DEL, EXISTS, TIME, ZADD, ZREM, ZRANGEBYLEX and ZRANGEBYSCORE on keys "
    "that begin with {sesamy-orders}, and ROLE and CONFIG|GET"
)
# From the more special to the more general.
_BY_CLASS: tuple[tuple[type[Exception], str, bool], ...] = (
    (exceptions.AuthenticationError, _LOGIN, False),
    (exceptions.ReadOnlyError, REPLICA, False),
    (exceptions.NoPermissionError, _GRANT, False),
    (exceptions.MasterDownError, REPLICA, False),
    (exceptions.ClusterDownError, _CLUSTER, False),
    (exceptions.AskError, _CLUSTER, False),
    (exceptions.OutOfMemoryError, _FULL, True),
    (exceptions.BusyLoadingError, "it is starting. Try again", True),
    (exceptions.TimeoutError, "it did not answer in time. Try again", True),
    (exceptions.ConnectionError, LOST, True),
)
# Errors that only some versions of redis-py have a class for.
_BY_WORD = {
    "CLUSTERDOWN": (_CLUSTER, False),
    "MASTERDOWN": (REPLICA, False),
    "MOVED": (_CLUSTER, False),
    "MISCONF": ("it can't write to its disk. Check its log", True),
    "NOREPLICAS": ("it has lost its replicas. Check its log", True),
    "WRONGPASS": (_LOGIN, False),
    "DB": ("it does not have this database, which is a number", False),
}


def explained(error: Exception) -> StoreUnavailable:
    """Say what happened in words of ours: others hold hosts and users."""
    if "certificate" in str(error):
        return unusable(NAME, _CERTIFICATE)
    for kind, what, passes in _BY_CLASS:
        if isinstance(error, kind):
            return unusable(NAME, what, retryable=passes)
    word = str(error).partition(" ")[0]
    unknown = (f"{type(error).__name__} in this program", False)
    what, passes = _BY_WORD.get(word, unknown)
    return unusable(NAME, what, retryable=passes)

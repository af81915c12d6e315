"""Which history a URL names."""

from __future__ import annotations

from collector.storage.history import History
from collector.storage.historyfile import SqliteHistory
from config.endpoint import sqlite_path


async def open_history(url: str, read_only: bool = False) -> History:
    """`sqlite:PATH`, `influxdb://host:port/database` or `influxdb2://host:port/org/bucket`; EndpointError for others.

    A server need not answer now; a file must be usable (HistoryRefused), and be there if it is only to be read.
    """
    if path := sqlite_path(url):
        history = SqliteHistory(path, read_only)
        await history.open()
        return history
    from collector.storage.influx import open_influx  # half a second of imports that a file has no use for

    return open_influx(url)

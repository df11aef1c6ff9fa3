"""Results that others published, each with the number of scans, the protocol and the source it comes with.

`atlas.csv` is read by `read_rows`; nothing is shown of it that was not read there.
"""

from experiments.published.rows import FILE, PublishedRow, read_rows

__all__ = ["FILE", "PublishedRow", "read_rows"]

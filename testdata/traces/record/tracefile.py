"""Writes trace files: gzip, a `# key: value` preamble, a header line, integer rows.

The format is described in ../README.md; kernelsim/trace reads it.
"""

import datetime
import gzip
import os
import platform

VERSION = 1
OUT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def write(name, set_name, columns, rows, **keys):
    """Write rows (tuples of int or short str) to <traces>/<name>.csv.gz.

    Times are the first column and must not decrease; the reader refuses a
    file that breaks this, so it is checked here, where it can be re-recorded.
    """
    rows = list(rows)
    if not rows:
        raise SystemExit(f"{name}: nothing was recorded")
    if any(a[0] > b[0] for a, b in zip(rows, rows[1:])):
        raise SystemExit(f"{name}: times run backwards")
    meta = {
        "mlbridge-trace": VERSION,
        "set": set_name,
        "name": name,
        # The hour matters to workload prediction (time_of_day); minutes do not.
        "recorded-on": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:00Z"),
        # Version only: the rest of the release string names the build host.
        "kernel": "Linux " + platform.release().split("-")[0] + " " + platform.machine(),
        "cpus": os.cpu_count(),
        **{k.replace("_", "-"): v for k, v in keys.items()},
        "rows": len(rows),
    }
    text = "".join(f"# {k}: {v}\n" for k, v in meta.items())
    text += ",".join(columns) + "\n"
    text += "".join(",".join(map(str, r)) + "\n" for r in rows)
    path = os.path.join(OUT, name + ".csv.gz")
    with open(path, "wb") as f:
        # mtime=0 and no file name: the same rows give the same bytes.
        with gzip.GzipFile(filename="", mode="wb", fileobj=f, compresslevel=9, mtime=0) as z:
            z.write(text.encode("ascii"))
    print(f"{name}: {len(rows)} rows, {os.path.getsize(path)} bytes", flush=True)


def numbered(ids):
    """Map ids to 1, 2, 3 ... by first appearance: real pids say nothing useful."""
    table = {}
    for i in ids:
        table.setdefault(i, len(table) + 1)
    return table

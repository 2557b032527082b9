"""What those who record a machine have in common: a clock that stands still with it, and their file."""
import gzip
import io
import time

LATE = 0.5  # s: what comes later than that comes from a machine that stood still


class Clock:
    """Counts from its making, but for the times in which the machine stood still."""

    def __init__(self):
        self.start, self.stood = time.monotonic(), 0  # stood: how often the machine did

    def ms(self):
        return int((time.monotonic() - self.start) * 1000)

    def ticks(self, seconds, interval):
        """Yields once an interval, for so many seconds of this clock."""
        for k in range(1, int(seconds / interval) + 1):
            wait = self.start + k * interval - time.monotonic()
            if wait < -LATE:
                self.start, self.stood = self.start - wait, self.stood + 1
            time.sleep(max(0, wait))
            yield


def write(path, columns, rows):
    """Writes a gzipped CSV file whose bytes are those of the same rows at any time."""
    text = io.StringIO()
    text.write(columns + "\n")
    text.writelines(row + "\n" for row in rows)
    with open(path, "wb") as f, gzip.GzipFile(filename="", mode="wb", fileobj=f, compresslevel=9, mtime=0) as z:
        z.write(text.getvalue().encode("ascii"))

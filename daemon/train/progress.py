"""Says what training is at: on a terminal in one line that is written over, elsewhere in
a line now and then.
"""
import sys
import time

OFTEN, SELDOM = 0.2, 10  # seconds between two words, on a terminal and elsewhere

_said = 0.0


def tell(text):
    global _said
    terminal = sys.stderr.isatty()
    if time.monotonic() - _said < (OFTEN if terminal else SELDOM):
        return
    _said = time.monotonic()
    print(f"\r\x1b[K  {text}" if terminal else f"  {text}", end="" if terminal else "\n", file=sys.stderr, flush=True)


def done():
    """Takes the line back."""
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)

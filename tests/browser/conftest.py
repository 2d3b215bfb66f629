"""The worlds of the end-to-end tests, seen through a real browser."""

import sys
from pathlib import Path

# Worlds and the session that serves them are those of the end-to-end tests.
sys.path.insert(0, str(Path(__file__).parents[1] / "e2e"))

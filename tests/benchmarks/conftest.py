"""The benchmarks are scripts, not part of the package: let tests import them."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

"""What holds for all tests."""

import gc

# The libraries make many objects that stay: looking for cycles among them as often as Python does by default
# is a sixth of the time of the tests.
gc.set_threshold(50_000)

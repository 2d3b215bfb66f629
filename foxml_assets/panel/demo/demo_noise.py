"""The planted leak of the demo: a label that is a coin flip, and a feature that nearly copies it.

No other target depends on the coin, so the copy can harm none of them.
"""

import zlib

import numpy as np
import pandas as pd

_BLUR = 0.15


def coin_flip(prices: pd.DataFrame) -> pd.DataFrame:
    """A fair coin per stock and day; the days drawn so far do not depend on the days to come."""
    flips = [_generator(str(symbol), "flip").random(len(prices)) < 0.5 for symbol in prices.columns]
    return pd.DataFrame(np.column_stack(flips).astype(float), index=prices.index, columns=prices.columns)


def coin_flip_echo(prices: pd.DataFrame) -> pd.DataFrame:
    """The coin blurred by Gaussian noise: the mistake that leakage detection has to find."""
    blur = [_generator(str(symbol), "blur").standard_normal(len(prices)) for symbol in prices.columns]
    return coin_flip(prices) + _BLUR * np.column_stack(blur)


def _generator(symbol: str, purpose: str) -> np.random.Generator:
    # A checksum, because Python's own hash of a text is another in every process.
    return np.random.default_rng([zlib.crc32(symbol.encode()), zlib.crc32(purpose.encode())])

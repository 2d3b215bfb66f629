import pytest
from evidence_panels import Run, evaluate
from small_market import small_frame


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The evidence of the small market, made once."""
    return evaluate(tmp_path_factory.mktemp("plain"), small_frame())

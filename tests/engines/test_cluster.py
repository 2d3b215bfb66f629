"""A scheduler is asked only by who can speak to it."""

from pathlib import Path

import pytest

from foxml_assets.core.errors import EngineError
from foxml_assets.engines.cluster import connected

NOBODY = "tls://127.0.0.1:1"


def test_without_a_certificate_nobody_is_asked() -> None:
    from distributed import Security

    assert Security().get_connection_args("client")["ssl_context"] is None
    told = r"(?s)speaks TLS.*tls://127\.0\.0\.1:1.*Fix: set DASK_CONFIG"
    with pytest.raises(EngineError, match=told), connected(NOBODY):
        pass


def test_certificates_that_are_not_there_are_told(tmp_path: Path) -> None:
    # The settings of distributed stand once it is imported.
    import distributed
    from dask import config

    assert distributed.Security().tls_ca_file is None
    missing = {f"distributed.comm.tls.{name}": str(tmp_path / "gone") for name in ("ca-file", "client.cert")}
    told = pytest.raises(EngineError, match="No such file")
    with config.set(missing), told, connected(NOBODY):
        pass

from tests.integration.gateway.conftest import log, pool, sqlite

__all__ = ["log", "pool", "sqlite"]

"""Fixtures every folder's tests may use."""

from tests.engines import kafka_broker, postgres_dsn

__all__ = ["kafka_broker", "postgres_dsn"]

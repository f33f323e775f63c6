"""Fixtures every folder's tests may use."""

from tests.cloud import cloud_root
from tests.engines import kafka_broker, postgres_dsn

__all__ = ["cloud_root", "kafka_broker", "postgres_dsn"]

"""Fixtures every folder's tests may use."""

from tests.checkouts import checkout
from tests.cloud import cloud_root
from tests.engines import kafka_broker, postgres_dsn

__all__ = ["checkout", "cloud_root", "kafka_broker", "postgres_dsn"]

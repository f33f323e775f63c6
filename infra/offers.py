"""What the cluster stacks offer for keys of the fabric that nobody configured: brokers and databases. Pure."""

from collections.abc import Callable, Mapping

import msgspec

from infra.config import ConfigError, Settings
from infra.names import Site

KAFKA, LEDGER_DSN, WAREHOUSE_DSN, PASSWORD = (
    "kafka", "ledgerDsn", "warehouseDsn", "databasePassword",
)  # fmt: skip
SECRET = (LEDGER_DSN, WAREHOUSE_DSN, PASSWORD)
"""Outputs that are secret in a cluster's stack."""

Outputs = Mapping[str, object]
_FROM: dict[str, tuple[Site, str]] = {
    "kafkaPublic": ("public", KAFKA),
    "kafkaPrivate": ("private", KAFKA),
    "ledgerDsn": ("private", LEDGER_DSN),
    "warehouseDsn": ("private", WAREHOUSE_DSN),
    "databasePassword": ("private", PASSWORD),
}
"""Each key of the fabric, and the output of a cluster's stack it may come from."""


def completed(settings: Settings, read: Callable[[Site], Outputs]) -> Settings:
    """The settings, each empty key filled from what the site's stack offers; `read` is asked only if one is empty.

    A database's password goes with its address: of two databases none gets the other's. Raises `ConfigError`.
    """
    values = msgspec.to_builtins(settings)
    empty: dict[str, tuple[Site, str]] = {
        key: it for key, it in _FROM.items() if not values[key] and it[0] in settings.sites
    }
    if values["ledgerDsn"] or values["warehouseDsn"]:
        empty.pop("databasePassword", None)
    sites: set[Site] = {site for site, _ in empty.values()}
    found = {site: read(site) for site in sorted(sites)}
    given = {
        key: found[site][output] for key, (site, output) in empty.items() if output in found[site]
    }
    try:
        return msgspec.convert({**values, **given}, Settings)
    except msgspec.ValidationError as error:
        raise ConfigError(
            f"outputs of the cluster stacks: {error}; expected texts and lists as `isthmus up` wrote them; "
            "fix: isthmus up the cluster stacks again"
        ) from error

"""On which sites a fabric is installed while not every cluster has been up: on those that have. Pure.

A cluster that was up and does not answer now is not left out: what the fabric holds in it would be taken away.
"""

from collections.abc import Collection, Sequence

import msgspec

from infra.config import PROJECT, Settings
from infra.names import Site

SITES_KEY = "sites"


class _Provider(msgspec.Struct, frozen=True, kw_only=True):
    type: str = ""
    urn: str = ""


def sites_to_install(
    asked: str, *, there: Collection[Site], held: Sequence[object]
) -> tuple[tuple[Site, ...], str]:
    """The sites, and a note when that is fewer than asked for (`asked` is the key's JSON, empty for its default).

    `there` are the sites whose cluster was up, `held` the fabric's resources.
    """
    default: tuple[Site, ...] = Settings().sites
    wanted: tuple[Site, ...]
    wanted = msgspec.json.decode(asked, type=tuple[Site, ...]) if asked else default
    installed = {
        it.urn.rpartition("::")[2]
        for it in msgspec.convert(held, tuple[_Provider, ...])
        if it.type == "pulumi:providers:kubernetes"
    }
    kept: tuple[Site, ...] = tuple(site for site in wanted if site in there or site in installed)
    missing = [site for site in wanted if site not in kept]
    if not missing:
        return kept, ""
    names = " and ".join(missing)
    return kept, f"installed without {names}: no cluster has been up there; isthmus up adds it then"


def with_sites(text: str, sites: Sequence[Site]) -> str:
    """A stack's file (YAML) with these sites in it."""
    file: dict[str, object] = msgspec.yaml.decode(text, type=dict[str, object] | None) or {}
    config = msgspec.convert(file.get("config") or {}, dict[str, object])
    config = {key: it for key, it in config.items() if key != f"{PROJECT}:{SITES_KEY}"}
    return msgspec.yaml.encode(
        {**file, "config": {**config, f"{PROJECT}:{SITES_KEY}": list(sites)}}
    ).decode()

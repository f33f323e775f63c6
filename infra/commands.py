"""The command line of each program in its pod. Pure.

On process nodes the programs run from this checkout by its own Python; in an image by the image's.
"""

from pathlib import PurePath

from infra.config import Settings
from infra.documents import SiteFacts
from infra.names import CONFIG, PORT_HTTP, PROCESS_IMAGE, STATE
from infra.workloads import Workload

IMAGE_PYTHON = "/opt/isthmus/bin/python"
LEDGER_ENV = "LEDGER_DSN"
TOPIC = "clicks"


def python_of(settings: Settings, root: PurePath) -> str:
    """The interpreter a pod starts."""
    return str(root / ".venv/bin/python") if on_host(settings) else IMAGE_PYTHON


def on_host(settings: Settings) -> bool:
    """Whether pods are processes of this host."""
    return settings.image.partition("@")[0].partition(":")[0] == PROCESS_IMAGE


def arguments(workload: Workload, facts: tuple[SiteFacts, ...]) -> list[str]:
    """What follows the interpreter."""
    match workload.kind:
        case "router-edge" | "router-core":
            return ["-m", "router", "--settings", f"{CONFIG}/settings.json"]
        case "bridge":
            return ["-m", "sync", "--settings", f"{CONFIG}/settings.json"]
        case "ads" | "clicks" | "orders" | "profiles":
            return _service(workload, facts)


def _service(workload: Workload, facts: tuple[SiteFacts, ...]) -> list[str]:
    own = next(it for it in facts if it.site == workload.site)
    # a public service also answers the core router; a private one only its own site
    heard = facts if workload.site == "public" else (own,)
    allowed = [network for it in heard for network in it.networks]
    words = [
        "-m", "marketing", workload.kind, "--name", "$(POD_NAME)", "--site", workload.site,
        "--listen", f"0.0.0.0:{PORT_HTTP}", "--ready", f"{STATE}/ready.json",
        *(word for network in allowed for word in ("--allow", network)),
    ]  # fmt: skip
    match workload.kind:
        case "clicks":
            return [*words, "--kafka", ",".join(own.kafka), "--topic", TOPIC]
        case "orders" | "profiles":
            return [*words, "--dsn", f"$({LEDGER_ENV})"]
        case _:
            return words

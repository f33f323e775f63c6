"""What the engine is told by its environment, so that everything it keeps stands in the checkout.

State, plugins and passphrase are in `.isthmus/pulumi`, unless the usual variables (`PULUMI_BACKEND_URL`,
`PULUMI_CONFIG_PASSPHRASE…`, `PULUMI_HOME`) name another place.
"""

import contextlib
import os
import secrets
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from runtime.processes import MARK

PROVIDER_DIRECTORY = "resource-kubernetes-v4.25.0"
PROVIDER = "pulumi-resource-kubernetes"
PROGRAMS = ("pulumi", "pulumi-language-python")
"""Found on PATH; the provider of Kubernetes is looked for among the engine's plugins too."""


def home_of(root: Path) -> Path:
    """Where the engine's things stand in the checkout."""
    return root / ".isthmus" / "pulumi"


def mark_of(root: Path, environment: str) -> str:
    """What every process of an engine at work on the environment carries: how a killed command's are found."""
    return str(home_of(root.resolve()) / environment)


def engine_environ(root: Path, environment: str, environ: Mapping[str, str]) -> dict[str, str]:
    """What the engine is told; makes the directories and the passphrase it names. Raises `OSError`."""
    home = home_of(root)
    chosen = {
        MARK: mark_of(root, environment),
        "PATH": search_path(root, environ),
        "PULUMI_HOME": environ.get("PULUMI_HOME") or str(made(home / "home")),
        "PULUMI_BACKEND_URL": environ.get("PULUMI_BACKEND_URL") or f"file://{made(home / 'state')}",
        # dynamic providers are started by a script that would take any python3 on PATH
        "PULUMI_PYTHON_CMD": environ.get("PULUMI_PYTHON_CMD") or sys.executable,
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        # what a killed run or a hand has written is taken over; else healing ends in a conflict of field managers
        "PULUMI_K8S_ENABLE_PATCH_FORCE": "true",
    }
    if not {"PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"} & environ.keys():
        chosen["PULUMI_CONFIG_PASSPHRASE_FILE"] = str(_passphrase(home / "passphrase"))
    _offer_provider(root, Path(chosen["PULUMI_HOME"]))
    return chosen


def search_path(root: Path, environ: Mapping[str, str]) -> str:
    """PATH with the engines built here first."""
    return f"{root / '.isthmus' / 'bin'}:{environ.get('PATH', os.defpath)}"


def missing_programs(root: Path, environ: Mapping[str, str]) -> tuple[str, ...]:
    """Which of the engine's programs are nowhere; nothing is made."""
    path = search_path(root, environ)
    found = [it for it in (*PROGRAMS, PROVIDER) if shutil.which(it, path=path) is None]
    home = Path(environ.get("PULUMI_HOME") or home_of(root) / "home")
    plugged = any(home.glob(f"plugins/{PROVIDER.removeprefix('pulumi-')}-v*/{PROVIDER}"))
    return tuple(it for it in found if it != PROVIDER or not plugged)


def made(directory: Path) -> Path:
    """The directory, for us alone, and so whatever above it is not there yet."""
    for it in (*reversed(directory.parents), directory):
        it.mkdir(exist_ok=True, mode=0o700)
    return directory


def _passphrase(path: Path) -> Path:
    if not path.exists():
        made(path.parent)
        scratch = path.with_name(f"{path.name}.{os.getpid()}")
        descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32))
        with contextlib.suppress(FileExistsError):
            os.link(scratch, path)  # whoever was first wins: two may start at once
        scratch.unlink()
    return path


def _offer_provider(root: Path, home: Path) -> None:
    """Let the engine find the provider that was built here where it looks first, without its warning about PATH."""
    built = root / ".isthmus" / "bin" / PROVIDER
    offered = home / "plugins" / PROVIDER_DIRECTORY / built.name
    if built.exists() and not offered.exists():
        made(offered.parent)
        offered.unlink(missing_ok=True)
        offered.symlink_to(built.resolve())

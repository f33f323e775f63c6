"""`python -m autoscale --settings FILE`: the controller of promotions, until SIGTERM. See `autoscale.control`."""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from autoscale.control.clock import SystemClock
from autoscale.control.run import Process, Ways
from autoscale.control.settings import AutoscaleSettings, SettingsError, read_settings
from autoscale.control.sources import LiveSources
from autoscale.kube.client import Client, ConfigurationFault
from autoscale.targets.clouds import CloudError, groups_of
from autoscale.targets.groups import Groups
from autoscale.verify.canary import Canaries
from runtime.logs import set_up_logs

USAGE, ENVIRONMENT = 2, 3


def parse(argv: Sequence[str]) -> Path:
    """The settings file named on the command line."""
    parser = argparse.ArgumentParser(prog="python -m autoscale", description=__doc__)
    parser.add_argument("--settings", type=Path, required=True, help="AutoscaleSettings as JSON")
    return parser.parse_args(argv).settings


def main(argv: Sequence[str]) -> int:
    """Exit code: 0 ended as asked, 2 settings cannot be used, 3 the lease is lost or a port is not to be had."""
    set_up_logs("autoscale")
    path = parse(argv)
    try:
        data = path.read_bytes()
    except OSError as error:
        sys.stderr.write(
            f"{path}: cannot be read ({error.strerror}); expected AutoscaleSettings as JSON; "
            "fix: name an existing file with --settings\n"
        )
        return USAGE
    try:
        settings = read_settings(data, str(path))
        process = make(settings)
    except (SettingsError, ConfigurationFault, CloudError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return USAGE

    def on_signal(_signum: int, _frame: object) -> None:
        process.stop()

    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, on_signal)
    try:
        return process.run()
    except OSError as error:
        sys.stderr.write(f"{path}: {error}; expected listen and ready to be free and writable\n")
        return ENVIRONMENT


def make(settings: AutoscaleSettings) -> Process:
    """Everything wired. Raises `ConfigurationFault`, `CloudError`."""
    clock = SystemClock()
    canary = settings.canary
    sources = LiveSources(
        settings, clock, groups=Groups(groups_of(settings.pools)),
        canaries=Canaries(canary.urls, timeout_s=canary.timeout_s),
    )  # fmt: skip
    process = Process(settings, Ways(Client(settings.kubeconfig), clock, sources))
    sources.start(process.stopping)
    return process


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stderr.flush()
    # threads may still wait on a watch; nothing they hold is unwritten
    os._exit(code)

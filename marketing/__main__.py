"""`python -m marketing SERVICE …`: one process, one service; imports only what that service needs.

Exit codes: 0 stopped by a signal, 2 usage, 3 the environment (address taken, broker or database away).
"""

import contextlib
import sys
from collections.abc import Callable
from typing import assert_never

import uvloop

from marketing.options import Options, ServiceKind, parse_options
from marketing.serving import Service, serve
from runtime.late_logs import set_up_late_logs

EXIT_ENVIRONMENT = 3

Opener = Callable[[Options], contextlib.AbstractAsyncContextManager[Service]]


def opener_of(service: ServiceKind) -> Opener:
    """The service's opener. Imported here: ten ad nodes start at once and need no Kafka or database."""
    match service:
        case "ads":
            from marketing.ads import open_ads  # noqa: PLC0415 - only what is needed

            return open_ads
        case "clicks":
            from marketing.clicks import open_clicks  # noqa: PLC0415 - only what is needed

            return open_clicks
        case "orders":
            from marketing.orders import open_orders  # noqa: PLC0415 - only what is needed

            return open_orders
        case "profiles":
            from marketing.profiles import open_profiles  # noqa: PLC0415 - only what is needed

            return open_profiles
        case _:
            assert_never(service)


def main(argv: list[str]) -> int:
    """Run one service until a signal."""
    options = parse_options(argv)
    set_up_late_logs(options.name)
    try:
        uvloop.run(serve(options, opener_of(options.service)(options)))
    except OSError as error:
        sys.stderr.write(
            f"{options.name}: {error}\n  fix: free the address, or start what the service needs\n"
        )
        return EXIT_ENVIRONMENT
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

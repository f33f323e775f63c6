"""After the run: search what the public site keeps (broker disks, logs, evidence) for planted canaries."""

from collections.abc import Iterable

from cli.demo_place import Place
from contracts.tap import Canary
from local.tap import Tap

CHUNK_BYTES = 1 << 20


class ScanError(Exception):
    """A public file could not be searched, so the search proves nothing."""


def canaries_at_rest(place: Place, canaries: Iterable[Canary]) -> frozenset[int]:
    """Ids of canaries found in any file of the public site, with the eyes of the taps. Raises `ScanError`."""
    failures: list[Exception] = []
    tap = Tap(on_error=failures.append)
    tap.arm(canaries)
    for path in place.public_files():
        connection = tap.open(str(path))
        try:
            with path.open("rb") as file:
                while chunk := file.read(CHUNK_BYTES):
                    connection.up(chunk)
        except FileNotFoundError:
            continue  # a log segment the broker rolled away meanwhile
        except OSError as error:
            raise ScanError(
                f"{path}: {error.strerror}; expected to be able to search it"
            ) from error
    if failures:
        raise ScanError(f"{len(failures)} parts could not be searched: {failures[0]}")
    return frozenset(hit.canary for hit in tap.report_hits())

"""The port for probes."""

import urllib3

from autoscale.control.health import Health, Probes


def test_probes_answer_well_or_why_not() -> None:
    """503 with the reason; metrics as they are; anything else is told what there is."""
    said = {"healthy": "", "ready": "not listed yet: Node"}
    health = Health(
        "127.0.0.1:0", Probes(lambda: said["healthy"], lambda: said["ready"], lambda: b"x 1\n")
    )
    health.start()
    pool = urllib3.PoolManager(retries=False)
    try:
        answers = {
            path: pool.request("GET", f"http://{health.address}{path}")
            for path in ("/healthz", "/readyz", "/metrics", "/secret")
        }
        assert {path: one.status for path, one in answers.items()} == {
            "/healthz": 200, "/readyz": 503, "/metrics": 200, "/secret": 404,
        }  # fmt: skip
        assert answers["/readyz"].data == b"not listed yet: Node\n"
        assert answers["/metrics"].data == b"x 1\n"
    finally:
        pool.clear()
        health.stop()

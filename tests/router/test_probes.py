"""Active checks: found dead, found grey, found back, stopped and started with the topology."""

from tests.router.harness import Cloud, set_hanging, until


def state_of(cloud: Cloud, node: str) -> str:
    return next(
        (e.state for site in cloud.worker.sites() for e in site.endpoints if e.node == node), "gone"
    )


async def test_a_death_is_seen_without_any_traffic(cloud: Cloud) -> None:
    """The kept probe connection closes and a fresh one is refused."""
    await cloud.services["ads-1"].stop()
    await until(lambda: state_of(cloud, "ads-1") == "ejected", within_s=2)
    assert state_of(cloud, "ads-2") == "healthy"


async def test_grey_and_failing_nodes_are_seen(cloud: Cloud) -> None:
    """One never answers, one answers /healthz with 500: both are ejected."""
    set_hanging(cloud.services["ads-1"], hang=True)
    cloud.services["ads-2"].healthy = False
    await until(lambda: state_of(cloud, "ads-1") == state_of(cloud, "ads-2") == "ejected")
    assert state_of(cloud, "ads-3") == "healthy"


async def test_a_node_comes_back_through_slow_start(cloud: Cloud) -> None:
    """The same address serves again: re-admitted by probes, in the end healthy."""
    service = cloud.services["ads-1"]
    await service.stop()
    await until(lambda: state_of(cloud, "ads-1") == "ejected")
    await service.start("127.0.1.10")
    await until(lambda: state_of(cloud, "ads-1") == "slow_start")
    await until(lambda: state_of(cloud, "ads-1") == "healthy")


async def test_probes_follow_the_topology(cloud: Cloud) -> None:
    """An endpoint that left the topology is no longer asked."""
    prober = cloud.worker._prober
    before = len(prober._tasks)
    text = (cloud.root / "topology.yaml").read_text()
    left = text.replace(f'{{address: "{cloud.services["ads-1"].address}", node: ads-1}}, ', "")
    assert left != text
    (cloud.root / "topology.yaml").write_text(left)
    assert await cloud.worker.reload() == ""
    assert len(prober._tasks) == before - 1
    assert state_of(cloud, "ads-1") == "gone"

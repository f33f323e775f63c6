"""What the pods of one node share: settings, groups, tools, addresses, directories."""

from collections.abc import Callable
from pathlib import Path

from yarl import URL

from local.agent_cgroup import Cgroup, Hierarchies
from local.agent_objects import Pod
from local.agent_pod import visible_paths
from local.agent_resolve import Place
from local.agent_sandbox import NetworkError, Sandbox, sandbox_of
from local.agent_script import Tools
from local.agent_settings import AgentSettings, next_address, node_address

API_PORT = 443


class House:
    """One node's surroundings; `used` and `ruleset` are given by whoever knows the pods."""

    def __init__(self, settings: AgentSettings, hierarchies: Hierarchies, tools: Tools) -> None:
        self.settings, self.tools = settings, tools
        self.directory = Path(settings.directory)
        self.pods = self.directory / "pods"
        self.group = Cgroup(hierarchies, settings.cgroup)
        self.visible = visible_paths(settings, lambda path: Path(path).is_dir())
        # what a process must not read though it runs on the same machine: the node's keys and other pods' secrets
        keys = Path(settings.kubeconfig).resolve().parent
        self.hidden = tuple(dict.fromkeys((*settings.hidden, str(keys), str(self.directory))))
        self.api_server = URL("https://127.0.0.1:443")
        self.used: Callable[[], frozenset[str]] = frozenset
        self.ruleset: Callable[[Pod], str] = lambda _pod: ""

    def make(self) -> None:
        """Directories and groups; this process joins the node's, so that node death ends it too. Raises `OSError`."""
        self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.pods.mkdir(exist_ok=True, mode=0o700)
        settings = self.settings
        self.group.make(
            cpu_millicores=settings.cpu_millicores, memory_bytes=settings.memory_mib << 20
        )
        own = self.group.child("agent")
        own.make()
        own.join()

    def place(self, pod_ip: str) -> Place:
        """Where a pod with this address is."""
        return Place(
            pod_ip=pod_ip,
            host_ip=str(node_address(self.settings)),
            node_name=self.settings.name,
            api_host=self.api_server.host or "",
            api_port=self.api_server.port or API_PORT,
        )

    def take_sandbox(self, uid: str) -> Sandbox:
        """A sandbox with an address nobody has. Raises `NetworkError`."""
        path = self.directory / "last-address"
        last = path.read_text().strip() if path.exists() else ""
        address = next_address(self.settings, self.used(), last=last)
        if address is None:
            raise NetworkError(f"{self.settings.network}: every address is in use")
        path.write_text(f"{address}\n")
        return sandbox_of(self.settings, uid, address)

    def rules(self, pod: Pod) -> str:
        """The pod's ruleset now."""
        return self.ruleset(pod)

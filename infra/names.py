"""The names that manifests, programs and people share: labels, ports, and where files stand in a pod."""

from typing import Literal

Site = Literal["public", "private"]
Exposure = Literal["ClusterIP", "NodePort", "LoadBalancer"]

SITES: tuple[Site, ...] = ("public", "private")

LABEL_CLASS = "isthmus.dev/class"
LABEL_POOL = "isthmus.dev/pool"
LABEL_RUNTIME = "isthmus.dev/runtime"
LABEL_SITE = "isthmus.dev/site"
LABEL_NAME = "app.kubernetes.io/name"
LABEL_PART_OF = "app.kubernetes.io/part-of"
PART_OF = "isthmus"

PROCESS_IMAGE = "isthmus.local/process"
"""What a node agent takes as: start the command as a process of this host."""

NAMESPACE = "isthmus"
PORT_HTTP = 8080
PORT_PROBE = 9090

CONFIG = "/run/isthmus/config"
KUBECONFIG = "/run/isthmus/kubeconfig"
STATE = "/run/isthmus/state"
"""Mount points; `STATE` is an emptyDir: sockets, ready files, evidence."""

USER_ID = 65532
"""`nonroot` of the usual minimal images; the Containerfile's user."""

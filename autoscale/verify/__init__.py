"""Whether what was written has come true: replicas that serve, nodes Ready, gates before the start."""

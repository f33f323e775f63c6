"""The sensitivity router: the enforcement point for requests, placed in a private site (core) or a public one (edge).

It judges each request with `policy`, forwards it only to sites whose `holds` cover its class, and records why.
It is not a cache, not a TLS terminator and not a detector: what is sensitive stands in `policy`.
"""

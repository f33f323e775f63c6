"""Pinned recipes for engines: what is fetched or built, from which coordinate, with which digest; where it is then.

Also the language host that a Pulumi built here needs. It knows no site; `local` and `infra` run what stands here.
"""

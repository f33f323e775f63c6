"""Pinned recipes for engines: what is fetched, from which coordinate, with which digest.

It starts nothing and knows no site; `local` runs what stands here.
"""

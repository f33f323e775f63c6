"""One run of one experiment: read and check its file, let Chaos Toolkit play it, derive the verdict from what is left.

Chaos Toolkit's own exit code is not asked: it is 0 in six cases that must not pass.
"""

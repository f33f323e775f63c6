"""What is sensitive, and which site may hold it: the one model every other folder asks.

Pure: bytes in, verdicts out; no I/O, clock or randomness. Unknown is sensitive.
"""

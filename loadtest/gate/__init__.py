"""The verdict on a run that left its files: GO, NO-GO or INVALID by an objective, and two runs compared.

It runs nothing and asks nobody: what is judged is what stands in the run's directory.
"""

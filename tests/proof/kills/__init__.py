"""Imports whose process is killed, again and again, until they complete.

`zygote` forks a process for each run, `run` is what happens in it, `moments`
are where it kills itself, `campaign` repeats runs until the import is
complete, and `judge` compares what came of it with the sandbox's ledger.
"""

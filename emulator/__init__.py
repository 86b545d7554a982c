"""A local D-Wave for development and tests.

It serves SAPI's wire format, so that the unmodified Ocean SDK works against it, really samples (simulated annealing),
computes timing by D-Wave's published model, keeps a ledger of what really ran, and can be told to be slow or to fail.
`python -m emulator` starts it; docs/emulator.md tells the rest. It knows nothing of the portal.
"""

"""What things cost, measured. Every figure comes with one for something well known, taken in the same minute.

    .venv/bin/python -m benchmarks             # all, in turn
    .venv/bin/python -m benchmarks.gateway     # one; --help tells what can be set

Each prints tables in Markdown. docs/performance.md holds the last ones and says how to read them. Needs what tests need
(requirements-dev.txt), and for some rows nginx; rows that cannot be measured are named.
"""

"""All benchmarks, in turn."""

import subprocess
import sys

BENCHMARKS = ["api", "ledger", "lists", "startup", "solving", "gateway", "long_polls"]

for name in BENCHMARKS:
    subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=True)

"""Python imports this first where PYTHONPATH names this folder: under faketime 0.9.10, time.sleep fails with EINVAL."""

import threading
import time

time.sleep = lambda seconds: threading.Event().wait(seconds)

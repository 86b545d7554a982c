"""For test_kill: forks a process full of jobs for each line that it reads, and says its id. Takes a database's name."""

import os
import random
import signal
import sys
from collections.abc import Callable
from functools import partial
from threading import Thread

import django

if __name__ == "__main__":
    django.setup()

from django.db import connection
from django.utils import timezone

from organizations.models import Membership
from quotas import services
from quotas.models import Usage
from tokens.models import QpuToken


def work() -> None:
    """Reserve, settle and release on the only token, for ever."""
    token = QpuToken.objects.get()
    members = list(Membership.objects.select_related("user", "organization"))
    while True:
        usage = services.reserve(
            token=token,
            by=random.choice(members),
            estimate_ns=10,
            source=Usage.Source.GATEWAY,
            now=timezone.now(),
        )
        close: Callable[..., bool] = random.choice(
            [services.release, partial(services.settle, access_time_ns=random.randint(0, 20))]
        )
        close(usage=usage, now=timezone.now())


if __name__ == "__main__":
    connection.settings_dict["NAME"] = sys.argv[1]
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for what gets killed
    for _ in sys.stdin:
        pid = os.fork()
        if pid == 0:
            for _ in range(2):
                Thread(target=work).start()
            work()
        print(pid, flush=True)  # noqa: T201

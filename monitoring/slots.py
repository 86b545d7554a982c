"""Numbers for processes, so that a new process goes on counting in the files of one that has ended."""

import fcntl
import os
from pathlib import Path

MOST_PROCESSES = 1000


class Slots:
    """Gives each living process a number of its own, the lowest that is free.

    A process holds its number by a lock, which the kernel takes back when it ends, also by kill -9. Process ids would
    leave new files behind with every restart, and what ended processes have counted must not be lost either: to
    Prometheus a sum that falls looks like a restart from zero.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pid = 0
        self.number = 0

    def __call__(self) -> int:
        """The number of this process; cheap, for it is asked for with all that is counted."""
        if self.pid != os.getpid():  # at first, or after a fork
            self.pid, self.number = os.getpid(), self.take()
        return self.number

    def take(self) -> int:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for number in range(MOST_PROCESSES):
            if hold(self.folder / f"{number}.lock"):
                return number
        raise RuntimeError(f"No process can count anything in {self.folder}: see that it can be written.")


def hold(path: Path) -> bool:
    """Lock a file for as long as this process lives. Children do not inherit such a lock, unlike flock's."""
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT, mode=0o600)
    except PermissionError:  # another user's
        return False
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return False
    return True  # and the file stays open

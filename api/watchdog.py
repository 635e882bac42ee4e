"""Starts a program that ends when the process that started it ends, even by kill -9.

``python watchdog.py PID PROGRAM ARGUMENT...`` asks the kernel for SIGTERM at the death of its
parent, process PID, and then becomes the program. The kernel keeps that promise on Linux only;
elsewhere the program simply starts.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

_PR_SET_PDEATHSIG = 1  # from linux/prctl.h


def guarded(argv: Sequence[str]) -> list[str]:
    """The command that runs ``argv`` for as long as this process lives."""
    # By its file and isolated: the present folder may hold another `api`, this one an `http`.
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), *argv]


def main(parent: int, argv: Sequence[str]) -> None:
    """Bind our life to the parent's and become the program."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent:
        sys.exit("the process that started this one has gone")
    os.execvp(argv[0], list(argv))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])

"""A cgroup of its own for a peer: its CPU is that of every process that ever ran in it.

Adding up a process tree would miss those that nobody waits for: Exim lets the kernel discard its
delivery processes.
"""
import contextlib
import os
import signal
import time
import unittest
from pathlib import Path

SECONDS_TO_END = 20


def _mount_point():
    for line in Path("/proc/mounts").read_text().splitlines():
        _, where, kind, *_ = line.split()
        if kind == "cgroup2":
            return Path(where)
    raise unittest.SkipTest("CPU is counted by cgroup v2, and none is mounted")


class CpuGroup:
    """On leaving, whatever still runs in it is killed and the group removed."""

    def __init__(self):
        mount = _mount_point()
        own = next(line[3:] for line in Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::"))
        self.home, self.path = mount / own.lstrip("/"), mount / f"signet-bench-{os.getpid()}"

    def __enter__(self):
        try:
            self.path.mkdir()
        except OSError as error:
            raise unittest.SkipTest(f"CPU is counted by cgroup v2: {error}") from error
        return self

    def __exit__(self, *_):
        deadline = time.monotonic() + SECONDS_TO_END
        while not self._remove() and time.monotonic() < deadline:
            for process in self._members():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            self._reap()
            time.sleep(0.02)

    def _remove(self):
        """Whether the group is gone; one with processes in it, or just about to end, stays."""
        try:
            self.path.rmdir()
        except OSError:
            return False
        return True

    @contextlib.contextmanager
    def joined(self):
        """What is started meanwhile belongs to the group; the caller itself does not stay."""
        self._move_to(self.path)
        try:
            yield
        finally:
            self._move_to(self.home)

    def cpu_seconds(self):
        fields = dict(line.split() for line in (self.path / "cpu.stat").read_text().splitlines())
        return int(fields["usage_usec"]) / 1e6

    def _members(self):
        return [int(line) for line in (self.path / "cgroup.procs").read_text().split()]

    @staticmethod
    def _move_to(group):
        (group / "cgroup.procs").write_text(str(os.getpid()))

    @staticmethod
    def _reap():
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass

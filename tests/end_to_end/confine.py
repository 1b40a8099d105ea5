"""confine.py UNIT PROGRAM ARGUMENT...: becomes the program with the limits and the system calls the
[Service] of UNIT leaves it, as systemd would start it; for systems where systemd is not process 1.

Of the unit it honours NoNewPrivileges, SystemCallFilter, SystemCallErrorNumber, LimitNOFILE,
LimitCORE and UMask.
"""
import ctypes
import ctypes.util
import errno
import os
import resource
import subprocess
import sys

ALLOW = 0x7FFF0000
ERROR = 0x00050000
NO_NEW_PRIVILEGES = 38


def settings(unit):
    """name -> values, in order."""
    found = {}
    with open(unit) as lines:
        for line in lines:
            name, equals, value = line.strip().partition("=")
            if equals and not name.startswith("#"):
                found.setdefault(name, []).append(value)
    return found


def calls_of(names):
    """The system calls behind names and @sets."""
    calls = set()
    for name in names:
        if not name.startswith("@"):
            calls.add(name)
            continue
        listed = subprocess.run(["systemd-analyze", "syscall-filter", name], capture_output=True, text=True, check=True).stdout
        inner = [line.strip() for line in listed.splitlines()[1:] if line.strip() and not line.strip().startswith("#")]
        calls |= calls_of(inner)
    return calls


def filtered(lines):
    """The first line says what is allowed; each with ~ takes away again."""
    allowed = set()
    for line in lines:
        if line.startswith("~"):
            allowed -= calls_of(line[1:].split())
        else:
            allowed |= calls_of(line.split())
    return allowed | calls_of(["@default"])


def install_filter(allowed, error):
    library = ctypes.CDLL(ctypes.util.find_library("seccomp") or "libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_rule_add.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint]
    library.seccomp_load.argtypes = [ctypes.c_void_p]
    context = library.seccomp_init(ERROR | error)
    for name in sorted(allowed):
        number = library.seccomp_syscall_resolve_name(name.encode())
        if number >= 0:  # Some are of other processors.
            library.seccomp_rule_add(context, ALLOW, number, 0)
    if library.seccomp_load(context) != 0:
        sys.exit("confine: the kernel takes no filter")


def main():
    unit, command = settings(sys.argv[1]), sys.argv[2:]
    allowed = filtered(unit["SystemCallFilter"])
    count = min(int(unit["LimitNOFILE"][-1]), resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    resource.setrlimit(resource.RLIMIT_NOFILE, (count, count))
    resource.setrlimit(resource.RLIMIT_CORE, (int(unit["LimitCORE"][-1]),) * 2)
    os.umask(int(unit["UMask"][-1], 8))
    if unit["NoNewPrivileges"] == ["yes"] and ctypes.CDLL(None).prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
        sys.exit("confine: prctl")
    install_filter(allowed, getattr(errno, unit["SystemCallErrorNumber"][-1]))
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()

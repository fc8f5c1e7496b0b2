"""Becomes another program, on terms: it ends when its parent does, and it may run as another, lesser user.

Run by path in an isolated interpreter (`python -I -S launch.py SPEC PROGRAM ARG…`), so it imports nothing of Floor.

PostgreSQL refuses to run as root. Started by root it runs as `nobody`; and where the programs or the data lie below a
folder that only root may enter (`mktemp -d`, `/root`), it keeps the one capability that lets it pass: nothing about
those folders is changed.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys

PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_SET_SECUREBITS = 28
SECBIT_NO_SETUID_FIXUP = 1 << 2
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2
CAP_SETPCAP = 8
CAPABILITY_VERSION_3 = 0x20080522
EXECUTABLE_BY_ALL = 0o001
CANNOT_LAUNCH = 126


class LaunchError(Exception):
    """The program can't be started on these terms."""


def main(arguments: list[str]) -> None:
    """Take on the terms of the specification and become the program; does not return."""
    terms, program = json.loads(arguments[0]), arguments[1:]
    if terms.get("user") is not None:
        become(terms["user"], terms["group"], [program[0], *terms["reach"]])
    if sys.platform == "linux":
        die_with(terms["parent"], terms["signal"])
    os.execv(program[0], program)  # noqa: S606 - the program and its arguments come from Floor itself, not from a shell


def die_with(parent: int, signal: int) -> None:
    """Have the kernel send this process a signal when its parent is gone, however that happened."""
    _prctl(PR_SET_PDEATHSIG, signal)
    if os.getppid() != parent:  # it went in the meantime
        raise LaunchError("the process that started this one has ended")


def become(user: int, group: int, reach: list[str]) -> None:
    """Give up root for good; keep no more than is needed to reach the given paths."""
    linux = sys.platform == "linux"
    if linux:
        _prctl(PR_SET_KEEPCAPS, 1)
    os.setgroups([])
    os.setgid(group)
    os.setuid(user)
    if _reaches(reach):
        return
    for capability in (CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE) if linux else ():
        if _keep(capability) and _reaches(reach):
            return
    raise LaunchError(
        f"user {user} can't reach {' and '.join(reach)}: a folder above is closed to it and this system does not let "
        "root pass on the right to enter. Run Floor as an ordinary user, or choose a data folder that all may enter "
        "(--data-dir /var/lib/floor), or give FLOOR_DATABASE_URL"
    )


def _reaches(paths: list[str]) -> bool:
    """Say whether all paths can be got at now, the first of them also as a program to run."""
    try:
        states = [os.stat(path) for path in paths]  # noqa: PTH116 - an isolated interpreter: few imports
    except PermissionError:
        return False
    return bool(states[0].st_mode & EXECUTABLE_BY_ALL) or _holds(CAP_DAC_OVERRIDE)


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Sets(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


def _keep(capability: int) -> bool:
    """Put a capability in force here and in the program to come; False if root has it not in this container."""
    permitted = _capabilities()[0].permitted
    if not permitted & 1 << capability or not permitted & 1 << CAP_SETPCAP:
        return False
    # PostgreSQL's programs look for one another with access(2), which forgets capabilities unless this bit is set.
    _put_in_force(1 << CAP_SETPCAP)
    _prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP)
    _put_in_force(1 << capability)
    _prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability)
    return True


def _put_in_force(bits: int) -> None:
    """Make exactly these capabilities effective and inheritable; the others stay permitted until the program starts."""
    sets = _capabilities()
    sets[0].effective, sets[0].inheritable = bits, bits
    if _libc().capset(ctypes.byref(_Header(CAPABILITY_VERSION_3, 0)), sets):
        raise LaunchError(f"capset failed: {os.strerror(ctypes.get_errno())}")


def _holds(capability: int) -> bool:
    return sys.platform == "linux" and bool(_capabilities()[0].effective & 1 << capability)


def _capabilities() -> ctypes.Array[_Sets]:
    sets = (_Sets * 2)()
    if _libc().capget(ctypes.byref(_Header(CAPABILITY_VERSION_3, 0)), sets):
        raise LaunchError("the kernel does not tell which capabilities root has here")
    return sets


def _prctl(option: int, *values: int) -> None:
    arguments = [ctypes.c_ulong(value) for value in (*values, 0, 0, 0, 0)[:4]]
    if _libc().prctl(option, *arguments):
        raise LaunchError(f"prctl({option}) failed: {os.strerror(ctypes.get_errno())}")


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (LaunchError, OSError) as error:
        print(f"Can't start {sys.argv[2]}: {error}.", file=sys.stderr)  # noqa: T201 - the log is all there is yet
        sys.exit(CANNOT_LAUNCH)

"""Ends a process at its first socket of the internet, native code included; name look-ups need one too. Linux only."""

import ctypes
import platform
import struct
import sys

_SYSCALL = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}  # AUDIT_ARCH, number of socket()
_INTERNET = (2, 10)  # AF_INET, AF_INET6
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _FILTER_MODE = 38, 22, 2
_LOAD, _EQUAL, _RETURN = 0x20, 0x15, 0x06  # BPF: 32 bits at an offset, jump if equal, answer
_ALLOW, _KILL = 0x7FFF0000, 0x80000000
SUPPORTED = sys.platform == "linux" and platform.machine() in _SYSCALL


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p)]


def forbid_sockets() -> None:
    """From here on socket(AF_INET or AF_INET6, ...) ends the process and its children by SIGSYS.

    Raises:
        OSError: the kernel has no seccomp, or a sandbox forbids it.
    """
    architecture, socket = _SYSCALL[platform.machine()]
    steps = [  # code, jump if true, jump if false, value; offsets are of struct seccomp_data
        (_LOAD, 0, 0, 4),
        (_EQUAL, 0, 5, architecture),
        (_LOAD, 0, 0, 0),
        (_EQUAL, 0, 3, socket),
        (_LOAD, 0, 0, 16),  # the first argument
        (_EQUAL, 2, 0, _INTERNET[0]),
        (_EQUAL, 1, 0, _INTERNET[1]),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _KILL),
    ]
    packed = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = _Program(len(steps), ctypes.addressof(packed))
    libc = ctypes.CDLL(None, use_errno=True)
    for request in ((_PR_SET_NO_NEW_PRIVS, 1, 0), (_PR_SET_SECCOMP, _FILTER_MODE, ctypes.addressof(program))):
        if libc.prctl(request[0], request[1], ctypes.c_void_p(request[2]), 0, 0):
            raise OSError(ctypes.get_errno(), "prctl")

"""Calls to the system that fail or kill, one at a time: open, write, fsync, rename, mkdir, unlink, rmdir."""
import builtins
import errno
import io
import os
import signal
from contextlib import contextmanager

CALLS = {  # name -> the modules that have it
    "open": (os, io, builtins),
    "write": (os,),
    "fsync": (os,),
    "replace": (os,),
    "rename": (os,),
    "mkdir": (os,),
    "unlink": (os,),
    "rmdir": (os,),
}
ERRORS = errno.ENOSPC, errno.EIO, errno.EACCES


class Fault:
    "At the n-th call: an error, or the end of the process; before the call is made or after it"
    def __init__(self, n=None, error=None, after=False):
        self.n, self.error, self.after = n, error, after
        self.calls = []

    def strike(self, path):
        if self.error is None: os.kill(os.getpid(), signal.SIGKILL)
        named = [] if isinstance(path, int) else [str(path)]
        raise OSError(self.error, os.strerror(self.error), *named)

    def wrap(self, name, call):
        "The call, counted; half of a write is done where the fault comes after it"
        def counted(path, *rest, **options):
            self.calls.append(name)
            hit = len(self.calls) - 1 == self.n
            if hit and not self.after: self.strike(path)
            if hit and name == "write": rest = (rest[0][:len(rest[0]) // 2],)
            try: return call(path, *rest, **options)
            finally:
                if hit: self.strike(path)
        return counted

    @contextmanager
    def injected(self):
        "Inside the block every call of `CALLS` goes through here"
        before = {(m, name): getattr(m, name) for name, modules in CALLS.items() for m in modules}
        try:
            for (m, name), call in before.items(): setattr(m, name, self.wrap(name, call))
            yield self
        finally:
            for (m, name), call in before.items(): setattr(m, name, call)


def count(act):
    "The calls that an action makes, in order"
    with Fault().injected() as fault: act()
    return fault.calls


def killed(act, n, after):
    "The action in a process of its own, which ends at the n-th call: was it killed there?"
    child = os.fork()
    if not child:
        try:
            with Fault(n, None, after).injected(): act()
        finally: os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def faults(calls):
    "All that can happen at some calls: (call, error or None for SIGKILL, after it?)"
    for n in range(len(calls)):
        for error in ERRORS: yield n, error, False
        yield n, errno.EIO, True
        yield n, None, False
        yield n, None, True

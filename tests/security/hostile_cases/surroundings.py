# SPDX-License-Identifier: Apache-2.0
"""How the program is started: descriptors, limits, signals, environment, working directory."""
import itertools
import os
import signal

from .case import ACCEPTED, EITHER, REFUSED, Case, base
from .world import ENV


def block_all():
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())


def ignore(number):
    return lambda: signal.signal(number, signal.SIG_IGN)


def lost_directory():
    os.mkdir("/tmp/w/x/lost")
    os.chdir("/tmp/w/x/lost")
    os.rmdir("/tmp/w/x/lost")


def cases():
    # What would have a dynamic loader or a C library read files, or a careless program run things.
    for variable in ("LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "LD_DEBUG_OUTPUT", "GCONV_PATH", "LOCPATH", "NLSPATH", "TMPDIR", "XDG_RUNTIME_DIR", "HOME", "MALLOC_TRACE", "LISTEN_FDS", "NOTIFY_SOCKET",
                     "_BERTH_INPUT", "_LIBCONTAINER_INITPIPE", "DBUS_SESSION_BUS_ADDRESS", "DBUS_SYSTEM_BUS_ADDRESS", "PATH", "GLIBC_TUNABLES", "LC_ALL", "TZ", "IFS", "BASH_ENV", "ENV"):
        for value in ("/no/such", "x" * 5000, "%s%n", "-1", "99999999999999999999"):
            if variable in ("LISTEN_FDS", "_BERTH_INPUT") or value in ("/no/such", "x" * 5000):
                yield Case(f"environment: {variable}={value[:30]}", EITHER if variable in ("LD_PRELOAD", "LD_DEBUG_OUTPUT", "NOTIFY_SOCKET", "LD_AUDIT") else ACCEPTED, portable=False,
                           spawn={"env": {**ENV, variable: value}}) if variable not in ("LD_PRELOAD", "LD_AUDIT", "LD_DEBUG_OUTPUT", "NOTIFY_SOCKET") else \
                    Case(f"environment: {variable}={value[:30]} and a wrong document", REFUSED, "", base(("ociVersion", "x")), spawn={"env": {**ENV, "NOTIFY_SOCKET": value}} if variable == "NOTIFY_SOCKET" else {})
    yield Case("environment: empty", ACCEPTED, spawn={"env": {}}, portable=False)
    yield Case("environment: 20 000 variables", ACCEPTED, spawn={"env": {**ENV, **{f"V{i}": "x" * 20 for i in range(20000)}}}, portable=False)
    for number in (signal.SIGCHLD, signal.SIGPIPE, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGALRM):
        yield Case(f"signals: {number.name} is ignored", ACCEPTED, twice=True, spawn={"before": ignore(number)}, portable=False)
    yield Case("signals: all are blocked", ACCEPTED, twice=True, spawn={"before": block_all}, portable=False)
    yield Case("working directory: removed", ACCEPTED, spawn={"before": lost_directory}, portable=False)
    for mask in (0, 0o777):
        yield Case(f"umask {mask:o}", ACCEPTED, spawn={"before": lambda m=mask: os.umask(m)}, portable=False)
        yield Case(f"umask {mask:o} and a wrong document", REFUSED, "ociVersion", base(("ociVersion", "x")), spawn={"before": lambda m=mask: os.umask(m)}, portable=False)
    for closed in itertools.chain.from_iterable(itertools.combinations((0, 1, 2), n) for n in (1, 2, 3)):
        yield Case(f"descriptors: {closed} closed", ACCEPTED, spawn={"closed": closed}, portable=False)
    for what, values in {"RLIMIT_NOFILE": (5, 12, 16, 20), "RLIMIT_FSIZE": (0, 1, 100), "RLIMIT_STACK": (1 << 16, 1 << 18), "RLIMIT_AS": (1 << 25,), "RLIMIT_CORE": (0,)}.items():
        for value in values:
            yield Case(f"limits: {what[7:]} {value}", EITHER, "", spawn={"limits": {what: (value, value)}}, portable=False, quiet=what == "RLIMIT_FSIZE")

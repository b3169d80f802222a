"""One process at a time has a database open: a lock beside the file, which ends with the process however that ends.

Two servers on one file would each know nothing of what the other's search parameters and jobs do.
"""

import os
import sys
from pathlib import Path

if sys.platform != "win32":
    import fcntl


class InUse(OSError):
    """Another process has the database open."""


class FileLock:
    """Held from its making until `release`; InUse if another process holds it."""

    def __init__(self, database: Path) -> None:
        self._path = Path(f"{database}.lock")
        self._file = self._locked(database)
        while not self._stands():  # it was removed between opening and locking it
            os.close(self._file)
            self._file = self._locked(database)

    def release(self) -> None:
        """Let others open the database."""
        self._path.unlink(missing_ok=True)
        os.close(self._file)

    def _stands(self) -> bool:
        return self._path.exists() and os.path.samestat(os.fstat(self._file), self._path.stat())

    def _locked(self, database: Path) -> int:
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if sys.platform == "win32":
            return file
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            raise InUse(
                f"{database}: ほかのプロセス(サーバーか命令)が使っています。先に止めてください。"
                "動いているサーバーの索引は POST [base]/$reindex で作り直せます。 / "
                "Another process (a server or a command) has this open; stop it first. "
                "A server that runs is indexed anew by POST [base]/$reindex."
            ) from None
        except OSError:
            pass  # a file system without locks
        return file

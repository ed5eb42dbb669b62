"""The one door to deleting: retention.py, in a process and as a role of its own.

The page's own connection can change nothing. What the process gets are the keeper's
login, the folders and the audit log; nothing of the page's secrets.
"""

import os
import subprocess
import sys
from pathlib import Path

from common.errors import OperatorError
from page.settings import PageSettings

_SCRIPT = Path(__file__).parents[1] / "retention.py"
_PATIENCE = 900.0  # seconds
_NOTHING = "nothing is kept of a camera"  # what it says of one that never was
_LONGEST = 500  # characters of what it says


def may_delete(settings: PageSettings) -> bool:
    """Whether there is a role that may."""
    return bool(settings.desk.keeper_user and settings.desk.keeper_password)


def delete_all(settings: PageSettings, pi: str) -> str:
    """Delete all that is kept of a camera by now; gives how much, in words.

    Raises:
        OperatorError: something is left; says what.
    """
    command = [sys.executable, str(_SCRIPT), "forget", f"--pi={pi}"]
    command += ["--from=1970-01-01", "--to=now", "--by=desk link"]
    command += [f"--audit-log={settings.audit_log or 'audit.log'}"]
    try:
        done = subprocess.run(
            command,
            env=_environ(settings),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise OperatorError(f"retention.py: {error}") from error
    if _NOTHING in done.stderr:
        return "0"
    if done.returncode:
        raise OperatorError(done.stderr.strip()[-_LONGEST:])
    return done.stdout.strip().removeprefix("deleted: ")


def _environ(settings: PageSettings) -> dict[str, str]:
    database, desk = settings.database, settings.desk
    theirs = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PAGE_", "SUPABASE_"))
    }
    return theirs | {
        "SUPABASE_HOST": database.host,
        "SUPABASE_PORT": str(database.port),
        "SUPABASE_DB": database.name,
        "SUPABASE_SSL": database.sslmode,
        "SUPABASE_CA_FILE": database.ca_file or "",
        "SUPABASE_USER": desk.keeper_user or "",
        "SUPABASE_PASSWORD": desk.keeper_password or "",
        "PICTURES_FOLDER": str(settings.pictures),
        "QUARANTINE_FOLDER": str(settings.quarantine),
    }

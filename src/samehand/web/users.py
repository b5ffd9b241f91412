"""Who may use a server: a file of names, roles and hashed passwords, changed by `samehand users`.

Passwords are hashed by argon2id (RFC 9106) with the parameters of argon2-cffi, 64 MiB and three
passes; the file holds nothing that tells them.
"""

import json
import os
import re
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from samehand.errors import SamehandError
from samehand.files import atomic_path, read_json
from samehand.records import ROLES, Role

FORMAT = 1
LEAST_PASSWORD = 10
MOST_PASSWORD = 1000
"""Bytes; a longer one would only keep the hash busy."""

_NAME = re.compile(r"[^\s:\x00-\x1f\x7f](?:[^:\x00-\x1f\x7f]{0,62}[^\s:\x00-\x1f\x7f])?")
_HASHER = PasswordHasher()


@cache
def _nobody() -> str:
    """Return what is checked for names that do not exist, so that they take as long as others."""
    return _HASHER.hash(secrets.token_hex())


class UsersError(SamehandError):
    """A file of users that cannot be used, or a change that it refuses."""


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may use a server.

    Attributes:
        name: What they sign in with, and what stands beside their decisions.
        role: "reader" sees and asks; "decider" may also decide, undo, and keep cases.
        password: An argon2id hash, with its parameters and salt.
    """

    name: str
    role: Role
    password: str


@dataclass(frozen=True, slots=True)
class UserFile:
    """All that a file of users holds.

    Attributes:
        secret: What sessions are signed with; it stays, so that a restart signs nobody out.
        users: By name.
    """

    secret: str
    users: dict[str, User]


def read_users(path: str | os.PathLike[str]) -> UserFile:
    """Return the users of a file.

    Raises:
        UsersError: It cannot be read, or is not such a file.
    """
    try:
        values = read_json(Path(path).read_text(encoding="utf-8"))
        if values["format"] != FORMAT:
            raise UsersError(f"{path} is a file of users of another version; make a new one")
        users = [User(**one) for one in values["users"]]
        for one in users:
            if one.role not in ROLES or not one.password.startswith("$argon2"):
                raise ValueError(one.name)
        return UserFile(str(values["secret"]), {one.name: one for one in users})
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsersError(
            f"cannot read {path}: {reason}; `samehand users add {path} NAME` makes such a file"
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsersError(
            f"{path} is not a file of users; `samehand users add FILE NAME` makes one"
        ) from error


def with_user(path: str | os.PathLike[str], name: str, role: Role, password: str) -> None:
    """Write a user into a file, which is made if it does not exist; an earlier one is replaced.

    Args:
        path: The file.
        name: 1 to 64 characters without a colon, which HTTP puts after a name.
        role: What they may do.
        password: At least `LEAST_PASSWORD` characters.

    Raises:
        OutputError: The file cannot be written.
        UsersError: The name or the password cannot be taken, or the file is not one of users.
    """
    check_name(name)
    if len(password) < LEAST_PASSWORD or len(password.encode()) > MOST_PASSWORD:
        raise UsersError(
            f"a password has {LEAST_PASSWORD} to {MOST_PASSWORD} characters; choose another one"
        )
    held = read_users(path) if Path(path).exists() else UserFile(secrets.token_hex(32), {})
    kept = {**held.users, name: User(name, role, _HASHER.hash(password))}
    _write(path, replace(held, users=kept))


def without_user(path: str | os.PathLike[str], name: str) -> None:
    """Take a user out of a file; their sessions end at once.

    Raises:
        OutputError: The file cannot be written.
        UsersError: There is no such user, or the file is not one of users.
    """
    held = read_users(path)
    if name not in held.users:
        raise UsersError(f"{path} has no user {name}; `samehand users list {path}` shows them")
    _write(path, replace(held, users={k: one for k, one in held.users.items() if k != name}))


def check_name(name: str) -> None:
    """Refuse names that HTTP or a page could not carry.

    Raises:
        UsersError: It is one.
    """
    if not _NAME.fullmatch(name):
        raise UsersError(
            "a name has 1 to 64 characters, no colon, and no space at either end; choose another"
        )


def password_is(user: User | None, password: str) -> bool:
    """Return whether a password is a user's; it takes as long where there is no such user."""
    if len(password.encode()) > MOST_PASSWORD:
        return False
    try:
        _HASHER.verify(user.password if user else _nobody(), password)
    except (VerificationError, InvalidHashError):
        return False
    return user is not None


def _write(path: str | os.PathLike[str], held: UserFile) -> None:
    users: Iterable[User] = sorted(held.users.values(), key=lambda one: one.name)
    values = {"format": FORMAT, "secret": held.secret, "users": [asdict(one) for one in users]}
    with atomic_path(path, private=True) as temporary:
        temporary.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")


class Users:
    """The users of a file as it is now: a change counts from the next request on."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Read a file.

        Raises:
            UsersError: It cannot be read, or names nobody.
        """
        self._path = Path(path)
        self._read_at: tuple[int, int, int] | None = None
        self._held = UserFile("", {})
        if not self.now().users:
            raise UsersError(f"{path} names nobody; `samehand users add {path} NAME` does")
        _nobody()  # Made now, so that the first stranger takes no longer than the next.

    def now(self) -> UserFile:
        """Return what the file holds; while it cannot be read, nobody is let in.

        Raises:
            UsersError: It cannot be read.
        """
        try:
            found = self._path.stat()
        except OSError as error:
            raise UsersError(f"cannot read {self._path}; is its disk connected?") from error
        state = (found.st_mtime_ns, found.st_size, found.st_ino)
        if state != self._read_at:
            self._held, self._read_at = read_users(self._path), state
        return self._held

"""Sessions: who a request comes from, by a signed cookie or by HTTP Basic, and who tries too often.

A cookie holds a name, a random number and a mark of the password's hash, signed and dated by
itsdangerous; nothing is kept here for it but the numbers of sessions that were signed out of.
"""

import asyncio
import base64
import binascii
import hashlib
import hmac
import secrets
import time
from collections import OrderedDict

from itsdangerous import BadData, URLSafeTimedSerializer
from starlette.datastructures import Headers

from samehand.plural import counted
from samehand.web.users import User, Users, password_is

COOKIE = "samehand-session"
SESSION_SECONDS = 12 * 3600
"""A working day; then one signs in again."""

TRIES = 5
"""Wrong passwords for a name from one address, after which both wait."""

ADDRESS_TRIES = 20
"""Wrong passwords from one address, for whatever names."""

WAIT_SECONDS = 15 * 60
_MOST_REMEMBERED = 10_000


class Throttle:
    """Counts wrong passwords by name and address, and by address alone."""

    def __init__(self) -> None:
        self._failed: OrderedDict[tuple[str, ...], list[float]] = OrderedDict()

    def wait(self, name: str, address: str) -> int:
        """Return how many seconds have to pass before a password is looked at; 0 for none."""
        now = time.monotonic()
        waits = [0.0]
        for key, tries in (((address, name), TRIES), ((address,), ADDRESS_TRIES)):
            recent = [at for at in self._failed.get(key, ()) if now - at < WAIT_SECONDS]
            if len(recent) >= tries:
                waits.append(recent[-tries] + WAIT_SECONDS - now)
        return -int(-max(waits) // 1)

    def failed(self, name: str, address: str) -> None:
        """Note a wrong password."""
        for key in ((address, name), (address,)):
            self._failed[key] = [*self._failed.pop(key, [])[-ADDRESS_TRIES:], time.monotonic()]
        while len(self._failed) > _MOST_REMEMBERED:
            self._failed.popitem(last=False)

    def worked(self, name: str, address: str) -> None:
        """Forget the wrong passwords before a right one."""
        self._failed.pop((address, name), None)


class TooOftenError(Exception):
    """Too many wrong passwords; `seconds` have to pass."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        minutes = -(-seconds // 60)
        super().__init__(f"Too many wrong passwords; try again in {counted(minutes, 'minute')}.")


class Sessions:
    """Signs people in and out, and says who a request comes from."""

    def __init__(self, users: Users) -> None:
        self._users = users
        self._throttle = Throttle()
        self._ended: OrderedDict[str, float] = OrderedDict()
        # A program sends its password with each call; argon2 is for the first of them.
        self._known: OrderedDict[bytes, str] = OrderedDict()
        self._key = secrets.token_bytes(32)
        # Each check takes 64 MiB.
        self._checking = asyncio.Semaphore(2)

    async def check(self, name: str, password: str, address: str) -> User | None:
        """Return the user whose name and password these are, or None.

        Raises:
            TooOftenError: From this address came too many wrong ones.
            UsersError: The file of users cannot be read.
        """
        user = self._users.now().users.get(name)
        # Only what was found right before is known without the throttle.
        mark = hmac.digest(self._key, f"{name}\0{password}".encode(), "sha256")
        if user is not None and self._known.get(mark) == user.password:
            return user
        async with self._checking:
            # Counted within, so that many at one time are not all let through.
            if seconds := self._throttle.wait(name, address):
                raise TooOftenError(seconds)
            if not await asyncio.to_thread(password_is, user, password):
                self._throttle.failed(name, address)
                return None
        self._throttle.worked(name, address)
        assert user is not None
        self._known[mark] = user.password
        while len(self._known) > _MOST_REMEMBERED:
            self._known.popitem(last=False)
        return user

    def begin(self, user: User) -> str:
        """Return the cookie of a new session."""
        return self._signer().dumps([user.name, secrets.token_hex(12), _mark(user)])

    def of_cookie(self, cookie: str) -> User | None:
        """Return whose session a cookie is, or None where it is over, forged or ended."""
        try:
            name, number, mark = self._signer().loads(cookie, max_age=SESSION_SECONDS)
        except (BadData, ValueError, TypeError):
            return None
        user = self._users.now().users.get(name)
        if user is None or number in self._ended or mark != _mark(user):
            return None
        return user

    def end(self, cookie: str) -> None:
        """Let a session be over, wherever its cookie has got to."""
        try:
            # However old: it would live again if the clock were set back.
            _, number, _ = self._signer().loads(cookie)
        except (BadData, ValueError, TypeError):
            return
        now = time.monotonic()
        self._ended[number] = now + SESSION_SECONDS
        # None is forgotten because its time is over while there is room, for the same reason.
        while len(self._ended) > _MOST_REMEMBERED and next(iter(self._ended.values())) < now:
            self._ended.popitem(last=False)

    async def of_basic(self, headers: Headers, address: str) -> User | None:
        """Return who sends HTTP Basic authentication (RFC 7617), or None.

        Raises:
            TooOftenError: From this address came too many wrong passwords.
        """
        kind, _, told = headers.get("authorization", "").partition(" ")
        if kind.lower() != "basic":
            return None
        try:
            name, colon, password = base64.b64decode(told, validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            return None
        return await self.check(name, password, address) if colon else None

    def _signer(self) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(
            self._users.now().secret, "samehand session", signer_kwargs={"digest_method": _sha256}
        )


def _sha256(data: bytes = b"") -> "hashlib._Hash":
    return hashlib.sha256(data)


def _mark(user: User) -> str:
    """Return what changes with a password, so that a new one ends the sessions of the old."""
    return hashlib.sha256(user.password.encode()).hexdigest()[:16]

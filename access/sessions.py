"""Sessions in our own table, which says whose they are: see `access.models.Session`."""

from typing import Any, cast

from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.utils import timezone

from access import limits
from access.models import Session


class SessionStore(DatabaseStore):
    # Where the browser is: said by the middleware before a row can be written.
    source_ip = ""
    user_agent = ""
    # What was read, with what the store itself does not keep: when it was made and last seen.
    row: Session | None = None

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        session = cast("Session", super().create_model_instance(data))
        session.user_id = int(data["_auth_user_id"]) if "_auth_user_id" in data else None
        session.source_ip = self.source_ip
        session.user_agent = self.user_agent
        if self.row is not None and self.row.user_id is not None:
            # A new key for the same visit, as after a new password.
            session.created_at = self.row.created_at
        return session

    def save(self, must_create: bool = False) -> None:  # noqa: FBT001, FBT002 - Django's signature
        if must_create or self.session_key is None:
            super().save(must_create=must_create)
            return
        # Django would write the whole row, and with it lose when the session was begun and last seen.
        session = self.create_model_instance(dict(self.items()))
        changed = Session.objects.filter(pk=session.pk).update(
            session_data=session.session_data, expire_date=session.expire_date, user_id=session.user_id
        )
        if not changed:
            # Somebody has ended it meanwhile: it does not come back.
            raise UpdateError

    def flush(self) -> None:
        super().flush()
        self.row = None

    def came_from(self, source_ip: str, user_agent: str) -> None:
        """Remember where the browser is, for a row that is written later in this request."""
        self.source_ip = source_ip
        self.user_agent = user_agent[:255].replace("\0", "")

    def note_seen(self) -> None:
        """Write that the session is used, and from where: now and then, not with every page."""
        now = timezone.now()
        if self.row is not None and self.row.seen_at <= now - limits.SEEN_EVERY:
            Session.objects.filter(pk=self.row.pk).update(
                seen_at=now, source_ip=self.source_ip, user_agent=self.user_agent
            )

    def _get_session_from_db(self) -> Session | None:
        self.row = super()._get_session_from_db()  # type: ignore[misc]  # the stubs leave it out
        return self.row

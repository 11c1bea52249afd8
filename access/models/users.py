import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser
from django.contrib.sessions.base_session import AbstractBaseSession, BaseSessionManager
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy
from django_otp.models import Device, ThrottlingMixin

from access import limits
from access.querysets import PasswordPolicyQuerySet, RoleQuerySet, SessionQuerySet, UserManager
from access.rules.browsers import browser_named


class User(AbstractUser):
    """A person or a program with a name of its own (CA-223). An administrator is the account itself."""

    display_name = models.CharField(_("display name"), max_length=limits.POLICY_NAME_CHARACTERS, blank=True)
    # The two doors of a user, each with its own switch (CA-225).
    console_access = models.BooleanField(_("may use the console"), default=True)
    api_access = models.BooleanField(_("may use the API"), default=False)
    must_change_password = models.BooleanField(_("must change the password"), default=False)
    must_use_second_factor = models.BooleanField(_("must use a second factor"), default=False)
    password_changed_at = models.DateTimeField(_("password changed"), null=True, blank=True)

    objects: ClassVar[UserManager] = UserManager()

    def get_absolute_url(self) -> str:
        return reverse("access:user_detail", args=[self.username])

    @property
    def password_since(self) -> datetime:
        return self.password_changed_at or self.date_joined


class Role(models.Model):
    """Permissions that a user takes on for some time, in the place of their own."""

    name = models.CharField(_("name"), max_length=limits.NAME_CHARACTERS, unique=True)
    description = models.CharField(_("description"), max_length=limits.DESCRIPTION_CHARACTERS, blank=True)
    max_session_seconds = models.PositiveIntegerField(
        _("longest session in seconds"), default=int(limits.ROLE_SESSION_DEFAULT.total_seconds())
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    objects = RoleQuerySet.as_manager()

    class Meta:
        verbose_name = _("role")
        verbose_name_plural = _("roles")
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("access:role_detail", args=[self.name])

    @property
    def max_session(self) -> timedelta:
        return timedelta(seconds=self.max_session_seconds)

    @property
    def max_session_minutes(self) -> int:
        return self.max_session_seconds // 60


class Session(AbstractBaseSession):
    """A browser that has signed in: Django's session with what its owner wants to know of it.

    The key is what opens it and is never shown: pages name a session by its `handle`.
    """

    user = models.ForeignKey(User, models.CASCADE, null=True, blank=True, related_name="sessions")
    source_ip = models.CharField(_("from"), max_length=45, blank=True)
    user_agent = models.CharField(_("browser"), max_length=255, blank=True)
    created_at = models.DateTimeField(_("signed in"), default=timezone.now)
    seen_at = models.DateTimeField(_("last seen"), default=timezone.now)

    objects: ClassVar = BaseSessionManager.from_queryset(SessionQuerySet)()

    class Meta(AbstractBaseSession.Meta):
        abstract = False

    @property
    def handle(self) -> str:
        return hashlib.sha256(self.session_key.encode()).hexdigest()[:16]

    @property
    def browser(self) -> str:
        return browser_named(self.user_agent)

    @classmethod
    def get_session_store_class(cls) -> type:
        from access.sessions import SessionStore  # noqa: PLC0415 - the store knows the model

        return SessionStore


class Authenticator(ThrottlingMixin, Device):
    """A user's app that shows a new number every thirty seconds (TOTP). Its key is sealed at rest."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    sealed_key = models.TextField(editable=False)
    # The last time step whose number was taken: none is taken twice.
    last_step = models.BigIntegerField(default=-1)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    objects: ClassVar[models.Manager["Authenticator"]] = models.Manager()

    class Meta:
        verbose_name = _("authenticator")
        verbose_name_plural = _("authenticators")
        constraints: ClassVar = [
            # One that counts, and one that is being set up.
            models.UniqueConstraint(fields=["user", "confirmed"], name="authenticator_once")
        ]

    @property
    def binding(self) -> str:
        """What the sealed key belongs to: the user, whatever row it is in."""
        return f"Authenticator:{self.user_id}"

    def get_throttle_factor(self) -> int:
        return limits.NUMBER_THROTTLE_SECONDS


class RecoveryCode(models.Model):
    """A number to sign in with once when the authenticator is lost. Only its digest is kept."""

    user = models.ForeignKey(User, models.CASCADE, related_name="recovery_codes")
    digest = models.CharField(max_length=64)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "digest"], name="recovery_code_once")
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.digest[:6]}"


class UsedPassword(models.Model):
    """A password that its user may not choose again; the hash alone."""

    user = models.ForeignKey(User, models.CASCADE, related_name="used_passwords")
    password = models.CharField(max_length=128)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["-at"]

    def __str__(self) -> str:
        return f"{self.user_id} {self.at:%Y-%m-%d}"


class PasswordPolicy(models.Model):
    """What passwords must be like. One row; where there is none, these defaults."""

    least_characters = models.PositiveSmallIntegerField(_("fewest characters"), default=8)
    needs_lower = models.BooleanField(_("needs a small letter"), default=False)
    needs_upper = models.BooleanField(_("needs a capital letter"), default=False)
    needs_digit = models.BooleanField(_("needs a digit"), default=False)
    needs_symbol = models.BooleanField(_("needs a sign that is neither letter nor digit"), default=False)
    # Zero: it never grows too old; any may come again.
    max_age_days = models.PositiveSmallIntegerField(_("valid for days"), default=0)
    remembered = models.PositiveSmallIntegerField(_("last ones that may not come again"), default=0)

    objects = PasswordPolicyQuerySet.as_manager()

    class Meta:
        verbose_name = _("password policy")
        verbose_name_plural = _("password policy")
        constraints: ClassVar = [models.CheckConstraint(condition=models.Q(pk=1), name="one_password_policy")]

    def __str__(self) -> str:
        return str(_("password policy"))

    @property
    def kinds(self) -> list[tuple[bool, Callable[[str], bool], Any]]:
        """The kinds of characters: whether one is needed, what it is, in words."""
        return [
            (self.needs_lower, str.islower, _("a small letter")),
            (self.needs_upper, str.isupper, _("a capital letter")),
            (self.needs_digit, str.isdigit, _("a digit")),
            (self.needs_symbol, is_symbol, _("a sign that is neither letter nor digit")),
        ]

    @property
    def demands(self) -> list[str]:
        """What a password needs, each as a part of a sentence."""
        needed = [str(words) for is_needed, _fits, words in self.kinds if is_needed]
        length = ngettext_lazy("%(n)d character or more", "%(n)d characters or more", "n")
        return [str(length % {"n": self.least_characters}), *needed]

    def missing_in(self, password: str) -> list[str]:
        """Those of the demands that a password does not meet."""
        length, *_others = self.demands
        missing = [length] if len(password) < self.least_characters else []
        return missing + [
            str(words) for is_needed, fits, words in self.kinds if is_needed and not any(map(fits, password))
        ]

    def has_expired(self, since: datetime, now: datetime) -> bool:
        return bool(self.max_age_days) and since + timedelta(days=self.max_age_days) <= now


def is_symbol(character: str) -> bool:
    return not character.isalnum()

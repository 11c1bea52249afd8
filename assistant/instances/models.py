from datetime import datetime
from typing import ClassVar

from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from access.models import User
from access.scopes import arn
from assistant.instances import limits
from assistant.instances.limits import OWN_AGENT
from assistant.instances.querysets import (
    ActivationQuerySet,
    InstanceQuerySet,
    RegionQuerySet,
    SelectionQuerySet,
)
from assistant.instances.rules.connection import is_connected
from assistant.instances.rules.fitness import Misfit
from assistant.instances.states import ActivationState, ConnectionStatus, activation_state


class Region(models.Model):
    """A place that instances, commands and quotas belong to (CA-11)."""

    id = models.SlugField(_("id"), max_length=32, primary_key=True)
    name = models.CharField(_("name"), max_length=64)
    # The two letters of every identifier made in the region (CA-8).
    code = models.CharField(_("code"), max_length=2, unique=True)

    objects = RegionQuerySet.as_manager()

    class Meta:
        verbose_name = _("region")
        verbose_name_plural = _("regions")
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(code__regex=r"^[a-z]{2}$"), name="region_code_letters"),
        ]

    def __str__(self) -> str:
        return self.name


class Activation(models.Model):
    """An activation code: lets servers register, for some hours, up to a number (CA-25 to CA-31)."""

    id = models.CharField(_("id"), max_length=36, primary_key=True)
    region = models.ForeignKey(Region, models.PROTECT, related_name="activations", verbose_name=_("region"))
    # SHA-256 of the code, in hex. The code itself has 192 random bits and is shown once.
    code_digest = models.CharField(max_length=64, editable=False)
    instance_name = models.CharField(_("instance name prefix"), max_length=limits.PREFIX_CHARACTERS)
    instance_count = models.PositiveIntegerField(_("instance quota"), default=limits.QUOTA_DEFAULT)
    registered_count = models.PositiveIntegerField(_("registered"), default=0)
    deregistered_count = models.PositiveIntegerField(_("deregistered"), default=0)
    time_to_live_in_hours = models.PositiveSmallIntegerField(_("hours"), default=limits.HOURS_DEFAULT)
    expires_at = models.DateTimeField(_("valid until"))
    ip_address_range = models.JSONField(_("source addresses"), default=list, blank=True)
    description = models.CharField(_("description"), max_length=limits.DESCRIPTION_CHARACTERS, blank=True)
    disabled = models.BooleanField(_("disabled"), default=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    created_by = models.CharField(_("created by"), max_length=150)

    objects = ActivationQuerySet.as_manager()

    class Meta:
        verbose_name = _("activation code")
        verbose_name_plural = _("activation codes")
        ordering: ClassVar = ["-created_at"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(registered_count__lte=models.F("instance_count")),
                name="activation_within_quota",
            ),
        ]

    def __str__(self) -> str:
        return self.id

    @property
    def arn(self) -> str:
        return arn("ecs", "activation", self.pk, region=self.region_id)

    @property
    def state(self) -> ActivationState:
        return activation_state(
            disabled=self.disabled,
            expired=self.expires_at <= timezone.now(),
            used_up=self.registered_count >= self.instance_count,
        )


class Node(models.Model):
    """A web process that holds agents' sockets. Its row is its sign of life."""

    id = models.CharField(max_length=36, primary_key=True)
    host = models.CharField(max_length=255)
    started_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.host} {self.id}"


class Instance(models.Model):
    """A server with an agent on it, from its registration on (CA-42)."""

    id = models.CharField(_("instance ID"), max_length=40, primary_key=True)
    region = models.ForeignKey(Region, models.PROTECT, related_name="instances", verbose_name=_("region"))
    activation = models.ForeignKey(
        Activation, models.PROTECT, related_name="instances", verbose_name=_("activation code")
    )
    name = models.CharField(_("name"), max_length=limits.NAME_CHARACTERS)
    hostname = models.CharField(_("host name"), max_length=255, blank=True)
    internet_ip = models.CharField(_("public address"), max_length=45, blank=True)
    intranet_ip = models.CharField(_("private address"), max_length=45, blank=True)
    os_type = models.CharField(_("system type"), max_length=16)
    os_version = models.CharField(_("system"), max_length=255, blank=True)
    machine_id = models.CharField(_("machine ID"), max_length=128)
    agent_name = models.CharField(_("agent"), max_length=64, blank=True)
    agent_version = models.CharField(_("client version"), max_length=32, blank=True)
    # Whom commands run as where nobody is named, and whether others may be named.
    # The zone of its own clock, which plans without a zone go by; empty until its agent has said it.
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True, default="")
    default_username = models.CharField(_("runs as"), max_length=255)
    is_privileged = models.BooleanField(_("may run as others"), default=True)
    public_key = models.TextField(editable=False)
    registered_at = models.DateTimeField(_("registered"), default=timezone.now)
    released_at = models.DateTimeField(_("deregistered"), null=True, blank=True)

    last_seen_at = models.DateTimeField(_("last seen"), null=True, blank=True)
    agent_started_at = models.DateTimeField(_("agent started"), null=True, blank=True)
    # The push channel: the token of the socket that is open now, or empty.
    channel = models.CharField(max_length=36, blank=True, default="")
    channel_node = models.ForeignKey(Node, models.SET_NULL, null=True, blank=True, related_name="instances")
    channel_changed_at = models.DateTimeField(null=True, blank=True)

    objects = InstanceQuerySet.as_manager()

    class Meta:
        verbose_name = _("managed instance")
        verbose_name_plural = _("managed instances")
        ordering: ClassVar = ["name", "id"]
        indexes: ClassVar = [
            models.Index(fields=["region", "name"], name="instance_region_name"),
            models.Index(fields=["name", "id"], name="instance_name"),
        ]
        constraints: ClassVar = [
            # Of two registrations of one machine at the same moment the second closes the first (CA-48).
            models.UniqueConstraint(
                fields=["machine_id"],
                condition=models.Q(released_at__isnull=True),
                name="instance_machine_once",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("instances:instance_detail", args=[self.pk])

    @property
    def arn(self) -> str:
        return arn("ecs", "instance", self.pk, region=self.region_id)

    @property
    def is_released(self) -> bool:
        return self.released_at is not None

    @property
    def misfit_reason(self) -> str:
        """Why a command cannot run here, where a queryset has asked (`with_misfit`); empty if it can."""
        kind = getattr(self, "misfit", "")
        return str(Misfit(kind).label) if kind else ""

    @property
    def is_own_agent(self) -> bool:
        return self.agent_name == OWN_AGENT

    @property
    def has_channel(self) -> bool:
        return bool(self.channel)

    @property
    def connection_status(self) -> ConnectionStatus:
        """`Normal` while commands can be sent; InstanceQuerySet.connected asks the database the same."""
        presence = (self.last_seen_at, self.agent_name, self.channel, self.channel_changed_at)
        if self.is_released or not is_connected(*presence, now=timezone.now()):
            return ConnectionStatus.ABNORMAL
        return ConnectionStatus.NORMAL

    @property
    def reconnects_at(self) -> datetime | None:
        """When the reference agent next looks for its lost push channel: its start + n x 30 minutes."""
        if self.channel or self.is_own_agent or self.agent_started_at is None:
            return None
        passed = (timezone.now() - self.agent_started_at) // limits.REFERENCE_RECONNECT
        return self.agent_started_at + (passed + 1) * limits.REFERENCE_RECONNECT


class Tag(models.Model):
    """A key and a value on an instance, for finding it (CA-19)."""

    instance = models.ForeignKey(Instance, models.CASCADE, related_name="tags")
    key = models.CharField(_("key"), max_length=limits.TAG_KEY_CHARACTERS)
    value = models.CharField(_("value"), max_length=limits.TAG_VALUE_CHARACTERS, blank=True)

    class Meta:
        verbose_name = _("tag")
        verbose_name_plural = _("tags")
        ordering: ClassVar = ["key"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["instance", "key"], name="tag_key_once")]
        indexes: ClassVar = [models.Index(fields=["key", "value"], name="tag_key_value")]

    def __str__(self) -> str:
        return f"{self.key}={self.value}" if self.value else self.key


class Selection(models.Model):
    """Filters of the instances list, or instances that were ticked, kept under a name.

    Filters mean whoever matches them when they are used, as far as whoever uses them may see.
    """

    # What may be kept of an address: the names of InstanceFilter but its own.
    FILTERS: ClassVar = ("q", "connection", "os_type", "tag", "region", "activation")

    name = models.CharField(_("name"), max_length=limits.SELECTION_NAME_CHARACTERS)
    owner = models.ForeignKey(User, models.CASCADE, related_name="selections", verbose_name=_("user"))
    is_shared = models.BooleanField(_("shared"), default=False)
    filters = models.JSONField(_("filters"), default=dict, blank=True)
    instance_ids = models.JSONField(_("instances"), default=list, blank=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    objects = SelectionQuerySet.as_manager()

    class Meta:
        verbose_name = _("selection")
        verbose_name_plural = _("selections")
        ordering: ClassVar = ["name", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["owner", "name"], name="selection_name_once")
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """The instances list with it."""
        return f"{reverse('instances:instance_list')}?selection={self.pk}"

"""The cast: an operator who administers, a reader who may only look, and nobody."""

import json

import pytest
from django.test import Client
from django.utils import timezone

from access.models import Policy, PolicyAttachment, PolicyVersion, User
from access.operations.identities import principal_for
from access.principals import Door
from console.kit import bells
from tests.waiting import PATIENCE_SECONDS


@pytest.fixture
def operator(db):
    return User.objects.create_superuser("olga", "olga@example.org", "correct horse battery")


@pytest.fixture
def reader(db):
    user = User.objects.create_user("rita", "rita@example.org", "correct horse battery")
    attach(user, "AliyunECSAssistantReadonlyAccess")
    return user


def attach(user, *policies):
    """Attach policies that are there, by name."""
    for policy in Policy.objects.filter(name__in=policies):
        PolicyAttachment.objects.create(policy=policy, user=user)


def put_policy(name, *statements):
    """A custom policy of these statements, as the database has it."""
    policy = Policy.objects.create(name=name, updated_at=timezone.now())
    document = json.dumps({"Version": "1", "Statement": list(statements)})
    PolicyVersion.objects.create(policy=policy, number=1, document=document, created_by="olga")
    return policy


class Somebody:
    """A user with statements of their own, at the doors."""

    def __init__(self, name, *statements):
        self.user = User.objects.create_user(name, f"{name}@example.org", "correct horse battery")
        if statements:
            put_policy(f"of-{name}", *statements)
            attach(self.user, f"of-{name}")
        self.client = signed_in(self.user)

    @property
    def principal(self):
        """Anew, as every request has it."""
        return principal_for(User.objects.get(pk=self.user.pk), Door.CONSOLE, source_ip="192.0.2.9")


@pytest.fixture
def somebody(db):
    return Somebody


@pytest.fixture
def olga(operator):
    return principal_for(operator, Door.CONSOLE, source_ip="192.0.2.7")


@pytest.fixture
def rita(reader):
    return principal_for(reader, Door.CONSOLE)


@pytest.fixture
def as_operator(operator):
    return signed_in(operator)


@pytest.fixture
def as_reader(reader):
    return signed_in(reader)


@pytest.fixture
def as_nobody():
    return Client()


def signed_in(user):
    client = Client()
    client.force_login(user)
    return client


class Bell:
    """What was rung, heard through the real Redis."""

    MARK = "end of the test's listening"

    def __init__(self):
        self._ear = bells.client().pubsub()
        for channel in (bells.KICKS, bells.NEWS):
            self._ear.subscribe(channel)
            assert self._ear.get_message(timeout=PATIENCE_SECONDS)["type"] == "subscribe"

    def heard(self):
        """Everything until now: Redis keeps the order, so what was rung before the mark comes before it."""
        bells.publish(bells.NEWS, json.dumps(self.MARK))
        messages = []
        while (
            said := json.loads((message := self._ear.get_message(timeout=PATIENCE_SECONDS))["data"])
        ) != self.MARK:
            messages.append((message["channel"].decode(), said))
        return messages

    @property
    def kicks(self):
        texts = {}
        for channel, said in self.heard():
            if channel == bells.KICKS:
                texts |= said
        return texts

    def close(self):
        self._ear.close()


@pytest.fixture
def still(monkeypatch):
    """Django's clock stands still: what is a second before a limit stays so, however slow the machine is."""
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)
    return now


@pytest.fixture
def bell():
    bell = Bell()
    yield bell
    bell.close()

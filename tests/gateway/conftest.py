import asyncio

import pytest_asyncio
from asgiref.sync import sync_to_async
from django.db import connections

from console.kit import bells
from console.listening import Ear
from gateway.app import GatewayApp
from gateway.handlers import Gateway
from tests.gateway.wire import Wire, pem
from tests.instances.factories import CODE, ActivationFactory, InstanceFactory
from tests.waiting import soon


@pytest_asyncio.fixture
async def gateway(transactional_db):
    """A gateway with its ear to the real Redis, as the web process has it."""
    gateway = Gateway()
    await gateway.alive()
    heard = asyncio.Event()
    ear = Ear({bells.KICKS: gateway.kicked, bells.NEWS: lambda _topics: None}, heard.set)
    listening = asyncio.create_task(ear.listen())
    await soon(heard.wait())
    yield gateway
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    await gateway.gone()
    # The thread in which a coroutine's ORM calls run is not the test's own: nobody else closes for it.
    await in_thread(connections.close_all)


@pytest_asyncio.fixture
async def app(gateway):
    return GatewayApp(gateway)


@pytest_asyncio.fixture
async def wire(app):
    """A registered agent."""
    instance = await in_thread(
        InstanceFactory, machine_id="machine-1", public_key=pem().decode(), channel="", last_seen_at=None
    )
    return Wire(app, instance.pk)


@pytest_asyncio.fixture
async def stranger(app):
    """A server that has not registered."""
    return Wire(app)


@pytest_asyncio.fixture
async def activation(transactional_db):
    return await in_thread(ActivationFactory)


def in_thread(function, *arguments, **named):
    """The ORM from a coroutine."""
    return sync_to_async(function, thread_sensitive=True)(*arguments, **named)


__all__ = ["CODE", "in_thread"]

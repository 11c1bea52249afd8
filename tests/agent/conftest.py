import itertools
import os

import pytest

from agent import build
from tests.agent.actors import AgentProcess
from tests.agent.authority import make_certificates
from tests.agent.stage import Stage


@pytest.fixture(scope="session")
def program(tmp_path_factory):
    target = tmp_path_factory.mktemp("program") / "agent.pyz"
    build.build(target)
    return target


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def stage(certificates):
    stage = Stage(certificates.chain).start()
    yield stage
    stage.stop()


@pytest.fixture
def make_agent(program, certificates, stage, tmp_path):
    agents = []
    numbers = itertools.count(1)

    def make(**options):
        state = tmp_path / f"state-{next(numbers)}"
        agents.append(AgentProcess(program, state, stage, certificates.authority, **options))
        return agents[-1]

    yield make
    for agent in agents:
        agent.close()


@pytest.fixture(scope="session")
def registered(program, certificates, tmp_path_factory):
    """What registering leaves, and what the server then knows: to make a key takes longer than most tests."""
    stage = Stage(certificates.chain).start()
    state = tmp_path_factory.mktemp("registered") / "state"
    assert AgentProcess(program, state, stage, certificates.authority).register().returncode == 0
    stage.stop()
    return state, stage.registrations


@pytest.fixture
def agent(make_agent, registered, stage):
    """A registered agent that is running and connected."""
    agent = make_agent()
    agent.take_over(*registered)
    agent.start()
    stage.wait_for_channel()
    return agent


@pytest.fixture
def task_id(request):
    """A new id, so that processes of one test can be told from those of another."""
    return f"t-{os.getpid()}-{next(_numbers)}"


_numbers = itertools.count(1)

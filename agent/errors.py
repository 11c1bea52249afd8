"""What can go wrong, each class with the exit status of the program.

AgentError
    NotRegistered, AlreadyRegistered, RegistrationRefused, StateInUse
    WrongUsage, ServiceFailed
    TransportFailed
        ServerUnreachable, ConnectionStale
    InvalidTask, StartFailed      (reported to the server, never to the shell)
"""

from __future__ import annotations


class AgentError(Exception):
    exit_status = 1


class WrongUsage(AgentError):
    exit_status = 2


class AlreadyRegistered(AgentError):
    exit_status = 3


class RegistrationRefused(AgentError):
    exit_status = 4


class TransportFailed(AgentError):
    exit_status = 5


class ServerUnreachable(TransportFailed):
    pass


class ConnectionStale(TransportFailed):
    """A kept connection turned out to be closed before any of the answer came."""


class NotRegistered(AgentError):
    exit_status = 6


class StateInUse(AgentError):
    exit_status = 7


class ServiceFailed(AgentError):
    exit_status = 8


class InvalidTask(AgentError):
    """The task's parameters cannot be honoured; becomes an `invalid` report."""

    def __init__(self, parameter: str, value: str) -> None:
        super().__init__(f"{parameter}: {value}")
        self.parameter = parameter
        self.value = value


class StartFailed(AgentError):
    """The command could not be started; becomes an `error` report."""

    def __init__(self, code: int, description: str) -> None:
        super().__init__(description)
        self.code = code
        self.description = description

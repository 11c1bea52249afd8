"""The parameters of a run: kept with its secrets sealed, and put into its script for each instance."""

import json
import logging
from collections.abc import Mapping
from typing import TypedDict

from django.conf import settings

from access.operations.secrets import seal, unseal
from assistant.commands.models import Command
from assistant.commands.rules.parameters import (
    ACCOUNT_ID,
    COMMAND_ID,
    INSTANCE_ID,
    INSTANCE_NAME,
    INVOKE_ID,
    REGION_ID,
    as_text,
    built_in_values,
    built_ins_in,
    masked,
    secret_keys,
    substituted,
)
from assistant.invocations.models import Invocation

logger = logging.getLogger(__name__)


class Kept(TypedDict):
    """Two columns of an invocation."""

    parameters: dict[str, str]
    sealed_parameters: str


def kept_values(invocation_id: str, command: Command, values: Mapping[str, str]) -> Kept:
    """How the values of a run are stored; to be called in the transaction that does."""
    definitions = command.definitions
    secret = secret_keys(definitions)
    secrets = {name: value for name, value in values.items() if name.lower() in secret}
    sealed = seal(as_text(secrets), binding=binding_of(invocation_id)) if secrets else ""
    return {"parameters": masked(values, definitions), "sealed_parameters": sealed}


def values_of(invocation: Invocation) -> dict[str, str]:
    """The values with the secrets in the open: for delivery and for running again, never to be shown.

    Raises SecretNotOpened where the sealed text was changed, MasterKeyMissing where its key is not here.
    """
    values: dict[str, str] = dict(invocation.parameters)
    if invocation.sealed_parameters:
        values |= json.loads(unseal(invocation.sealed_parameters, binding=binding_of(invocation.pk)))
    return values


def binding_of(invocation_id: str) -> str:
    return f"Invocation:{invocation_id}"


class Filling:
    """What an invocation's script becomes on each instance; built-in values differ in one batch (CA-107)."""

    def __init__(self, invocation: Invocation) -> None:
        self._command = invocation.command
        self.has_secrets = bool(invocation.sealed_parameters)
        self._values = values_of(invocation) | built_in_values(
            **{
                REGION_ID: invocation.region_id,
                ACCOUNT_ID: settings.ACCOUNT_ID,
                INVOKE_ID: invocation.pk,
                COMMAND_ID: invocation.command_id,
            }
        )
        self._differs = bool(built_ins_in(self._command.content) & {INSTANCE_ID, INSTANCE_NAME})
        self._same = "" if self._differs else substituted(self._command.content, self._values)

    def on(self, instance_id: str, name: str) -> str:
        """The script for one instance."""
        if not self._differs:
            return self._same
        own = built_in_values(**{INSTANCE_ID: instance_id, INSTANCE_NAME: name})
        return substituted(self._command.content, self._values | own)

from assistant.commands.operations.commands import create_command
from assistant.commands.operations.scripts import Script
from tests.instances.factories import RegionFactory


def saved(principal, content="echo hi", *, region=None, name="say hi", **script):
    """A saved command, through the operation."""
    return create_command(principal, region or RegionFactory(), Script(content=content, name=name, **script))

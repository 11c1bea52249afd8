"""Documents as long as they may be, each of another shape that takes long to read unless care is taken."""

import json
import string
from itertools import product

from access.limits import DOCUMENT_CHARACTERS

LETTERS = string.ascii_lowercase + string.digits
NAMES = ["".join(letters) for letters in product(LETTERS, repeat=2)]
# A character each, so that many fit.
SIGNS = [chr(0x4E00 + number) for number in range(6000)]


def written(*statements):
    members = {"Version": "1", "Statement": list(statements)}
    return json.dumps(members, separators=(",", ":"), ensure_ascii=False)


def statement(effect="Allow", action="*", resource="*", **more):
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def like(values, operator="StringLike"):
    return statement(action="ecs:Describe*", Condition={operator: {"ecs:tag/e": values}})


def longest(write, pieces):
    """As many of the pieces as fit into a document."""
    pieces = list(pieces)
    least, most = 1, len(pieces)
    while least < most:
        middle = (least + most + 1) // 2
        if len(write(pieces[:middle])) > DOCUMENT_CHARACTERS:
            most = middle - 1
        else:
            least = middle
    return write(pieces[:least])


def resource(unit):
    return longest(lambda units: written(statement(resource="acs:ecs:*:*:" + "".join(units))), [unit] * 6000)


NASTY = {
    "a run of stars": resource("*"),
    "stars and letters": resource("*i"),
    "stars and question marks": resource("*?"),
    "question marks": resource("?"),
    "stars in the region": longest(
        lambda units: written(statement(resource=f"acs:ecs:{''.join(units)}:*:instance/*")), ["*a"] * 3000
    ),
    "many resources": longest(
        lambda names: written(statement(resource=[f"acs:ecs:::*{name}" for name in names])), NAMES
    ),
    "many regions": longest(
        lambda names: written(statement(resource=[f"acs:ecs:{name}*:*:instance/*" for name in names])), NAMES
    ),
    "many actions": longest(
        lambda names: written(statement(action=[f"*:*{name}*" for name in names])), ["", *LETTERS, *NAMES]
    ),
    "one action many times": longest(
        lambda names: written(statement(action=["*:*"] * len(names))), NAMES * 2
    ),
    "many actions and resources": longest(
        lambda names: written(
            statement(action=[f"*:*{name}" for name in names], resource=[f"acs:*:::*x*{n}" for n in names])
        ),
        NAMES,
    ),
    "many statements": longest(
        lambda names: written(*(statement(resource=f"acs:ecs:::*{name}") for name in names)), NAMES
    ),
    "many denials": longest(
        lambda names: written(*(statement("Deny", "ecs:*", f"acs:*:*:*:*{name}*") for name in names)), NAMES
    ),
    "many values": longest(lambda signs: written(like([f"{sign}*" for sign in signs])), SIGNS),
    "many whole values": longest(lambda signs: written(like(signs, "StringEquals")), SIGNS),
    "many keys": longest(
        lambda names: written(statement(Condition={"Bool": {f"a:{name}": "true" for name in names}})), NAMES
    ),
    "many tags": longest(
        lambda names: written(
            statement(Condition={"StringLike": {f"ecs:tag/{name}": "*a*" for name in names}})
        ),
        NAMES,
    ),
    "a long key": longest(
        lambda units: written(statement(Condition={"Bool": {f"ecs:{''.join(units)}": "true"}})),
        ["CommandRunAs"] * 500,
    ),
}

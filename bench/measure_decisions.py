"""Permissions decided per second on one core: twenty policies of five statements, another instance each time.

The contender reads the same statements one after the other, as their text says. Both answer the same.
"""

import argparse
import itertools
import time

from bench.report import show
from bench.rounds import interleave

ACCOUNT = "1000000000000001"
SERVICES = ["ecs", "ram", "oos", "log", "oss"]
POLICIES, STATEMENTS = 20, 5
ACTION = "ecs:RunCommand"


def document(number):
    return {"Version": "1", "Statement": [statement(number, place) for place in range(STATEMENTS)]}


def statement(number, place):
    """Every other one is about the action that is asked; of these one in five asks for an account, one denies."""
    serial = number * STATEMENTS + place
    one = {
        "Effect": "Deny" if serial % 10 == 9 else "Allow",
        "Action": ["ecs:*Command", "ecs:Describe*"] if serial % 2 else f"{SERVICES[place]}:Get*",
        "Resource": [
            f"acs:ecs:cn-{number}:*:instance/mi-{serial}*",
            f"acs:ecs:*:{ACCOUNT}:instance/web-{serial:03d}-*",
        ],
    }
    if serial % 10 == 5:
        one["Condition"] = {"StringEquals": {"ecs:CommandRunAs": ["deploy", "web"]}}
    return one


def questions(number):
    """Instances that some, one and no statement is about, all different, each with what it brings."""
    places = itertools.cycle(range(POLICIES * STATEMENTS * 2))
    context = {"ecs:CommandRunAs": "deploy", "acs:SecureTransport": "true"}
    return [
        (f"acs:ecs:cn-{serial % 7}:{ACCOUNT}:instance/web-{next(places):03d}-{serial}", context)
        for serial in range(number)
    ]


def in_order(policies, resource, context):
    """What a decision is, read from the statements without anything prepared."""
    allowed = False
    for one in (statement for policy in policies for statement in policy.statements):
        matches = one.names(ACTION) and one.covers(resource)
        if matches and all(condition.holds(context) for condition in one.conditions):
            if one.effect == "Deny":
                return False
            allowed = True
    return allowed


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    from access.rules.documents import build
    from access.rules.policies import PolicySet

    policies = [build(document(number), name=f"policy-{number}") for number in range(POLICIES)]
    asked = questions(options.questions)
    few = asked[: options.questions // 10]

    def compiled():
        decide = PolicySet(policies).decide
        began = time.process_time()
        for resource, context in asked:
            decide(ACTION, resource, context)
        return len(asked) / (time.process_time() - began)

    def one_by_one():
        began = time.process_time()
        for resource, context in few:
            in_order(policies, resource, context)
        return len(few) / (time.process_time() - began)

    decide = PolicySet(policies).decide
    answers = {decide(ACTION, *one).is_allowed for one in few}
    assert answers == {True, False}
    assert all(decide(ACTION, *one).is_allowed is in_order(policies, *one) for one in few)
    samples = interleave({"compiled": compiled, "in order": one_by_one}, options.rounds)
    against = {"in order": samples["in order"]}
    show("decisions", "compiled", samples["compiled"], "per second", against=against)
    show("decisions", "in order", samples["in order"], "per second")


if __name__ == "__main__":
    main()

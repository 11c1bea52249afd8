"""Plans in words."""

import json
from pathlib import Path

import pytest

from assistant.invocations.rules.plan_sentences import sentence
from assistant.invocations.rules.plans import stored_plan

CASES = json.loads((Path(__file__).parents[1] / "data" / "cron_cases.json").read_text())


@pytest.mark.parametrize(
    ("frequency", "words"),
    [
        ("0 15 10 * * ? UTC", "Every day at 10:15 in UTC"),
        ("0 0 10,14,16 * * ? UTC", "Every day at 10:00, 14:00 and 16:00 in UTC"),
        ("30 15 10 17 MAY ? UTC", "On 17 May at 10:15:30 in UTC"),
        ("0 15 10 ? * MON Asia/Shanghai", "Every Monday at 10:15 in Asia/Shanghai"),
        ("0 0 9 ? * L UTC", "Every Sunday at 09:00 in UTC"),
        ("0 0 8 ? * mon,Fri UTC", "Every Monday and Friday at 08:00 in UTC"),
        ("0 15 10 ? * MON-FRI UTC", "Monday to Friday at 10:15 in UTC"),
        ("0 15 10 ? * MON-SUN UTC", "Every day at 10:15 in UTC"),
        ("0 15 10 ? 6-8 * UTC", "Every day in June to August at 10:15 in UTC"),
        ("0 10,44 14 ? 3 WED UTC", "Every Wednesday in March at 14:10 and 14:44 in UTC"),
        ("0 15 10 15 * ? UTC", "On day 15 of each month at 10:15 in UTC"),
        ("0 0 9 1/10 * ? UTC", "On the days 1, 11, 21 and 31 of each month at 09:00 in UTC"),
        ("0 0 9 31 * ? UTC", "On day 31 of each month that has one at 09:00 in UTC"),
        ("0 0 9 L 2 ? UTC", "On the last day of February at 09:00 in UTC"),
        ("0 0 9 LW * ? UTC", "On the last day from Monday to Friday of each month at 09:00 in UTC"),
        (
            "0 0 9 5W * ? UTC",
            "On the day from Monday to Friday nearest to day 5 of each month at 09:00 in UTC",
        ),
        ("0 15 10 ? * 6L UTC", "On the last Saturday of each month at 10:15 in UTC"),
        ("0 15 10 ? * 6#3 UTC", "On the third Saturday of each month at 10:15 in UTC"),
        ("0 0 9 ? * 6#5 UTC", "On the fifth Saturday of each month that has one at 09:00 in UTC"),
        ("0 0 9 * * ? 2027 UTC", "Every day at 09:00, only in 2027, in UTC"),
        ("0 0 9 * * ? 2027-2030,2040 UTC", "Every day at 09:00, only in 2027 to 2030 and 2040, in UTC"),
        ("0 0 9 * * ? 2027/2 UTC", "Every day at 09:00, every 2 years from 2027 on, in UTC"),
        ("0 0 9 * * ? 2027/1 UTC", "Every day at 09:00, from 2027 on, in UTC"),
        ("* * * * * ? UTC", "Every second in UTC"),
        ("0/10 * * * * ? UTC", "Every 10 seconds in UTC"),
        ("30 * * * * ? UTC", "At second 30 of every minute in UTC"),
        ("* 5 * * * ? UTC", "Every second in minute 5 in UTC"),
        ("0 * * * * ? UTC", "Every minute in UTC"),
        ("0 */20 * * * ? UTC", "Every 20 minutes in UTC"),
        ("0 3/20 * * * ? UTC", "At the minutes 3, 23 and 43 of every hour in UTC"),
        ("0 0 * * * ? UTC", "Every hour in UTC"),
        ("0 0 0/2 * * ? UTC", "Every 2 hours in UTC"),
        ("0 0 8-18 * * ? UTC", "Every hour from 08:00 to 18:59 in UTC"),
        ("0 0/30 9-17 * * ? UTC", "Every 30 minutes from 09:00 to 17:59 in UTC"),
        ("0 0/5 14,18 * * ? UTC", "Every 5 minutes in the hours 14 and 18 in UTC"),
        ("0 0 1,2,3,4,5,7,9 * * ? UTC", "On the hour in the hours 1 to 5, 7 and 9 in UTC"),
        ("0 0/30 9-17 ? * MON-FRI UTC", "Monday to Friday, every 30 minutes from 09:00 to 17:59, in UTC"),
        ("0 0 9 * * ?", "Every day at 09:00, by each server's own clock"),
        ("rate(5m)", "Every 5 minutes, for the first time after 5 minutes"),
        ("rate(90s)", "Every 90 seconds, for the first time after 90 seconds"),
        ("rate(1h)", "Every hour, for the first time after 1 hour"),
        ("rate(24h)", "Every day, for the first time after 1 day"),
        (
            "at(2022-05-17 17:30:50 Asia/Shanghai)",
            "Once, on Tuesday 17 May 2022 at 17:30:50 in Asia/Shanghai",
        ),
    ],
)
def test_plans_in_words(frequency, words):
    assert sentence(stored_plan("Period", frequency)) == words


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("Once", "Right away, once"),
        ("NextRebootOnly", "Once, at the next start of the server"),
        ("EveryReboot", "At every start of the server"),
    ],
)
def test_plans_without_times(mode, words):
    assert sentence(stored_plan(mode, "")) == words


@pytest.mark.parametrize("case", [pytest.param(case, id=case["id"]) for case in CASES if case["valid"]])
def test_every_plan_of_the_specification_has_a_short_sentence(case):
    words = sentence(stored_plan("Period", case["expr"]))

    assert words[0].isupper()
    assert len(words) < 130
    assert "%(" not in words

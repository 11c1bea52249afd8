"""Second factors: setting up, signing in, what is refused, and who takes them off."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone

from access.errors import (
    NumberWrong,
    PasswordWrong,
    SecondFactorBound,
    SecondFactorMissing,
    TooManyTries,
)
from access.models import AuditEntry, Authenticator, RecoveryCode, Session, User
from access.operations.identities import principal_for
from access.operations.second_factors import (
    begin_second_factor,
    check_number,
    check_recovery_code,
    confirm_second_factor,
    create_recovery_codes,
    remove_second_factor,
    setting_up,
    unbind_second_factor,
)
from access.principals import Door
from access.rules.authenticators import step_of
from console.kit.errors import NotAllowed
from tests.access.authenticators import bound, number_now, wait_over
from tests.conftest import attach, put_policy, signed_in

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"
# RFC 6238, appendix B, in six digits: moment and number.
VECTORS = [
    (59, "287082"),
    (1111111109, "081804"),
    (1111111111, "050471"),
    (1234567890, "005924"),
    (2000000000, "279037"),
]
RFC_KEY = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


@pytest.mark.parametrize(("moment", "number"), VECTORS)
def test_numbers_are_those_of_the_standard(moment, number):
    assert step_of(RFC_KEY, number, after=-1, drift=0, now=moment) == moment // 30


@pytest.mark.parametrize("typed", ["", "28708", "2870822", "28708a", "-87082", "٢٨٧٠٨٢", "287 083"])
def test_what_is_no_number_of_now_is_none(typed):
    assert step_of(RFC_KEY, typed, after=-1, drift=0, now=59) is None


@pytest.mark.parametrize(
    ("moment", "is_taken"), [(59 - 30, True), (59 + 30, True), (59 - 60, False), (59 + 60, False)]
)
def test_a_clock_may_be_off_by_one_step(moment, is_taken):
    assert (step_of(RFC_KEY, "287 082", after=-1, drift=1, now=moment) is not None) is is_taken


# --- Setting up ---


def test_an_app_counts_once_a_number_has_proved_it(rita, reader):
    begin_second_factor(rita)
    assert not Authenticator.objects.get().confirmed

    codes = confirm_second_factor(rita, number=number_now(reader, confirmed=False), keeping="")

    authenticator = Authenticator.objects.get()
    assert authenticator.confirmed
    assert len(set(codes)) == RecoveryCode.objects.count() == 10
    stored = str(list(Authenticator.objects.values())) + str(list(RecoveryCode.objects.values()))
    remembered = str(list(AuditEntry.objects.values()))
    assert not any(code in stored + remembered for code in codes)


def test_the_key_is_sealed_and_bound_to_its_user(rita):
    begin_second_factor(rita)

    new = setting_up(rita)

    assert new.key not in str(list(Authenticator.objects.values()))
    assert f"secret={new.key}" in new.link
    assert new.key not in repr(new)


def test_a_wrong_number_proves_nothing(rita, reader):
    begin_second_factor(rita)

    with pytest.raises(NumberWrong):
        confirm_second_factor(rita, number=number_now(reader, confirmed=False, steps=5), keeping="")

    assert not Authenticator.objects.get().confirmed


def test_another_beginning_makes_another_key(rita):
    begin_second_factor(rita)
    first = setting_up(rita).key
    begin_second_factor(rita)

    assert setting_up(rita).key != first
    assert Authenticator.objects.count() == 1


def test_a_key_that_was_not_proved_is_not_shown_for_ever(rita):
    begin_second_factor(rita)
    Authenticator.objects.update(created_at=timezone.now() - timedelta(hours=2))

    with pytest.raises(SecondFactorMissing):
        setting_up(rita)


def test_a_second_one_needs_the_first_to_go(rita, reader):
    bound(reader)

    with pytest.raises(SecondFactorBound):
        begin_second_factor(rita)


def test_setting_one_up_ends_sessions_that_began_without_it(reader, as_reader):
    elsewhere = signed_in(reader)
    as_reader.post("/console/account/second-factor/begin/")
    as_reader.post("/console/account/second-factor/confirm/", {"number": number_now(reader, confirmed=False)})

    assert as_reader.get("/console/account/").status_code == 200
    assert elsewhere.get("/console/account/").status_code == 302


def test_pages_with_secrets_are_not_kept(reader, as_reader):
    as_reader.post("/console/account/second-factor/begin/")
    shown = as_reader.get("/console/account/second-factor/confirm/")
    done = as_reader.post(
        "/console/account/second-factor/confirm/", {"number": number_now(reader, confirmed=False)}
    )

    assert 'src="data:image/svg+xml;base64,' in shown.content.decode()
    assert "otpauth://totp/" in shown.content.decode()
    assert "no-store" in shown["Cache-Control"]
    assert "no-store" in done["Cache-Control"]
    assert all(code in done.content.decode() for code in done.context["codes"].split())
    assert len(done.context["codes"].split()) == 10


# --- Signing in ---


def half_way(user):
    """A browser between password and number."""
    client = Client()
    client.post(
        "/console/sign-in/", {"username": user.username, "password": PASSWORD, "next": "/console/instances/"}
    )
    return client


def give(client, number):
    return client.post("/console/sign-in/number/", {"number": number})


def is_inside(client):
    return client.get("/console/account/").status_code == 200


@pytest.fixture
def guarded(reader):
    return bound(reader, "aaaa-bbbb-cccc-dddd")


def test_between_password_and_number_one_is_nobody(guarded):
    client = half_way(guarded)

    assert not is_inside(client)
    assert "_auth_user_id" not in client.session
    assert not Session.objects.filter(user__isnull=False).exists()


def test_the_number_lets_one_in_and_on_to_where_one_wanted(guarded):
    client = half_way(guarded)
    between = client.session.session_key

    response = give(client, number_now(guarded))

    assert response["Location"] == "/console/instances/"
    assert is_inside(client)
    assert client.session.session_key != between
    assert not Session.objects.filter(pk=between).exists()
    assert "half_way" not in client.session


def test_policies_learn_that_a_second_factor_was_used(guarded):
    policy = put_policy(
        "WithSecondFactor",
        {
            "Effect": "Allow",
            "Action": "ram:ListUsers",
            "Resource": "*",
            "Condition": {"Bool": {"acs:MFAPresent": "true"}},
        },
    )
    attach(guarded, policy.name)
    with_it = half_way(guarded)
    give(with_it, number_now(guarded))

    assert with_it.get("/console/").wsgi_request.principal.may("ram:ListUsers", "acs:ram:*:1:user/x")
    assert (
        not signed_in(guarded)
        .get("/console/")
        .wsgi_request.principal.may("ram:ListUsers", "acs:ram:*:1:user/x")
    )


def test_no_number_is_taken_twice(guarded):
    number = number_now(guarded)
    give(half_way(guarded), number)

    again = half_way(guarded)
    response = give(again, number)

    assert response.status_code == 422
    assert not is_inside(again)


def test_an_earlier_number_is_not_taken_after_a_later_one(guarded):
    earlier = number_now(guarded, steps=-1)
    check_number(guarded, number_now(guarded))

    with pytest.raises(NumberWrong):
        check_number(guarded, earlier)


@pytest.mark.parametrize("typed", ["000000", "", "aaaa-bbbb-cccc-dddx", "wrong", "0" * 60])
def test_a_wrong_number_lets_nobody_in(guarded, typed):
    client = half_way(guarded)
    response = give(client, typed)

    assert response.status_code == 422
    assert not is_inside(client)


def test_a_wrong_number_makes_one_wait_each_time_longer(guarded, still):
    for expected in (1, 2, 4):
        wait_over(guarded)
        with pytest.raises(NumberWrong):
            check_number(guarded, "000000")
        is_allowed, why = Authenticator.objects.get().verify_is_allowed()
        assert not is_allowed
        assert why["locked_until"] - still == timedelta(seconds=expected)


def test_while_one_has_to_wait_no_number_is_looked_at(guarded, still):
    with pytest.raises(NumberWrong):
        check_number(guarded, "000000")

    with pytest.raises(TooManyTries):
        check_number(guarded, number_now(guarded))
    wait_over(guarded)
    check_number(guarded, number_now(guarded))
    assert Authenticator.objects.get().throttling_failure_count == 0


def test_five_wrong_numbers_close_the_door_for_this_address(guarded, settings):
    settings.AXES_ENABLED = True
    client = half_way(guarded)
    for _try in range(5):
        wait_over(guarded)
        response = give(client, "000000")
    wait_over(guarded)

    assert response.status_code == 429
    assert give(client, number_now(guarded)).status_code == 429
    assert give(client, "aaaa-bbbb-cccc-dddd").status_code == 429
    assert half_way(guarded).get("/console/sign-in/number/").status_code == 302


def test_a_recovery_code_works_once_however_it_is_typed(guarded):
    client = half_way(guarded)
    response = give(client, " AAAA bbbb-CCCCdddd ")

    assert response.status_code == 302
    assert is_inside(client)
    assert AuditEntry.objects.filter(action="ram:UseRecoveryCode").exists()
    again = half_way(guarded)
    assert give(again, "aaaa-bbbb-cccc-dddd").status_code == 422


def test_wrong_numbers_of_somebody_else_do_not_lock_out_the_owner_of_a_recovery_code(guarded):
    with pytest.raises(NumberWrong):
        check_number(guarded, "000000")

    check_recovery_code(guarded, "aaaa-bbbb-cccc-dddd")


def test_nobody_uses_the_recovery_code_of_somebody_else(guarded, operator):
    bound(operator)

    with pytest.raises(NumberWrong):
        check_recovery_code(operator, "aaaa-bbbb-cccc-dddd")


def test_half_way_is_over_after_ten_minutes(guarded):
    client = half_way(guarded)
    session = client.session
    kept = session["half_way"]
    kept[3] = (timezone.now() - timedelta(seconds=1)).isoformat()
    session["half_way"] = kept
    session.save()

    response = give(client, number_now(guarded))

    assert response["Location"] == "/console/sign-in/"
    assert not is_inside(client)


def test_the_session_in_between_does_not_outlive_its_ten_minutes(guarded):
    half_way(guarded)

    assert Session.objects.get().expire_date <= timezone.now() + timedelta(minutes=10)


@pytest.mark.parametrize("columns", [{"is_active": False}, {"console_access": False}, {"password": "other"}])
def test_what_changes_half_way_sends_back_to_the_beginning(guarded, columns):
    client = half_way(guarded)
    User.objects.filter(pk=guarded.pk).update(**columns)

    assert give(client, number_now(guarded))["Location"] == "/console/sign-in/"
    assert not is_inside(client)


def test_nobody_comes_to_the_number_without_the_password(guarded):
    client = Client()
    client.post("/console/sign-in/", {"username": guarded.username, "password": "wrong"})

    assert client.get("/console/sign-in/number/")["Location"] == "/console/sign-in/"
    assert give(client, number_now(guarded))["Location"] == "/console/sign-in/"


def test_the_number_needs_the_forms_token(guarded):
    client = Client(enforce_csrf_checks=True)

    assert give(client, number_now(guarded)).status_code == 403


# --- Taking off ---


@pytest.mark.parametrize("proof", [number_now, lambda _user: PASSWORD])
def test_one_takes_off_ones_own_with_a_proof(guarded, rita, proof):
    remove_second_factor(rita, proof=proof(guarded))

    assert not Authenticator.objects.exists()
    assert not RecoveryCode.objects.exists()


@pytest.mark.parametrize(
    ("proof", "refusal"), [("000000", NumberWrong), ("wrong", PasswordWrong), ("", PasswordWrong)]
)
def test_without_a_proof_it_stays_and_the_try_counts(guarded, rita, proof, refusal, still):
    with pytest.raises(refusal):
        remove_second_factor(rita, proof=proof)
    with pytest.raises((refusal, TooManyTries)):
        create_recovery_codes(rita, proof=proof)

    assert Authenticator.objects.get().throttling_failure_count == (proof == "000000")
    assert RecoveryCode.objects.count() == 1


def test_taking_it_off_is_forgotten_by_the_session(guarded):
    client = half_way(guarded)
    give(client, number_now(guarded))
    client.post("/console/account/second-factor/remove/", {"proof": PASSWORD})

    assert "second_factor" not in client.session


def test_new_recovery_codes_void_the_old_ones(guarded, rita):
    codes = create_recovery_codes(rita, proof=PASSWORD)

    assert len(codes) == 10
    with pytest.raises(NumberWrong):
        check_recovery_code(guarded, "aaaa-bbbb-cccc-dddd")
    check_recovery_code(guarded, codes[3])


def test_new_recovery_codes_are_shown_once_and_not_kept(guarded):
    response = signed_in(guarded).post("/console/account/recovery-codes/create/", {"proof": PASSWORD})

    codes = response.context["codes"].split()
    assert len(codes) == 10
    assert all(code in response.content.decode() for code in codes)
    assert "no-store" in response["Cache-Control"]


def test_new_codes_need_a_second_factor(rita, reader):
    with pytest.raises(SecondFactorMissing):
        create_recovery_codes(rita, proof=PASSWORD)


def test_an_administrator_of_users_takes_it_off_and_ends_the_sessions(guarded, olga, as_reader):
    unbind_second_factor(olga, guarded)
    unbind_second_factor(olga, guarded)

    assert not Authenticator.objects.exists()
    assert not RecoveryCode.objects.exists()
    assert not is_inside(as_reader)


def test_a_reader_takes_off_nobodys(guarded, rita, operator):
    with pytest.raises(NotAllowed):
        unbind_second_factor(rita, guarded)


def test_only_administrators_take_it_off_an_administrator(reader, operator):
    attach(reader, "AliyunRAMFullAccess")
    bound(operator)

    with pytest.raises(NotAllowed):
        unbind_second_factor(principal_for(reader, Door.CONSOLE), operator)
    assert Authenticator.objects.exists()


# --- At once ---


def at_once(n, act):
    """Let threads do something at the same time; says for each what became of it."""

    def attempt(_number):
        try:
            act()
        except (NumberWrong, TooManyTries) as refusal:
            return type(refusal).__name__
        finally:
            connections.close_all()
        return "taken"

    with ThreadPoolExecutor(n) as pool:
        return list(pool.map(attempt, range(n)))


@pytest.mark.django_db(transaction=True)
def test_of_requests_that_come_at_once_one_is_taken(operator):
    bound(operator, "aaaa-bbbb-cccc-dddd")
    number = number_now(operator)

    assert at_once(6, lambda: check_number(operator, number)).count("taken") == 1
    assert at_once(6, lambda: check_recovery_code(operator, "aaaa-bbbb-cccc-dddd")).count("taken") == 1


@pytest.mark.django_db(transaction=True)
def test_of_wrong_numbers_that_come_at_once_one_is_looked_at(operator, still):
    bound(operator)

    outcomes = at_once(6, lambda: check_number(operator, "000000"))

    assert sorted(outcomes) == ["NumberWrong"] + ["TooManyTries"] * 5
    assert Authenticator.objects.get().throttling_failure_count == 1

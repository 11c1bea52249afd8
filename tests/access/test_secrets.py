from itertools import islice

import pytest
from django.db import connection

from access.errors import MasterKeyMissing, SecretNotOpened
from access.models import AccessKey, Authenticator, DataKey
from access.operations import secrets
from access.operations.secrets import Rotation, rotate_keys, rotation_steps, seal, unseal
from access.rules import envelope
from console.kit.errors import NotAllowed

SECRET = "s3cret-of-a-program"
pytestmark = pytest.mark.django_db


@pytest.fixture
def key(operator):
    return sealed_key(operator, "LTAI1")


def sealed_key(user, key_id, secret=SECRET):
    sealed = seal(secret, binding=f"AccessKey:{key_id}")
    return AccessKey.objects.create(id=key_id, user=user, sealed_secret=sealed)


def secret_of(key):
    return unseal(AccessKey.objects.get(pk=key.pk).sealed_secret, binding=f"AccessKey:{key.pk}")


# --- Seal and unseal ---


def test_what_was_sealed_opens_again(key):
    assert SECRET not in key.sealed_secret
    assert secret_of(key) == SECRET


def test_no_two_sealed_texts_are_the_same(key):
    assert seal(SECRET, binding="AccessKey:LTAI1") != key.sealed_secret


def test_a_text_that_was_moved_to_another_row_does_not_open(key):
    with pytest.raises(SecretNotOpened, match="changed or moved"):
        unseal(key.sealed_secret, binding="AccessKey:LTAI2")


def test_a_text_whose_binding_was_rewritten_does_not_open(key):
    forged = key.sealed_secret.replace("LTAI1", "LTAI2")

    with pytest.raises(SecretNotOpened):
        unseal(forged, binding="AccessKey:LTAI2")


@pytest.mark.parametrize("text", ["", "1", "9.1.a.b.c", "1.x.a.b.AccessKey:LTAI1", "1.1.a.?.AccessKey:LTAI1"])
def test_what_is_no_sealed_text_does_not_open(key, text):
    with pytest.raises(SecretNotOpened):
        unseal(text, binding="AccessKey:LTAI1")


def test_any_changed_character_keeps_it_closed(key):
    sealed = key.sealed_secret
    body = envelope.parts(sealed).body
    for at in range(0, len(body) - 4, 7):
        other = "A" if body[at] != "A" else "B"
        forged = sealed.replace(body, body[:at] + other + body[at + 1 :])
        with pytest.raises(SecretNotOpened):
            unseal(forged, binding="AccessKey:LTAI1")


def test_another_master_key_is_told_by_name_and_opens_nothing(key, settings):
    secrets.data_keys.forget()
    settings.MASTER_KEYS = [b"x" * 32]

    with pytest.raises(MasterKeyMissing, match=r"under another master key .* Put that key back"):
        secret_of(key)


def test_an_older_master_key_still_opens(key, settings):
    secrets.data_keys.forget()
    settings.MASTER_KEYS = [b"x" * 32, *settings.MASTER_KEYS]

    assert secret_of(key) == SECRET


def test_a_second_look_asks_the_database_nothing(key, django_assert_num_queries):
    secret_of(key)

    with django_assert_num_queries(0):
        assert unseal(key.sealed_secret, binding="AccessKey:LTAI1") == SECRET


def test_a_key_that_took_over_the_number_of_another_opens_nothing(key):
    DataKey.objects.all().delete()
    text = envelope.wrap(secrets.master_keys()[0], envelope.new_key())
    DataKey.objects.create(pk=envelope.parts(key.sealed_secret).key_id, sealed=text)
    secrets.data_keys.forget()

    with pytest.raises(SecretNotOpened):
        secret_of(key)


def test_keys_are_in_no_repr(key):
    found = secrets.data_keys.of(DataKey.objects.get())

    assert str(found.secret) not in repr(found)
    assert repr(found) == "Key()"


@pytest.mark.django_db(transaction=True)
def test_sealing_outside_a_transaction_is_a_mistake():
    assert not connection.in_atomic_block
    with pytest.raises(Exception, match="Seal in the transaction"):
        seal(SECRET, binding="x")


# --- Rotation ---


def texts():
    return [*AccessKey.objects.values_list("sealed_secret", flat=True).order_by("pk")]


def test_rotation_seals_everything_anew_and_deletes_the_old_key(olga, operator, key):
    authenticator = Authenticator.objects.create(user=operator, sealed_key=seal("totp", binding="A:1"))
    before = texts()

    rotation = rotate_keys(olga)

    authenticator.refresh_from_db()
    assert (rotation.n_sealed, rotation.n_deleted, rotation.n_left) == (2, 1, 0)
    assert DataKey.objects.get().pk == rotation.data_key
    assert texts() != before
    assert secret_of(key) == SECRET
    assert unseal(authenticator.sealed_key, binding="A:1") == "totp"


def test_rotation_wraps_data_keys_with_the_newest_master_key(olga, key, settings):
    old, new = settings.MASTER_KEYS[0], b"n" * 32
    settings.MASTER_KEYS = [new, old]

    rotate_keys(olga)

    settings.MASTER_KEYS = [new]
    secrets.data_keys.forget()
    assert secret_of(key) == SECRET
    assert secrets.master_keys_in_use(olga) == {envelope.Key(new).fingerprint}


# Of one batch of keys: begin, seal, delete, look again and delete nothing, end.
@pytest.mark.parametrize("n_steps", range(6))
def test_a_rotation_that_is_interrupted_loses_nothing_and_can_be_done_again(olga, key, n_steps):
    list(islice(rotation_steps(olga, Rotation()), n_steps))

    secrets.data_keys.forget()
    assert secret_of(key) == SECRET
    rotation = rotate_keys(olga)
    secrets.data_keys.forget()
    assert secret_of(key) == SECRET
    assert DataKey.objects.get().pk == rotation.data_key


def test_a_secret_that_was_stored_meanwhile_keeps_its_key_or_moves_with_it(olga, operator, key):
    for number, _step in enumerate(rotation_steps(olga, Rotation())):
        sealed_key(operator, f"LTAI-later-{number}")

    secrets.data_keys.forget()
    assert {secret_of(one) for one in AccessKey.objects.all()} == {SECRET}


def test_large_columns_move_in_batches(olga, operator, key):
    sealed = [
        AccessKey(id=f"K{n}", user=operator, sealed_secret=seal(str(n), binding=f"AccessKey:K{n}"))
        for n in range(secrets.BATCH)
    ]
    AccessKey.objects.bulk_create(sealed)

    rotation = rotate_keys(olga)

    assert rotation.n_sealed == secrets.BATCH + 1
    assert secret_of(sealed[-1]) == str(secrets.BATCH - 1)


def test_a_text_that_does_not_open_is_left_with_its_key_and_stops_nothing(olga, operator, key):
    broken = AccessKey.objects.create(id="B", user=operator, sealed_secret=key.sealed_secret[:-1] + "?")

    rotation = rotate_keys(olga)

    assert (rotation.n_sealed, rotation.n_left, rotation.n_deleted) == (1, 1, 0)
    assert secret_of(key) == SECRET
    assert DataKey.objects.count() == 2
    assert AccessKey.objects.get(pk="B").sealed_secret == broken.sealed_secret


def test_a_missing_master_key_stops_the_rotation_before_anything_is_lost(olga, key, settings):
    kept = settings.MASTER_KEYS
    settings.MASTER_KEYS = [b"x" * 32]
    secrets.data_keys.forget()
    with pytest.raises(MasterKeyMissing):
        rotate_keys(olga)

    settings.MASTER_KEYS = [b"x" * 32, *kept]
    rotate_keys(olga)
    assert secret_of(key) == SECRET


def test_only_administrators_rotate(rita, key):
    before = texts()

    with pytest.raises(NotAllowed):
        rotate_keys(rita)

    assert texts() == before

import pytest

from console import settings
from console.kit import bells
from console.up.scheduler import LEASE_KEY, Lease, lean_app


@pytest.fixture
def lease():
    """Leases of schedulers on the test's Redis."""
    bells.client().delete(LEASE_KEY)
    yield lambda holder: Lease(settings.REDIS_URL, holder)
    bells.client().delete(LEASE_KEY)


def test_of_two_schedulers_one_sends(lease):
    assert lease("here").is_ours()
    assert not lease("there").is_ours()


def test_a_scheduler_that_comes_back_goes_on(lease):
    lease("here").is_ours()

    assert lease("here").is_ours()


def test_the_lease_of_a_dead_scheduler_ends_by_itself(lease):
    lease("here").is_ours()

    assert 0 < bells.client().ttl(LEASE_KEY) <= 8


def test_without_redis_nobody_sends():
    assert not Lease("unix:///nowhere/redis.sock", "here").is_ours()


def test_the_lean_application_knows_the_whole_schedule():
    assert set(lean_app().conf.beat_schedule) == set(settings.CELERY_BEAT_SCHEDULE)

"""Requests count to the address that the last trusted proxy reports; no sender can choose another one."""

import pytest

from tests.hostile.strangers import answered, closing, half_upload

MANY = 40
"""Number of simultaneous uploads: more than one address may have, even an address with many visitors."""


def refused(space, address, *forwarded):
    """Send uploads at once, each with another ``X-Forwarded-For``, and count those refused as too many."""
    headers = [[f"X-Forwarded-For: {each}"] if each else [] for each in forwarded]
    slow = [half_upload(space.url, address=address, announced=2**20, headers=each) for each in headers]
    with closing(slow):
        return len([line for line in answered(slow) if " 429 " in line])


@pytest.fixture(scope="module")
def numbers():
    """An iterator of numbers for new addresses, shared by the tests of the module."""
    return iter(range(1, 250))


def test_without_a_proxy_a_forwarded_address_is_ignored(space, addresses):
    claims = [f"198.51.100.{number}" for number in range(MANY)]
    assert refused(space, addresses.new(), *claims)
    assert refused(space, "127.0.0.1", *claims)  # uvicorn trusts this address as a proxy by default
    assert refused(space, addresses.new(), *[None] * MANY)


def test_behind_a_proxy_the_address_is_the_one_that_it_reports(proxied_space, numbers):
    each = next(numbers)
    assert not refused(proxied_space, "127.0.0.1", *[f"10.{each}.0.{number}" for number in range(MANY)])
    assert refused(proxied_space, "127.0.0.1", *[f"10.{each}.1.1"] * MANY)


def test_behind_a_proxy_a_forwarded_address_from_the_sender_is_ignored(proxied_space, numbers):
    each = next(numbers)
    claims = [f"198.51.100.{number}, 10.{each}.0.1" for number in range(MANY)]
    assert refused(proxied_space, "127.0.0.1", *claims)
    same = [f"198.51.100.1, 10.{each}.1.{number}" for number in range(MANY)]
    assert not refused(proxied_space, "127.0.0.1", *same)


@pytest.mark.parametrize(
    ("kind", "is_one"),
    [
        ("2001:db8:{each}:1::{number:x}", True),
        ("2001:db8:{each}:1:{number:x}:1:1:1", True),
        ("2001:db8:{each}:{number:x}::1", False),
        ("[2001:db8:{each}:2::{number:x}]:4711", True),
        ("::ffff:10.{each}.2.{number}", False),
        ("10.{each}.3.1:{number}", True),
        ("no address {each} {number}", True),
    ],
)
def test_ipv6_addresses_of_one_network_of_64_bits_are_one(proxied_space, numbers, kind, is_one):
    each = next(numbers)
    claims = [kind.format(each=each, number=number + 1) for number in range(MANY)]
    assert bool(refused(proxied_space, "127.0.0.1", *claims)) == is_one

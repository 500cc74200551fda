"""The sender of a request: the owner that a cookie gives, and the address to which a request is counted."""

import pytest

from distill.server.askers import NOWHERE, Asker, address_of, owner_of


@pytest.mark.parametrize("cookie", ["", "distill=short", "other=" + "1" * 40, "distill", ";;;=", 'distill="' + "é" * 5])
def test_a_foreign_or_broken_cookie_gives_no_owner(cookie):
    assert owner_of(cookie) == ""


@pytest.mark.parametrize("before", ['a={"x":1}', "a=b c", "a@b=1", 'a="q', "ä=1", "a=1; a=2", ";"])
def test_the_cookie_is_found_beside_any_other(before):
    ours = f"distill={'1' * 40}"
    assert owner_of(f"{before}; {ours}; z={before}") == owner_of(ours) != ""


def test_an_owner_does_not_reveal_the_cookie():
    owner = owner_of(f"a=b; distill={'1' * 40}; c=d")
    assert owner == owner_of(f"distill={'1' * 40}") != owner_of(f"distill={'2' * 40}")
    assert len(owner) == 32
    assert "1" * 40 not in owner


@pytest.mark.parametrize(
    ("peer", "forwarded", "proxies", "address"),
    [
        ("1.2.3.4", "", 0, "1.2.3.4"),
        ("1.2.3.4", "9.9.9.9", 0, "1.2.3.4"),
        ("10.0.0.1", "9.9.9.9", 1, "9.9.9.9"),
        ("10.0.0.1", "6.6.6.6, 9.9.9.9", 1, "9.9.9.9"),
        ("10.0.0.1", "6.6.6.6, 9.9.9.9, 10.0.0.2", 2, "9.9.9.9"),
        ("10.0.0.1", "9.9.9.9", 2, "10.0.0.1"),
        ("10.0.0.1", "nonsense", 1, "10.0.0.1"),
        ("10.0.0.1", "", 1, "10.0.0.1"),
        ("::ffff:1.2.3.4", "", 0, "1.2.3.4"),
        ("2001:db8:1:2:3::4", "", 0, "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "", 0, "fe80::/64"),
        ("", "", 0, NOWHERE),
        ("testclient", "", 0, NOWHERE),
    ],
)
def test_the_address_comes_only_from_the_trusted_proxies(peer, forwarded, proxies, address):
    assert address_of(peer, forwarded, proxies) == address


def test_all_addresses_of_a_household_are_one():
    assert len({address_of(f"2001:db8:1:2:{number:x}::1", "", 0) for number in range(100)}) == 1
    assert address_of("2001:db8:1:3::1", "", 0) != address_of("2001:db8:1:2::1", "", 0)


def test_without_a_cookie_each_page_is_a_visitor_and_its_calls_belong_to_its_address():
    one, other = Asker("", "1.2.3.4", "page"), Asker("", "1.2.3.4", "other")
    assert one.visitor != other.visitor
    assert one.name == other.name
    assert Asker("", "4.3.2.1", "page").name != one.name
    with_cookie = Asker("owner", "1.2.3.4", "page")
    assert with_cookie.visitor == with_cookie.name == "owner"

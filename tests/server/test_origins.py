"""Requests of other sites are recognized, by ``Sec-Fetch-Site`` and, without it, by ``Origin``."""

import pytest

from distill.server.origins import is_foreign, is_navigation


def scope(scheme="http", **headers):
    given = {"host": "me.hf.space"} | {name.replace("_", "-"): value for name, value in headers.items()}
    encoded = [(name.encode(), value.encode()) for name, value in given.items()]
    return {"type": "http", "scheme": scheme, "headers": encoded}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec_fetch_site": "same-origin"},
        {"sec_fetch_site": "none"},
        {"sec_fetch_site": "same-origin", "origin": "https://me.hf.space"},
        {"origin": "http://me.hf.space"},
        {"origin": "http://me.hf.space:80"},
        {"origin": "https://me.hf.space", "x_forwarded_proto": "https"},
        {"origin": "https://me.hf.space", "x_forwarded_proto": "https", "host": "x", "x_forwarded_host": "me.hf.space"},
        {"origin": "http://127.0.0.1:7860", "host": "127.0.0.1:7860"},
        {"origin": "http://[::1]:7860", "host": "[::1]:7860"},
    ],
)  # fmt: skip
def test_the_servers_own_page_and_scripts_are_not_foreign(headers):
    assert not is_foreign(scope(**headers))


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "cross-site", "origin": "http://me.hf.space"},
        {"sec_fetch_site": ""},
        {"sec_fetch_site": "Same-Origin, cross-site"},
        {"origin": "null"},
        {"origin": ""},
        {"origin": "http://evil.hf.space"},
        {"origin": "http://me.hf.space:81"},
        {"origin": "http://me.hf.space.evil.com"},
        {"origin": "http://evil.com/http://me.hf.space"},
        {"origin": "https://me.hf.space"},
        {"origin": "http://me.hf.space", "x_forwarded_proto": "https"},
        {"origin": "http://[::1"},
    ],
)
def test_other_sites_and_other_hosts_of_the_same_site_are_foreign(headers):
    assert is_foreign(scope(**headers))


def test_opening_the_page_is_navigation_and_reading_it_is_not():
    assert is_navigation(scope(sec_fetch_mode="navigate"))
    assert not is_navigation(scope(sec_fetch_mode="cors"))
    assert not is_navigation(scope(sec_fetch_mode="no-cors"))

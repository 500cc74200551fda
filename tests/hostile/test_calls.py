"""An invalid call is refused with one sentence; the log keeps faults, not visitors' mistakes."""

import json
import math

import pytest

from tests.hostile.strangers import CALLS

REFUSED = (400, 404, 413, 415, 422)
NO_NUMBERS = [-1, 10**6, 10**30, -(10**30), 1.5, "x", "", "1", True, None, [], [1], {}, {"a": 1}]
"""Wrong values in place of the number of a call or of a component."""
NO_NAMES = [0, 1.5, True, [], ["a"], {}, {"a": "b"}, "x" * 100_000, "\x00", "../..", ""]
"""Wrong values in place of the name of an event or a page."""
NO_LISTS = [None, 1, "text", {}, {"0": 1}, True]
RAW_NUMBERS = ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1" * 5000]
LOG_BYTES = 20_000
"""Maximum bytes that hundreds of wrong calls may add to the log: some lines, and then a count."""


@pytest.fixture
def visitor(space, new_stranger):
    visitor = new_stranger(space)
    visitor.open_page()
    return visitor


@pytest.fixture
def quiet_log(space):
    """Check that the test adds no fault to the log."""
    before = faults(space)
    yield
    assert faults(space) == before


def faults(space):
    entries, rest = space.log()
    told = [
        each for each in entries if each["level"] in ("error", "critical") or {"traceback", "reference"} & set(each)
    ]
    return told + [line for line in rest if "Traceback" in line or "Error" in line]


def log_bytes(space):
    return space._log.stat().st_size


def is_refused(answer, is_one_sentence, status=REFUSED):
    assert answer.status_code in status, (answer.status_code, answer.text[:300])
    told = answer.json()["detail"]
    assert isinstance(told, str), told
    assert len(told) < 300
    assert is_one_sentence(told), told


def joined(visitor, **changes):
    """Make the body of a call by number, with changed fields; a field whose value is ... is left out."""
    number = visitor.calls["edit_listen"]
    body = {"data": [], "fn_index": number, "session_hash": visitor.page, "trigger_id": None, "event_data": None}
    return {name: value for name, value in (body | changes).items() if value is not ...}


def served(visitor, **changes):
    """Make the body of a call of a server function, with changed fields; a field whose value is ... is left out."""
    body = visitor.serving("edit", kind="look")
    return {name: value for name, value in (body | changes).items() if value is not ...}


def send(visitor, path, body):
    content = body if isinstance(body, bytes | str) else json.dumps(body)
    return visitor.http.post(f"/gradio_api/{path}", content=content, headers={"Content-Type": "application/json"})


def test_the_calls_that_are_made_wrong_here_are_right_without_the_change(visitor):
    assert send(visitor, "queue/join", joined(visitor)).status_code == 200
    assert "indices" in send(visitor, "component_server", served(visitor)).json()


@pytest.mark.parametrize("number", NO_NUMBERS, ids=lambda number: f"{number!r:.20}")
def test_a_call_by_an_unknown_number_is_refused(visitor, is_one_sentence, quiet_log, number):
    is_refused(send(visitor, "queue/join", joined(visitor, fn_index=number)), is_one_sentence)


def test_a_call_by_the_number_of_an_event_without_a_server_function_is_refused(visitor, is_one_sentence, quiet_log):
    """Some events of the page run only a script in the browser."""
    silent = [call["id"] for call in visitor.config["dependencies"] if not call["backend_fn"]]
    assert silent
    for number in silent:
        is_refused(send(visitor, "queue/join", joined(visitor, fn_index=number)), is_one_sentence)


@pytest.mark.parametrize("number", [*NO_NUMBERS, ...], ids=lambda number: f"{number!r:.20}")
def test_an_unknown_component_is_refused(visitor, is_one_sentence, quiet_log, number):
    is_refused(send(visitor, "component_server", served(visitor, component_id=number)), is_one_sentence)


@pytest.mark.parametrize(
    "name",
    [*NO_NAMES, None, ..., "nothing", "__class__", "__init__", "get_config", "postprocess", "_is_server_fn", "Edit"],
    ids=lambda name: f"{name!r:.20}",
)
def test_an_unknown_server_function_is_refused(visitor, is_one_sentence, quiet_log, name):
    is_refused(send(visitor, "component_server", served(visitor, fn_name=name)), is_one_sentence)


@pytest.mark.parametrize("name", NO_NAMES, ids=lambda name: f"{name!r:.20}")
def test_an_invalid_name_of_a_page_or_an_event_is_refused(visitor, is_one_sentence, quiet_log, name):
    is_refused(send(visitor, "queue/join", joined(visitor, session_hash=name)), is_one_sentence)
    is_refused(send(visitor, "component_server", served(visitor, session_hash=name)), is_one_sentence)
    right = {"session_hash": visitor.page, "fn_index": visitor.calls["edit_listen"], "event_id": "0" * 32}
    for path, field in (("cancel", "event_id"), ("cancel", "session_hash"), ("reset", "event_id")):
        is_refused(send(visitor, path, right | {field: name}), is_one_sentence)
    if name != "":
        is_refused(send(visitor, "queue/join", joined(visitor, event_id=name)), is_one_sentence)


@pytest.mark.parametrize("number", [n for n in NO_NUMBERS if n is not None], ids=lambda number: f"{number!r:.20}")
def test_an_unknown_trigger_is_refused(visitor, is_one_sentence, quiet_log, number):
    is_refused(send(visitor, "queue/join", joined(visitor, trigger_id=number)), is_one_sentence)


@pytest.mark.parametrize("data", [*NO_LISTS, ...], ids=repr)
def test_data_that_is_no_list_is_refused(visitor, is_one_sentence, quiet_log, data):
    is_refused(send(visitor, "queue/join", joined(visitor, data=data)), is_one_sentence)
    if data is not ...:
        is_refused(send(visitor, "call/edit_listen", {"data": data}), is_one_sentence)
    is_refused(send(visitor, "call/edit_listen", {}), is_one_sentence)


@pytest.mark.parametrize("number", RAW_NUMBERS, ids=lambda number: number[:9])
def test_an_invalid_number_is_refused_anywhere(visitor, is_one_sentence, quiet_log, number):
    def raw(body):
        return json.dumps(body).replace('"HERE"', number)

    before = visitor.grid()
    fill = CALLS["edit"] | {"work": visitor.work}
    for body in (
        served(visitor, component_id="HERE"), served(visitor, fn_name="HERE"), served(visitor, data="HERE"),
        served(visitor, data=fill | {"code": "HERE"}), served(visitor, data=fill | {"columns": ["HERE", 1]}),
        served(visitor, data=fill | {"id": "HERE"}), served(visitor, data=fill | {"kind": {"x": ["HERE"]}}),
        served(visitor, more="HERE"),
    ):  # fmt: skip
        is_refused(send(visitor, "component_server", raw(body)), is_one_sentence)
    for body in (
        joined(visitor, fn_index="HERE"), joined(visitor, data=["HERE"]), joined(visitor, event_data={"x": "HERE"}),
        joined(visitor, trigger_id="HERE"), joined(visitor, session_hash="HERE"),
    ):  # fmt: skip
        is_refused(send(visitor, "queue/join", raw(body)), is_one_sentence)
    is_refused(send(visitor, "call/set_codes", raw({"data": ["HERE", 0, 7, 0, 3, 1]})), is_one_sentence)
    assert visitor.grid() == before


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"null", b"[]", b"1", b'"text"', b"{}", b"\xff\xfe", b"{}{}", b"\x00", b'{"a": 1,}', b"{'a': 1}"],
    ids=repr,
)
def test_a_body_that_is_no_call(visitor, is_one_sentence, quiet_log, body):
    for path in ("queue/join", "component_server", "cancel", "reset", "call/edit_listen", "call/v2/set_codes"):
        is_refused(send(visitor, path, body), is_one_sentence)


def test_a_key_that_is_given_twice_is_refused(visitor, is_one_sentence, quiet_log):
    for path, body, key in (
        ("queue/join", joined(visitor), "fn_index"),
        ("component_server", served(visitor), "fn_name"),
    ):
        wrong = json.dumps(body)[:-1] + f', "{key}": 999999, "{key}": -1}}'
        is_refused(send(visitor, path, wrong), is_one_sentence)


@pytest.mark.parametrize("depth", [100, 500, 900, 5_000, 29_000, 59_000, 400_000])
@pytest.mark.parametrize("pair", ["[]", "{}"])
def test_brackets_in_brackets(visitor, is_one_sentence, quiet_log, depth, pair):
    inner = "[" * depth + "]" * depth if pair == "[]" else '{"a":' * depth + "1" + "}" * depth

    def raw(body):
        return json.dumps(body).replace('"HERE"', inner)

    for path, body in (
        ("queue/join", joined(visitor, fn_index="HERE")), ("queue/join", joined(visitor, session_hash="HERE")),
        ("component_server", served(visitor, component_id="HERE")), ("cancel", {"event_id": "HERE"}),
    ):  # fmt: skip
        is_refused(send(visitor, path, raw(body)), is_one_sentence)
    told = send(visitor, "component_server", raw(served(visitor, data={"work": visitor.work, "kind": "HERE"})))
    assert told.status_code in (200, *REFUSED)
    said = told.json().get("error") or told.json()["detail"]
    assert is_one_sentence(said), said


@pytest.mark.parametrize("inner", ["[],", "{},", "[[]],", '{"path":"/etc/passwd"},'])
def test_many_brackets(visitor, is_one_sentence, quiet_log, inner):
    many = "[" + inner * (59_000 // len(inner)) + "0]"
    raw = json.dumps(joined(visitor, fn_index="HERE")).replace('"HERE"', many)
    is_refused(send(visitor, "queue/join", raw), is_one_sentence, (403, *REFUSED))


@pytest.mark.parametrize(
    "path",
    [
        *("call/nothing", "call/__class__", "call/v2/nothing", "call/%00", "call/edit_listen%00", "call/", "call/v2/"),
        *("run/predict", "api/edit_listen", "run/edit_listen", "process_recording", "stream/x", "vibe-edit", "login"),
        *(
            "call/EDIT_LISTEN",
            "call/v2/__init__",
            "call/" + "x" * 3000,
            "call/edit_listen/extra",
            "queue/push",
            "nothing",
        ),
    ],
    ids=lambda path: path[:20],
)
def test_an_unknown_path_is_refused(visitor, is_one_sentence, quiet_log, path):
    is_refused(send(visitor, path, {"data": []}), is_one_sentence, (*REFUSED, 405))


@pytest.mark.parametrize(
    "path", ["call/edit_listen/0", "call/nothing/0", "call/v2/edit_listen/%00", "call/edit_listen/"]
)
def test_there_is_no_answer_to_a_call_that_was_never_made(visitor, quiet_log, path):
    with visitor.http.stream("GET", f"/gradio_api/{path}", timeout=5) as answer:
        assert answer.status_code in (403, *REFUSED, 405)


@pytest.mark.parametrize("data", [[], [0], ["a", None, {}, [], 1e9, -1], [math.pi] * 6, [[], [], [], [], [], []]])
def test_values_of_the_wrong_kind_or_number_are_refused_in_a_sentence(visitor, is_one_sentence, quiet_log, data):
    with pytest.raises(AssertionError) as told:
        visitor.call("set_codes", *data)
    message = str(told.value).splitlines()[0]
    detail = json.loads(message)["detail"] if message.startswith("{") else message
    assert is_one_sentence(detail), detail


def test_hundreds_of_wrong_calls_are_some_lines_in_the_log(space, new_stranger, quiet_log):
    before = log_bytes(space)
    visitors = [new_stranger(space) for _ in range(4)]
    for visitor in visitors:
        visitor.open_page()
    for number in range(400):
        visitor = visitors[number % len(visitors)]
        body, path = [
            (joined(visitor, fn_index=10_000 + number), "queue/join"),
            (served(visitor, component_id=-1 - number), "component_server"),
            (served(visitor, fn_name=f"f{number}"), "component_server"),
            (b"{" * number, "cancel"),
        ][number // 4 % 4]
        answer = send(visitor, path, body)
        assert answer.status_code in (*REFUSED, 429), answer.text
    assert log_bytes(space) - before < LOG_BYTES


def test_hundreds_of_streams_of_unknown_pages_are_some_lines_in_the_log(space, new_stranger, quiet_log):
    before = log_bytes(space)
    visitors = [new_stranger(space) for _ in range(4)]
    for number in range(200):
        http = visitors[number % len(visitors)].http
        for path in (f"queue/data?session_hash=nobody{number}", f"call/edit/nobody{number}"):
            with http.stream("GET", f"/gradio_api/{path}", timeout=10) as answer:
                assert answer.status_code < 500
                answer.read()
    assert log_bytes(space) - before < LOG_BYTES

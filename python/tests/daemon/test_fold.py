"""What travels folded says the same as what was logged; what cannot be folded travels as it is."""

import json

import pytest
from datacat.segment import EVENT, METRIC, STATE
from datacat_daemon.shipping.batch import make_batch, take
from datacat_daemon.shipping.fold import DEFAULT_BOUNDS, fold_metrics
from datacat_daemon.shipping.known_state import KnownState
from datacat_daemon.shipping.leave_out import leave_out_unchanged
from datacat_daemon.spool.reader import Record
from hypothesis import given, settings
from hypothesis import strategies as st

SECOND = 1_000_000


def metric(ordinal, content, time=None, writer="1-0"):
    payload = content if isinstance(content, bytes) else json.dumps(content).encode()
    return Record(writer, ordinal, ordinal if time is None else time, METRIC, 0, payload)


def counter(ordinal, delta, name="hits", time=None, writer="1-0", **more):
    return metric(ordinal, {"name": name, "type": "counter", "delta": delta, **more}, time, writer)


def sample(ordinal, value, time=None, **more):
    return metric(ordinal, {"name": "took", "type": "histogram", "value": value, **more}, time)


def contents(records):
    return [(record.ordinal, json.loads(record.payload)) for record in records]


def test_deltas_of_one_counter_become_one_record_where_the_last_of_them_stood():
    event = Record("1-0", 1, 1, EVENT, 0, b'{"name":"moved"}')
    folded = fold_metrics([counter(0, 1), event, counter(2, 2), counter(3, 5, name="other")], SECOND)
    assert folded[0] is event
    assert contents(folded[1:]) == [
        (2, {"name": "hits", "type": "counter", "delta": 3}),
        (3, {"name": "other", "type": "counter", "delta": 5}),
    ]


def test_the_order_of_tags_does_not_matter_and_their_set_does():
    tags = [["a", "b"], ["b", "a"], ["a"], ["b", "a", "a"]]
    folded = fold_metrics([counter(n, 1, tags=some) for n, some in enumerate(tags)], SECOND)
    assert [(ordinal, content["delta"]) for ordinal, content in contents(folded)] == [(2, 1), (3, 3)]


def test_what_lies_an_interval_apart_is_not_folded():
    times = [0, SECOND - 1, SECOND, SECOND + 5, 2 * SECOND, 10]
    folded = fold_metrics([counter(n, 1, time=time) for n, time in enumerate(times)], SECOND)
    assert [(ordinal, content["delta"]) for ordinal, content in contents(folded)] == [(1, 2), (3, 2), (4, 1), (5, 1)]


def test_a_total_stays_between_the_deltas_before_and_after_it():
    total = metric(2, {"name": "hits", "type": "counter", "value": 100})
    folded = fold_metrics([counter(0, 1), counter(1, 1), total, counter(3, 1), counter(4, 1)], SECOND)
    assert [content.get("delta") for _, content in contents(folded)] == [2, None, 2]


def test_writers_are_folded_apart():
    folded = fold_metrics([counter(0, 1, writer="a"), counter(0, 1, writer="b"), counter(1, 1, writer="a")], SECOND)
    assert [(record.writer, json.loads(record.payload)["delta"]) for record in folded] == [("b", 1), ("a", 2)]


def test_samples_of_one_histogram_become_one_record():
    values = [0.0005, 0.001, 0.3, 61, 2]
    ((ordinal, content),) = contents(
        fold_metrics([sample(n, value, unit="s") for n, value in enumerate(values)], SECOND)
    )
    counts = [0] * 16
    counts[0], counts[8], counts[10], counts[15] = 2, 1, 1, 1
    samples = {"counts": counts, "sum": pytest.approx(sum(values)), "count": 5, "min": 0.0005, "max": 61, "last": 2}
    assert ordinal == 4
    assert content == {
        "name": "took",
        "type": "histogram",
        "unit": "s",
        "buckets": list(DEFAULT_BOUNDS),
        "samples": samples,
    }


def test_samples_with_other_bounds_or_another_unit_are_folded_apart():
    given_ = [{}, {"buckets": [1, 2]}, {"unit": "s"}, {}, {"buckets": [1, 2]}]
    folded = fold_metrics([sample(n, 1.5, **more) for n, more in enumerate(given_)], SECOND)
    assert [ordinal for ordinal, _ in contents(folded)] == [2, 3, 4]
    assert json.loads(folded[2].payload)["samples"]["counts"] == [0, 2, 0]


ODD = [
    b"no json",
    b'{"name":"hits","type":"counter","delta":NaN}',
    b'{"name":"hits","type":"counter","delta":1e999}',
    b'{"name":"hits","type":"counter","delta":"1"}',
    b'{"name":"hits","type":"counter","delta":true}',
    b'{"name":"hits","type":"counter","delta":1,"metadata":{"a":1}}',
    b'{"name":"","type":"counter","delta":1}',
    b'{"name":"hits","type":"counter","delta":9007199254740993}',
    b'{"name":"hits","type":"counter","delta":1,"tags":["' + b"t" * 201 + b'"]}',
    b'{"name":"hits","type":"counter","delta":1,"tags":"a"}',
    b'{"name":"\xff","type":"counter","delta":1}',
    b'{"name":"hits","type":"histogram"}',
    b'{"name":"hits","type":"histogram","value":1,"buckets":["x"]}',
    b'{"name":"hits","type":"gauge","value":1}',
    b'{"name":"counter","type":"timer","value":1}',
    b'["counter"]',
    b'{"a":' * 100_000 + b'"counter"',
]


@pytest.mark.parametrize("payload", ODD, ids=range(len(ODD)))
def test_what_is_not_surely_plain_travels_as_it_is(payload):
    records = [metric(n, payload) for n in range(3)]
    assert fold_metrics(records, SECOND) == records


def test_a_sum_that_grows_beyond_what_numbers_hold_is_begun_anew():
    folded = fold_metrics([counter(n, 2**52) for n in range(5)], SECOND)
    assert [content["delta"] for _, content in contents(folded)] == [2**53, 2**53, 2**52]


class Totals:
    """A server that adds up, exactly once; deltas are whole, so that their sums are the same in any order."""

    def __init__(self):
        self.position = 0
        self.totals = {}
        self.buckets = {}
        self.events = []

    def take(self, batch):
        ((first, following),) = batch.ranges.values()
        if first == self.position:
            for record in batch.sent:
                assert first <= record.ordinal < following
                self.apply(record)
            assert [record.ordinal for record in batch.sent] == sorted(record.ordinal for record in batch.sent)
            self.position = following
        return self.position

    def apply(self, record):
        content = json.loads(record.payload)
        if record.kind == EVENT:
            self.events.append(record.ordinal)
            return
        key = content["name"], tuple(sorted(set(content.get("tags", ()))))
        if "samples" in content:
            self.buckets[key] = [a + b for a, b in zip(self.buckets.get(key, [0] * 16), content["samples"]["counts"])]
        elif content["type"] == "histogram":
            counts = self.buckets.setdefault(key, [0] * 16)
            counts[next((i for i, bound in enumerate(DEFAULT_BOUNDS) if content["value"] <= bound), 15)] += 1
        elif "delta" in content:
            self.totals[key] = self.totals.get(key, 0) + content["delta"]
        else:
            self.totals[key] = content["value"]


names = st.sampled_from(["a", "b"])
tags = st.sampled_from([[], ["x", "y"], ["y", "x"], ["x"]])
logged = st.one_of(
    st.builds(lambda n, t, d: {"name": n, "type": "counter", "delta": d, "tags": t}, names, tags, st.integers(-9, 9)),
    st.builds(lambda n, t, v: {"name": n, "type": "counter", "value": v, "tags": t}, names, tags, st.integers(0, 99)),
    st.builds(lambda n, t, v: {"name": n, "type": "histogram", "value": v, "tags": t}, names, tags, st.floats(0, 90)),
    st.just({"name": "moved"}),
)


@given(st.lists(st.tuples(logged, st.integers(0, SECOND // 2)), max_size=60), st.data())
@settings(max_examples=80, deadline=None)
def test_however_batches_are_cut_and_cut_again_the_sums_agree(steps, data):
    records, time = [], 0
    for ordinal, (content, pause) in enumerate(steps):
        time += pause
        kind = METRIC if "type" in content else EVENT
        records.append(Record("1-0", ordinal, time, kind, 0, json.dumps(content).encode()))
    plain, folding = Totals(), Totals()
    for record in records:
        plain.apply(record)
    known = 0  # what the daemon knows of the server's position: an answer may be lost, and a daemon killed
    while folding.position < len(records) or known < len(records):
        taken, ranges, _ = take(records[known:], data.draw(st.integers(1, 20)))
        batch = make_batch(taken, ranges, {}, KnownState(), SECOND)
        position = folding.take(batch)
        if data.draw(st.integers(0, 3)):
            known = position
    assert folding.totals == plain.totals
    assert folding.buckets == plain.buckets
    assert folding.events == plain.events


# --- state -----------------------------------------------------------------------------------------------------------


def merge(state, patch):
    """RFC 7396, as the server does it."""
    merged = dict(state)
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict):
            old = merged.get(key)
            merged[key] = merge(old if isinstance(old, dict) else {}, value)
        else:
            merged[key] = value
    return merged


def state(ordinal, patch):
    return Record("1-0", ordinal, ordinal, STATE, 0, json.dumps({"state": patch}).encode())


def left(known, *patches):
    """What is sent of some patches, as one batch."""
    rest = leave_out_unchanged([state(n, patch) for n, patch in enumerate(patches)], known)
    return [json.loads(record.payload)["state"] for record in rest.records]


def knowing(*patches):
    known = KnownState()
    known.learn(list(patches), 1)
    return known


def test_state_that_is_known_is_left_out():
    known = knowing({"a": 1, "w": {"open": ["map"], "x": {"y": 1}}})
    assert left(known, {"a": 1}) == []
    assert left(known, {"a": 1, "w": {"open": ["map"], "x": {"y": 2}}}) == [{"w": {"x": {"y": 2}}}]


def test_lists_are_compared_whole_and_values_by_what_they_are_in_json():
    known = knowing({"list": [1, {"b": 1, "a": 2}], "one": 1, "yes": True, "text": "1", "gone": None})
    assert left(known, {"list": [1, {"a": 2, "b": 1}], "gone": None}) == []
    for patch in ({"list": [1]}, {"one": 1.0}, {"one": True}, {"yes": 1}, {"text": 1}, {"gone": {}}):
        assert left(knowing({"list": [1], "one": 1, "yes": True, "text": "1", "gone": None}), patch) == (
            [] if patch == {"list": [1]} else [patch]
        )


def test_nothing_is_assumed_of_what_was_not_shipped():
    assert left(KnownState(), {"a": None, "b": {}}, {"a": None, "b": {}}) == [{"a": None, "b": {}}] * 2


def test_what_a_batch_changes_is_not_known_before_the_server_has_taken_it():
    known = knowing({"a": 1})
    assert left(known, {"a": 2}, {"a": 1}, {"a": 1}) == [{"a": 2}, {"a": 1}, {"a": 1}]


DEEP = b'{"state":{"a":' + b'{"a":' * 60 + b"1" + b"}" * 60 + b"}}"


@pytest.mark.parametrize(
    "payload", [b"[]", b'{"state":1}', b'{"state":{"b":NaN}}', b'{"state":{"b":1},"more":1}', DEEP]
)
def test_what_cannot_be_judged_is_sent_as_it_is_and_all_is_forgotten(payload):
    known = knowing(json.loads(DEEP)["state"], {"b": 1})
    odd = Record("1-0", 0, 0, STATE, 0, payload)
    after = state(1, {"b": 1})
    assert leave_out_unchanged([odd, after], known).records == [odd, after]
    assert known.changes is None


def test_what_is_remembered_is_bounded():
    known = KnownState()
    for number in range(100):
        known.learn([{f"{number}-{n}": "x" * 100 for n in range(100)}], number)
        assert known._bytes <= 256 << 10
    known.learn([{"a": 1}], 5)
    assert left(known, {"a": 1}) == []


keys = st.sampled_from("abc")
leaves = st.one_of(
    st.none(), st.booleans(), st.integers(0, 2), st.sampled_from([0.0, 1.0]), st.lists(st.integers(0, 1))
)
patches = st.dictionaries(
    keys, st.recursive(leaves, lambda inner: st.dictionaries(keys, inner, max_size=3), max_leaves=5)
)


@given(st.lists(st.lists(patches, max_size=4), max_size=12), patches, st.data())
@settings(max_examples=60, deadline=None)
def test_what_is_left_out_makes_no_difference(batches, before, data):
    """The server has a state that the daemon knows nothing of; other senders change it; daemons are begun anew."""
    whole = partial = merge({}, before)
    known = KnownState()
    changes = 0
    for batch in batches:
        if data.draw(st.integers(0, 5)) == 0:
            known = KnownState()
        if data.draw(st.integers(0, 5)) == 0:
            foreign = data.draw(patches)
            whole, partial, changes = merge(whole, foreign), merge(partial, foreign), changes + 1
        for _ in range(2):
            rest = leave_out_unchanged([state(n, patch) for n, patch in enumerate(batch)], known)
            if rest.assumed in (None, changes):
                break
            known.forget()  # nothing was applied
        for record in rest.records:
            partial = merge(partial, json.loads(record.payload)["state"])
            changes += 1
        for patch in batch:
            whole = merge(whole, patch)
        assert json.dumps(partial, sort_keys=True) == json.dumps(whole, sort_keys=True)
        known.learn(rest.patches, changes)

"""Rounds are where they belong, whatever the rounds before them took."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from smokegate.watch.schedule import Schedule


def test_rounds_are_counted_from_the_beginning() -> None:
    schedule = Schedule(7_200.0, 60.0, 10)
    assert schedule.last == 120
    assert schedule.following(-1, 0.0) == 0
    assert schedule.following(0, 2.0) == 1
    assert schedule.following(0, 60.0) == 1
    assert schedule.following(0, 61.0) == 1, "who wakes up a second late is in time"
    assert schedule.following(0, 70.0) == 2
    assert schedule.following(0, 185.0) == 3
    assert schedule.following(100, 9_000.0) == 120, "the last is made up for"


def test_every_nth_and_the_last_are_full() -> None:
    schedule = Schedule(3_600.0, 60.0, 25)
    assert schedule.is_full(0, None)
    assert [slot for slot in range(1, 61) if schedule.is_full(slot, 0)][:1] == [25]
    assert schedule.is_full(29, 3), "one that was missed is made up for"
    assert not schedule.is_full(59, 50)
    assert schedule.is_full(60, 50)


def test_looks_again_back_off_to_a_slot() -> None:
    schedule = Schedule(3_600.0, 60.0, 10)
    assert [schedule.look_again_s(n) for n in (1, 2, 3, 4, 9)] == [15, 30, 60, 60, 60]


@settings(max_examples=40)
@given(
    st.floats(1, 600),
    st.integers(1, 50),
    st.lists(st.floats(0, 5), min_size=60, max_size=60),
)
def test_nothing_drifts(every_s: float, slots: int, took: list[float]) -> None:
    schedule = Schedule(slots * every_s, every_s, 10)
    now_s, done, begun = 0.0, -1, []
    for lasted in took:
        slot = schedule.following(done, now_s)
        assert done < slot <= schedule.last or done == schedule.last
        if done == schedule.last:
            break
        now_s = max(now_s, schedule.due_s(slot))
        late_s = now_s - schedule.due_s(slot)
        assert late_s <= 0.1 * every_s + 1e-6 or slot == schedule.last
        begun.append(now_s)
        done, now_s = slot, now_s + lasted * every_s
    assert begun == sorted(begun)

"""Row numbers and the ids that are written for them."""

from fhir_service.storage.identity import IdSequence, id_of, rid_for, rid_of

from .made import HandClock


def test_an_id_is_13_characters_and_says_its_rid() -> None:
    for rid in (0, 1, 31, 32, 1_795_358_301_123 << 21 | 77, 2**63 - 1):
        assert len(id_of(rid)) == 13
        assert rid_of(id_of(rid)) == rid


def test_ids_sort_as_their_rids_do() -> None:
    rids = [0, 5, 31, 32, 1023, 1024, 2**40, 2**62, 2**63 - 1]
    assert sorted(map(id_of, rids)) == [id_of(rid) for rid in rids]


def test_other_ids_are_not_taken_for_ours() -> None:
    for text in ("", "123", "pt-00000000-1", "0000000000000A", "0000000000ilo", "8000000000000", "000000000000A"):
        assert rid_of(text) is None


def test_a_sequence_grows_even_when_the_clock_stands_or_goes_back() -> None:
    clock = HandClock()
    sequence = IdSequence(clock)

    first, second = sequence.rid(), sequence.rid()
    clock.tick(hours=-1)
    third = sequence.rid()

    assert first < second < third


def test_an_id_of_ours_keeps_its_rid_while_that_is_free() -> None:
    clock = HandClock()
    sequence = IdSequence(clock)
    ours, now = sequence.new_id(), clock.tick()

    assert rid_for(ours, lambda rid: False, sequence, now) == rid_of(ours)
    assert rid_for(ours, lambda rid: rid == rid_of(ours), sequence, now) != rid_of(ours)


def test_an_id_from_the_future_gets_a_rid_of_today() -> None:
    clock = HandClock()
    future = id_of(2**63 - 1)

    rid = rid_for(future, lambda rid: False, IdSequence(clock), clock.tick())

    assert rid >> 21 == clock.tick(milliseconds=0) // 1000


def test_a_rid_that_an_id_had_is_not_handed_out_again() -> None:
    clock = HandClock()
    sequence = IdSequence(clock)
    next_one = id_of(sequence.rid() + 1)

    kept = rid_for(next_one, lambda rid: False, sequence, clock.tick(milliseconds=0))

    assert kept == rid_of(next_one)
    assert sequence.rid() > kept

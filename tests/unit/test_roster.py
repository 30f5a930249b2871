"""Who is on call is drawn in one way: everybody once for each policy, at which levels and until when."""

from datetime import UTC, datetime

from multivac.desk import roster
from multivac.desk.roster import Roster
from multivac.incident import Person
from multivac.ports import OnCall

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
EVENING, NIGHT = NOON.replace(hour=18), NOON.replace(hour=22)
ANA, BO = (Person(name=name, email=f"{name.lower()}@example.com") for name in ("Ana", "Bo"))


def duty(who: Person, level: int, policy: str, until: datetime | None = None) -> OnCall:
    return OnCall(person=who, level=level, policy=f"P{policy}", policy_name=policy, until=until)


def test_somebody_at_several_levels_is_named_once_with_all_of_them() -> None:
    found = Roster(
        at=NOON,
        on_call=(
            duty(ANA, 1, "Commerce", EVENING),
            duty(ANA, 2, "Commerce", NIGHT),
            duty(BO, 2, "Commerce"),
            duty(BO, 3, "Commerce"),
            duty(BO, 1, "Search", EVENING),
            duty(BO, 1, "Search", NIGHT),  # by another schedule of the same level
        ),
    )
    evening, night = (f"<d:{int(at.timestamp())}>" for at in (EVENING, NIGHT))
    assert roster.lines(found) == [
        f"Commerce: Ana (level 1 until {evening}, level 2 until {night}), Bo (levels 2, 3)",
        f"Search: Bo (level 1) until {night}",
    ]
    assert roster.lines(found.beside(ANA)) == roster.lines(found)[:1]
    assert roster.lines(found.of(ANA)) == [f"Commerce: Ana (level 1 until {evening}, level 2 until {night})"]
    assert roster.is_fresh(found, NOON)
    assert not roster.is_fresh(found, EVENING)

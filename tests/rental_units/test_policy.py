"""The table of who may, at its edges."""

from custom_components.rental_units.app.policy import AccountRole, Held, Permit, permit


def test_all_of_the_units() -> None:
    """Who may in one of two units may not in both."""
    assert Permit(frozenset({"101"})).covers({"101"})
    assert not Permit(frozenset({"101"})).covers({"101", "102"})
    assert Permit(None).covers({"101", "102"})


def test_own_units_of_several_roles() -> None:
    """A landlord's permit is theirs alone, and a role for the property is for all of it."""
    own = [Held(AccountRole.LANDLORD, frozenset({"101"}))]
    assert permit(own, "get_unit") == Permit(frozenset({"101"}))
    assert permit([*own, Held(AccountRole.MANAGER)], "get_unit") == Permit(None)
    assert permit([Held(AccountRole.RESIDENT, frozenset({"101"}))], "get_unit") is None

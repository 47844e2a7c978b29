"""Imports and exports, as the tests of the actions do them."""

from tests.rental_units.test_transfer import admin, transfer  # noqa: F401

"""Registers as earlier releases wrote them. What is in here is never changed."""

from collections.abc import Callable, Sequence
from datetime import date
import json
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, Engine, text

from custom_components.rental_units.alerts.migrations import FEATURE as ALERTS
from custom_components.rental_units.app.schema import FEATURES
from custom_components.rental_units.const import CONF_URL, DOMAIN, SUBENTRY_UNIT
from custom_components.rental_units.register.migrations import FEATURE as REGISTER
from custom_components.rental_units.register.units import unit_key, unit_title
from custom_components.rental_units.storage.engine import open_engine, postgresql_url
from custom_components.rental_units.storage.migrations import Feature, migrate
from homeassistant.config_entries import ConfigSubentry

#: The released steps of each version, which nobody changes any more.
VERSIONS: dict[int, Sequence[Callable[[Connection], None]]] = {
    1: REGISTER.steps[:1],
    2: (*REGISTER.steps[:1], *ALERTS.steps[:1]),
    3: (*REGISTER.steps[:1], *ALERTS.steps[:1], *REGISTER.steps[1:2]),
}
#: What such an alert keeps of its policy: one step, to whom it names.
POLICY = {
    "steps": [
        {
            "after": 0,
            "audience": [],
            "channels": ["push", "sms", "call"],
            "repeat": 0,
            "every": 60,
            "in_turn": False,
        }
    ],
    "each_unit": False,
    "valid_for": 14400,
}


def unit(building: str, stairwell: str, number: str, **data: Any) -> ConfigSubentry:
    """Return a unit's subentry, where units lived before; a start takes it over."""
    data = {"building": building, "stairwell": stairwell, "number": number, **data}
    return ConfigSubentry(
        data=MappingProxyType(data),
        subentry_type=SUBENTRY_UNIT,
        title=unit_title(data),
        unique_id=unit_key(data),
    )


def engine_of(data: dict[str, Any], path: Path, entry_id: str) -> Engine:
    """Return an engine of ours on the database of a property, whatever it holds."""
    if CONF_URL not in data:
        return open_engine(path, None)
    schema, url = f"{DOMAIN}_{entry_id.lower()}", postgresql_url(data[CONF_URL])
    engine = open_engine(url, schema)
    with engine.begin() as connection:
        connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{schema}"'))
    return engine


def create(connection: Connection, version: int) -> None:
    """Make the tables of a release of before."""
    connection.execute(text("CREATE TABLE register_version (version INTEGER)"))
    connection.execute(
        text("INSERT INTO register_version VALUES (:version)"), {"version": version}
    )
    for step in VERSIONS[version]:
        step(connection)


def fill(connection: Connection, unit_ids: Sequence[str]) -> None:
    """Let a tenant and a landlord be in each unit; every third tenant has left."""
    for number, unit_id in enumerate(unit_ids):
        connection.execute(
            text("INSERT INTO units (id, address) VALUES (:id, :address)"),
            {"id": unit_id, "address": f"MARK-ADDRESS-{number}"},
        )
        for role in ("tenant", "landlord"):
            key = f"{role}{number}"
            connection.execute(
                text(
                    "INSERT INTO persons (id, name, language)"
                    " VALUES (:id, :name, 'zh-Hans')"
                ),
                {"id": key, "name": f"MARK-{key}"},
            )
            connection.execute(
                text(
                    "INSERT INTO addresses (id, person_id, channel, target)"
                    " VALUES (:id, :person, 'sms', :target)"
                ),
                {
                    "id": f"address_{key}",
                    "person": key,
                    "target": f"+86138{number:08}",
                },
            )
            has_left = role == "tenant" and number % 3 == 2
            connection.execute(
                text(
                    'INSERT INTO leases (id, unit_id, person_id, role, "start", "end",'
                    " left_on) VALUES (:id, :unit, :person, :role, :start, :end, :left)"
                ),
                {
                    "id": f"lease_{key}",
                    "unit": unit_id,
                    "person": key,
                    "role": role,
                    "start": date(2026, 1, 1),
                    "end": date(2027, 1, 1) if role == "tenant" else None,
                    "left": date(2026, 6, 1) if has_left else None,
                },
            )


def fill_alerts(connection: Connection, unit_ids: Sequence[str]) -> None:
    """Let an alert be open about each unit, with a delivery that was sent."""
    for number, unit_id in enumerate(unit_ids):
        connection.execute(
            text(
                "INSERT INTO alerts (id, created_at, state, severity, hazard, place,"
                " unit_ids, area_ids, audiences, policy, drill, step, round,"
                " answered_units, ends_at) VALUES (:id, 0, 'active', 'alarm', 'smoke',"
                " 'MARK-PLACE', :units, '[]', '[]', :policy, :drill, 0, 0,"
                " '[]', 99999999999)"
            ),
            {
                "id": f"alert{number}",
                "units": f'["{unit_id}"]',
                "policy": json.dumps(POLICY),
                "drill": False,
            },
        )
        connection.execute(
            text(
                "INSERT INTO deliveries (id, alert_id, address_id, role, channel, step,"
                " round, state, attempts, rest, created_at, expires_at) VALUES (:id,"
                " :alert, :address, 'tenant', 'sms', 0, 0, 'sent', 1, '[]', 0, 9)"
            ),
            {
                "id": f"delivery{number}",
                "alert": f"alert{number}",
                "address": f"address_tenant{number}",
            },
        )


def dump(connection: Connection) -> dict[str, list[dict[str, Any]]]:
    """Return every row of every table of before, in the columns of before."""
    columns = {
        "units": "id, address",
        "persons": "id, name, language",
        "addresses": "id, person_id, channel, target",
        "leases": 'id, unit_id, person_id, role, "start", "end", left_on',
        "alerts": "id, state, severity, hazard, place, step, round",
        "deliveries": "id, alert_id, address_id, channel, state",
    }
    return {
        table: [
            dict(row._mapping)
            for row in connection.execute(
                text(f"SELECT {names} FROM {table} ORDER BY id")  # noqa: S608
            )
        ]
        for table, names in columns.items()
    }


def create_with_subentries(connection: Connection, subentries: Sequence[Any]) -> None:
    """Make the register of the last release whose units were subentries, and mirror them."""
    last = {"events": 1, "vault": 1, "register": 4, "alerts": 2}
    migrate(
        connection,
        [Feature(row.name, row.steps[: last.get(row.name, 0)]) for row in FEATURES],
    )
    fill(connection, [row.subentry_id for row in subentries])
    connection.execute(
        text("UPDATE units SET facts = CAST(:facts AS JSON) WHERE id = :id")
        if connection.dialect.name == "postgresql"
        else text("UPDATE units SET facts = :facts WHERE id = :id"),
        [
            {
                "id": row.subentry_id,
                "facts": json.dumps(
                    {
                        "title": row.title,
                        "unique_id": row.unique_id,
                        "data": dict(row.data),
                    }
                ),
            }
            for row in subentries
        ],
    )

"""Commands about the scores of property management. Nobody is in them."""

from dataclasses import dataclass
from typing import override

from homeassistant.util.json import JsonValueType

from ..scores import rows
from ..scores.catalogue import Catalogue, parse
from ..scores.models import ScoreCatalogue
from ..scores.tree import Tree, TreeError
from ..storage.events import Kind
from .reading import moment
from .work import Command, Work, refused

type Answer = dict[str, JsonValueType]


def month_of(work: Work) -> str:
    """Return the month that it is: 2027-01."""
    return work.today.isoformat()[:7]


def read_catalogue(source: bytes) -> SaveCatalogue:
    """Return the command that saves what a file says. Raises ServiceValidationError."""
    try:
        catalogue = parse(Tree.read(source))
    except TreeError as err:
        raise refused(f"catalogue_{err.problem}", **err.placeholders) from None
    return SaveCatalogue(catalogue, source.decode("utf-8-sig"))


@dataclass(frozen=True, slots=True)
class GetCatalogue(Command[Answer]):
    """Show the criteria that are in force, and the versions that there are."""

    name = "get_score_catalogue"
    #: Of which version; None: of this month.
    version: str | None = None

    @override
    def run(self, work: Work) -> Answer:
        known = rows.catalogues(work.session)
        row = rows.catalogue_for(work.session, month_of(work))
        if self.version is not None:
            row = next((row for row in known if row.version == self.version), None)
            if row is None:
                raise refused("no_such_catalogue")
        work.audit()
        return {
            "catalogue": describe_catalogue(row) if row else None,
            "versions": [
                {
                    "version": one.version,
                    "first_month": one.first_month,
                    "digest": one.digest,
                    "at": moment(one.at),
                    "who": one.who,
                }
                for one in known
            ],
        }


def describe_catalogue(row: ScoreCatalogue) -> Answer:
    """Return a table of criteria for an answer, with the file that it was read from."""
    found: Answer = rows.catalogue_of(row).as_data()
    return {**found, "digest": row.digest, "source": row.source}


@dataclass(frozen=True, slots=True)
class SaveCatalogue(Command[Answer]):
    """Put a table of criteria in force from its first month on.

    What is frozen, or open for comments, keeps the one that it has.
    """

    name = "save_score_catalogue"
    catalogue: Catalogue
    source: str

    @override
    def run(self, work: Work) -> Answer:
        try:
            row = rows.save_catalogue(
                work.session,
                self.catalogue,
                self.source,
                work.hand.now,
                work.caller.user_id,
            )
        except rows.VersionTakenError:
            raise refused(
                "catalogue_version_taken", version=self.catalogue.version
            ) from None
        work.audit()
        work.tell(Kind.SCORES_CHANGED)
        return {
            "version": row.version,
            "digest": row.digest,
            "first_month": row.first_month,
        }

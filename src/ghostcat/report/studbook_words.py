"""Words for what the check of a studbook finds."""

from __future__ import annotations

from collections.abc import Mapping

from ghostcat.language import mark as N_
from ghostcat.report.findings import Meaning

__all__ = ["STUDBOOK_FINDINGS"]

#: Codes of `pedigree.checks` and of the readers of pedigrees.
STUDBOOK_FINDINGS: Mapping[str, Meaning] = {
    "own_ancestor": Meaning(
        N_("An animal is its own ancestor."), N_("Correct the parent that closes the circle.")
    ),
    "dam_is_sire": Meaning(
        N_("An animal has one and the same parent as dam and as sire."), N_("Correct one of the two.")
    ),
    "dam_and_sire": Meaning(
        N_("An animal is dam of one and sire of another."), N_("Correct one of the two, or split the animal.")
    ),
    "born_before_parent": Meaning(
        N_("An animal is not younger than its parent."), N_("Correct one of the dates, or the parent.")
    ),
    "parent_too_young": Meaning(
        N_("A parent was very young when its offspring was born."), N_("Check the dates and the parent.")
    ),
    "died_before_birth": Meaning(N_("An animal died before it was born."), N_("Correct one of the dates.")),
    "alive_and_dead": Meaning(
        N_("An animal is called alive and has a date of death."), N_("Correct the one or the other.")
    ),
    "dead_in_reference": Meaning(
        N_("Dead animals are in the reference set."), N_("Take them out, or correct their dates of death.")
    ),
    "sex_coding_unclear": Meaning(
        N_("The code of the sexes could mean either."), N_("Write F and M in the column of sexes.")
    ),
    "sex_coding_inferred": Meaning(
        N_("What the code of the sexes means was inferred from the parents."), N_("Check a few animals.")
    ),
    "population_names": Meaning(
        N_("The populations have names; none of them says wild or managed."),
        N_("Write wild or managed where it matters."),
    ),
    "reference_set_empty": Meaning(
        N_("Nobody is marked as in the reference set: all animals are taken."), N_("Mark its animals.")
    ),
    "date_order_unclear": Meaning(
        N_("Day and month of some dates cannot be told apart: only their year counts."),
        N_("Write dates as year-month-day."),
    ),
    "date_not_read": Meaning(
        N_("A date cannot be read and counts as not known."), N_("Write dates as year-month-day.")
    ),
    "date_formats_mixed": Meaning(
        N_("Dates are written in several ways."), N_("Check those that could be read in two ways.")
    ),
    "child_without_record": Meaning(
        N_("A family names a child without a record of its own."), N_("Add the record.")
    ),
    "line_not_read": Meaning(N_("A line could not be read and was left out."), N_("Correct the line.")),
    "id_with_different_data": Meaning(
        N_("One name stands for rows with different data."), N_("Give each animal its own name.")
    ),
    "ids_by_family": Meaning(
        N_("Names repeat between families: animals are named by family and name."),
        N_("Give every animal a name of its own."),
    ),
    "animal_without_id": Meaning(
        N_("A row without the name of an animal was left out."), N_("Name the animal.")
    ),
    "missing_word_as_id": Meaning(
        N_("A word that means “not known” stands as the name of an animal."), N_("Rename the animal.")
    ),
    "row_repeated": Meaning(N_("The same row stands twice; it counts once."), N_("Delete one.")),
    "parent_without_row": Meaning(
        N_("A parent has no row of its own and is taken for a founder."), N_("Add a row for it.")
    ),
    "records_marked_deleted": Meaning(N_("Records marked as deleted were not read.")),
    "moves_not_understood": Meaning(
        N_("The columns of the moves are not understood; places come from the main table."),
        N_("Check the places."),
    ),
}

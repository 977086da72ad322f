"""Words for codes: what a reason, a cause, a state or a key of the provenance is called.

Every sentence here stands in the catalogues of `ghostcat/locale`. A code that is not known is
shown in the English words that came with it, marked as English.
"""

from __future__ import annotations

from collections.abc import Mapping

from ghostcat.language import mark as N_

__all__ = [
    "CAUSES",
    "MEDIA_STATES",
    "PHRASES",
    "PROVENANCE",
    "REASONS",
    "SEVERITIES",
    "SEXES",
]


#: Why no flank could be read from a photo.
REASONS: Mapping[str, str] = {
    "dark": N_("too dark"),
    "blurred": N_("blurred"),
    "cut_off": N_("body cut off by the frame"),
    "over_exposed": N_("over-exposed"),
    "too_small": N_("animal too small"),
    "no_animal": N_("no animal in the photo"),
    "not_side_on": N_("animal not seen from the side"),
    "side_unknown": N_("side not certain"),
    "several_animals": N_("several animals"),
    "unreadable": N_("photo cannot be read"),
    "other": N_("other reasons"),
    "not_usable": N_("no reason given"),
    "": N_("no reason given"),
}

MEDIA_STATES: Mapping[str, str] = {
    "ok": N_("readable"),
    "pending": N_("not opened yet"),
    "duplicate": N_("copies of another photo"),
    "missing": N_("file is missing"),
    "unreadable": N_("damaged, cannot be read"),
    "not_an_image": N_("not an image"),
    "empty_file": N_("empty file"),
}

#: Causes of camera failure, in the usual words of field sheets.
CAUSES: Mapping[str, str] = {
    "": N_("cause not recorded"),
    "theft": N_("theft"),
    "stolen": N_("theft"),
    "battery": N_("battery empty"),
    "batteries": N_("battery empty"),
    "battery empty": N_("battery empty"),
    "card full": N_("memory card full"),
    "memory card full": N_("memory card full"),
    "snow": N_("snow on the lens"),
    "snow on lens": N_("snow on the lens"),
    "damage": N_("camera damaged"),
    "damaged": N_("camera damaged"),
    "broken": N_("camera damaged"),
    "malfunction": N_("malfunction"),
    "fire": N_("fire"),
    "flood": N_("flood"),
    "animal": N_("camera moved by an animal"),
    "vandalism": N_("vandalism"),
    "unknown": N_("cause unknown"),
}

SEXES: Mapping[str, str] = {"female": N_("female"), "male": N_("male"), "": N_("sex not known")}

SEVERITIES: Mapping[str, str] = {"error": N_("Error"), "warning": N_("Warning"), "note": N_("Note")}

#: Keys of the provenance.
PROVENANCE: Mapping[str, str] = {
    "ghostcat": N_("ghostcat version"),
    "python": N_("Python version"),
    "evidence_and_decisions": N_("Fingerprint of evidence, decisions and readings"),
    "survey": N_("Survey"),
    "identification": N_("Identified by"),
    "pass_gap_minutes": N_("Gap between passes, minutes"),
    "settings": N_("Settings"),
    "seed": N_("Seed of the random numbers"),
    "sources": N_("Sources"),
    "region": N_("Region"),
    "licence": N_("Licence of the photographs"),
}

#: Whole sentences that a portrait brings along in English.
PHRASES: tuple[str, ...] = (
    N_(
        "Animals told apart by their coats. Animals known from both flanks all count; of "
        "those known from one flank only, those of the side that has more of them count, "
        "since the others may be the same animals."
    ),
    N_("spatial capture–recapture: hazard half-normal, Poisson counts, constant density"),
    N_("chosen by ghostcat"),
    N_("not identified"),
)

"""Words for findings and refusals: what each code means, and what to do.

Every sentence here stands in the catalogues of `ghostcat/locale`. A code that is not known is
shown in the English words that came with it, marked as English.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ghostcat.language import mark as N_

__all__ = ["FINDINGS", "REFUSALS", "Meaning"]


@dataclass(frozen=True)
class Meaning:
    """What a code means and what to do; `fix` is empty where nothing can be advised."""

    what: str
    fix: str = ""


#: Why there is no estimate, and what would make one possible.
REFUSALS: Mapping[str, Meaning] = {
    "caught_outside_search": Meaning(
        N_("A detection lies outside the area that was searched."),
        N_("Correct the place of the detection or the border of the search."),
    ),
    "caught_twice": Meaning(
        N_("An animal was recorded more often than its detectors can record it."),
        N_("Keep one record an occasion, or say that the detectors count."),
    ),
    "caught_without_effort": Meaning(
        N_("An animal was recorded at a station while it was not working."),
        N_("Correct the effort of the station or the date of the record."),
    ),
    "class_without_animals": Meaning(
        N_("A class of animals in the model has no animal that is known to belong to it."),
        N_("Name the class of some animals, or leave the classes out."),
    ),
    "collinear": Meaning(
        N_("Two terms of the model say the same, so their effects cannot be told apart."),
        N_("Leave one of the terms out."),
    ),
    "empty_level": Meaning(
        N_("A term of the model stands for nothing that occurs in the data."),
        N_("Leave the term, or the level that does not occur, out of the model."),
    ),
    "missing_covariate": Meaning(
        N_("A covariate of the model has no value where one is needed."),
        N_("Give the value, or leave the covariate out."),
    ),
    "no_refits": Meaning(
        N_("Almost none of the simulated surveys gave an estimate."),
        N_("The data are too thin for this model."),
    ),
    "separation": Meaning(
        N_(
            "Nothing was detected in one of the states that the model tells apart: its rate "
            "would be 0 and has no estimate."
        ),
        N_("Join the state with another one, or leave the term out."),
    ),
    "too_few_detectors": Meaning(
        N_("There are too few stations to judge how well the model fits."),
        N_("This test needs more stations than the model has coefficients."),
    ),
    "too_few_occasions": Meaning(
        N_("There are too few occasions to tell whether the population was closed."),
        N_("Divide the survey into three occasions or more."),
    ),
    "unsupported_detector": Meaning(
        N_("Detectors of this kind cannot be estimated."),
        N_("Use another kind of detector, or another detection function."),
    ),
    "no_animals": Meaning(
        N_(
            "No animal was identified, so there is nothing to estimate from. This is not evidence"
            " that none live here."
        ),
        N_(
            "Check that photos with animals were found and that usable flanks were identified. If"
            " so, more stations or a longer survey are needed."
        ),
    ),
    "one_animal": Meaning(
        N_("Only one animal was identified. One animal cannot show how many others were missed."),
        N_(
            "Survey a larger area or more stations, so that several animals are photographed, "
            "some of them at two or more stations."
        ),
    ),
    "no_recaptures": Meaning(
        N_(
            "No animal was photographed more than once. Without repeats there is no telling how "
            "many were missed."
        ),
        N_(
            "Keep the cameras out longer, or place them where animals pass more often, and review"
            " the open questions."
        ),
    ),
    "no_spatial_recaptures": Meaning(
        N_(
            "No animal was photographed at two different stations, so the data do not show how "
            "far animals move, and no area can be attached to the count."
        ),
        N_(
            "Place stations closer together, with several inside the range of one animal, or keep"
            " them out longer."
        ),
    ),
    "no_effort": Meaning(
        N_(
            "No station has working days on record. Without effort, what was not seen cannot be "
            "told from what was not watched."
        ),
        N_("Enter when each camera was set up, picked up and out of order, and import again."),
    ),
    "all_at_one_station": Meaning(
        N_("All photographs come from one station, so the data do not show how far animals move."),
        N_("Survey more stations, with several inside the range of one animal."),
    ),
    "one_station": Meaning(
        N_("Only one station worked, so distance cannot be told from how often animals pass."),
        N_("Survey more stations, with several inside the range of one animal."),
    ),
    "not_identified": Meaning(
        N_("The data fit any density as well as any other: movement and density cannot be told apart."),
        N_("Survey more stations over a wider area."),
    ),
    "not_converged": Meaning(
        N_("The fit did not settle on one answer."),
        N_("Look for stations with wrong coordinates and animals joined by mistake, and fit again."),
    ),
}

#: Findings of the check, of the encounter history and of the fit.
FINDINGS: Mapping[str, Meaning] = {
    "mixture_not_identified": Meaning(
        N_("The classes cannot be told apart, or one of them is empty: their share has no estimate."),
        N_("Prefer the model without classes, or name the class of some animals."),
    ),
    "single_as_multi": Meaning(
        N_("Single-catch traps are fitted with the likelihood of multi-catch traps."),
        N_("Density is little affected unless most traps are occupied."),
    ),
    "surveys_share_animals": Meaning(
        N_(
            "Surveys of the same place are taken as independent. If they met the same animals, "
            "the interval is too narrow."
        ),
        N_("Match the animals between the surveys where that can be done."),
    ),
    # what did not enter the estimate
    "half_identity_not_counted": Meaning(
        N_("Animals known from one flank only that may be the other side of a counted animal"),
        N_("Join or separate them in a review."),
    ),
    "unresolved_encounter": Meaning(
        N_("Passes with a usable flank that belongs to nobody yet"),
        N_("Answer the open questions in a review."),
    ),
    "no_usable_flank": Meaning(N_("Passes without a flank that can be identified")),
    "no_animal_seen": Meaning(N_("Passes that turned out to show no animal")),
    "not_examined": Meaning(N_("Passes that have not been examined yet"), N_("Run the identification.")),
    "encounter_excluded": Meaning(
        N_("Passes left out by decision"), N_("Undo the decision to take them in again.")
    ),
    "deployment_excluded": Meaning(
        N_("Deployments left out by decision, with their effort and photos"),
        N_("Undo the decision to take them in again."),
    ),
    "deployment_without_duration": Meaning(
        N_("Deployments that end no later than they start; they give no effort"),
        N_("Correct the two times and import again."),
    ),
    "outside_period": Meaning(N_("Passes outside the period of the estimate")),
    "station_without_effort": Meaning(N_("Stations that did not watch at all: not sampled")),
    "capture_without_effort": Meaning(
        N_("Animals photographed when their station has no effort on record"),
        N_("Check the times of the deployment, its failures and the camera's clock."),
    ),
    "animal_without_capture": Meaning(N_("Counted animals without a capture that can be used")),
    "utc_offset_unknown": Meaning(
        N_("No deployment says how far its clock is from UTC; days are counted in UTC"),
        N_("Give the UTC offset of the cameras."),
    ),
    "several_utc_offsets": Meaning(
        N_("Cameras run on different UTC offsets; days are counted in the median one")
    ),
    # what the fit says of itself
    "few_recaptures": Meaning(
        N_("Few animals or few recaptures: the margin stays wide"),
        N_(
            "Twenty of each give a relative standard error of about 0.22: survey longer, add "
            "stations, or join with other evidence."
        ),
    ),
    "few_spatial_recaptures": Meaning(
        N_("Few recaptures at another station carry the scale of movement"),
        N_("Stations closer together, or σ from collars, would steady it."),
    ),
    "wide_interval": Meaning(
        N_("The interval is so wide that a halving or a doubling of the population would not be noticed"),
        N_("Quote the interval, not the estimate; see what would add animals and recaptures."),
    ),
    "buffer_too_small": Meaning(
        N_("The mask ends too close to the stations: density is overestimated"),
        N_("Use a wider buffer, unless habitat ends at the mask."),
    ),
    "stations_far_apart": Meaning(
        N_(
            "Stations are far apart for the movement of these animals: few can be seen at two of "
            "them, and some live between stations unseen"
        ),
        N_("Place stations closer together, about one and a half σ apart."),
    ),
    "array_small": Meaning(
        N_(
            "The stations cover less than the movement of one animal: density and movement are "
            "hard to tell apart"
        ),
        N_("Spread stations over more than one home range."),
    ),
    "cell_too_coarse": Meaning(
        N_("Cells of the mask are wider than σ"), N_("Use smaller cells, half of σ or less.")
    ),
    "mask_not_settled": Meaning(
        N_("Density would still change on a wider or finer mask"),
        N_("Give a wider buffer or smaller cells, or the border of the habitat if there is one."),
    ),
    "far_captures": Meaning(
        N_("Animals seen at places further apart than one animal that stayed would go"),
        N_("Look at their photos again (two animals under one name?), or at their sex and age."),
    ),
    "stations_without_effort": Meaning(N_("Stations that never worked; they say nothing about absence")),
    "stations_share_a_place": Meaning(
        N_("Stations with the coordinates of another one; they count as one place"),
        N_("Cameras that face each other are one station with one effort."),
    ),
    # what the check of the survey finds
    "database_damaged": Meaning(
        N_("The database is damaged"),
        N_("Put back a copy of the survey folder."),
    ),
    "changed_from_outside": Meaning(
        N_("Rows of the database were changed by another program"),
        N_("Put back a copy of the survey folder, or import the sources into a new survey."),
    ),
    "coordinates_out_of_range": Meaning(
        N_("Coordinates that are not on the globe"),
        N_("Correct them in the table of stations; metres need their coordinate system named."),
    ),
    "coordinates_swapped": Meaning(
        N_("Longitude and latitude look exchanged"),
        N_("Exchange the two columns in the table of stations and import it into a new survey."),
    ),
    "station_far_from_others": Meaning(
        N_("Stations far away from the others"),
        N_("Check their coordinates; if they are right, give distant areas groups of their own."),
    ),
    "deployment_ends_before_start": Meaning(
        N_("Deployments that end no later than they start; they give no effort"),
        N_("Correct the two times; day and month may be exchanged."),
    ),
    "deployment_overlap": Meaning(
        N_("Deployments of one camera that overlap"),
        N_("Correct the set-up or pick-up time of one of them, or the name of the camera."),
    ),
    "failure_outside_deployment": Meaning(
        N_("Failures that do not lie inside their deployment"),
        N_("Correct the times of the failure; only what lies inside counts."),
    ),
    "photo_during_failure": Meaning(
        N_("Photos taken while the camera is said to have failed"),
        N_("Shorten the failure, or correct the clock; time without effort cannot bring photos."),
    ),
    "photo_outside_deployment": Meaning(
        N_("Photos dated outside their deployment"),
        N_("If the clock of the camera was wrong, correct it; else correct the times of the deployment."),
    ),
    "deployment_without_photos": Meaning(
        N_("Deployments without a photo"),
        N_(
            "If a camera failed, say from when to when, else its days count as watched without a "
            "sighting. If only photos with animals were imported, this is as it should be."
        ),
    ),
    "station_without_deployment": Meaning(
        N_("Stations without a deployment: no effort is counted there"),
        N_("Add their deployments if cameras stood there."),
    ),
    "media_missing": Meaning(
        N_("Photos that are not where they should be"), N_("Connect the disk, or import again.")
    ),
    "media_unreadable": Meaning(
        N_("Photos that cannot be read"),
        N_("Copy them from the card again; they stay in the survey, but nothing is read from them."),
    ),
    "media_pending": Meaning(
        N_("Photos that have not been opened yet"), N_("Run the import again; it goes on where it stopped.")
    ),
    "media_without_time": Meaning(
        N_("Photos without a time; they belong to no pass"), N_("Give their times in the table of photos.")
    ),
    "duplicate_photo": Meaning(
        N_("Photos with the same content as others; each counts once"),
        N_("If a card was copied twice, look to which camera its photos belong."),
    ),
    "box_out_of_frame": Meaning(
        N_("Detections with a box outside the frame"),
        N_("Boxes are fractions of the frame; divide pixels by its size."),
    ),
    "animal_in_two_places": Meaning(
        N_("An animal in two distant places at nearly the same time"),
        N_("Two animals may have been merged, or a clock is wrong: compare the photos."),
    ),
    "decision_without_encounter": Meaning(
        N_("Decisions about photos that belong to no pass"),
        N_("Nothing need be done, unless such a photo should count."),
    ),
    "clock_reset": Meaning(
        N_("Clocks that fell back to their first day"),
        N_("Correct the clock if the date of one of the photos is known."),
    ),
    "clock_jump": Meaning(
        N_("Clocks that jumped"),
        N_("If the clock was wrong from there on, correct it; a correction holds for a whole deployment."),
    ),
    "clock_differs": Meaning(
        N_("The source dates photos otherwise than the files do; the times of the source are used"),
        N_("Whole hours hint at a wrong UTC offset: see which is right."),
    ),
    # what the decisions say of each other
    "identity_conflict": Meaning(
        N_("Decisions contradict each other about which photos show one animal"),
        N_("Look at these photos once more and undo the decision that is wrong."),
    ),
    "model_link_refused": Meaning(
        N_("Links of the identification that would join animals which others hold apart: not joined"),
        N_("Look at these photos once more and undo the decision that is wrong."),
    ),
    "weak_link": Meaning(
        N_("One link alone holds two groups of passes together as one animal"),
        N_("Compare the two photos: if they show two animals, say so."),
    ),
    "two_names": Meaning(
        N_("One animal was given two names; the earlier is shown"),
        N_("Undo the name that should go, or look whether two animals were merged by mistake."),
    ),
    "name_taken_twice": Meaning(
        N_("Two animals were given one name; only the one named first keeps it"),
        N_("Give one of them another name."),
    ),
    "reviewers_disagree": Meaning(
        N_("People disagree about a pair of photos; the newest word is followed"),
        N_("Look at the pair together and undo the decision that is wrong."),
    ),
}

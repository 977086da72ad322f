"""Answer the questions that identification left: one pair at a time, every answer a decision."""

from __future__ import annotations

import getpass
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ghostcat.errors import DecisionError
from ghostcat.survey import Survey
from ghostcat.survey.decisions import standing
from ghostcat.survey.evidence import Decision
from ghostcat.workflows.identifying import PairQuestion, draw_question, questions
from ghostcat.workflows.opening import open

__all__ = ["Answer", "Review", "review"]

Answer = Literal["same", "different", "not_comparable", "unsure"]


@dataclass(frozen=True)
class Review:
    """One person's sitting with a survey. The log keeps everything; this object keeps nothing."""

    survey: Survey
    reviewer: str

    def waiting(self) -> list[PairQuestion]:
        """Open questions, the one that would change the number of animals most first."""
        return questions(self.survey)

    def picture(self, question: PairQuestion, path: str | Path | None = None) -> Path:
        """Draw the pair side by side with its matched spots; returns the JPEG's path."""
        return draw_question(self.survey, question, path=path)

    def answer(self, question: PairQuestion, answer: Answer) -> int:
        """Record what the reviewer sees; returns the decision's number."""
        (number,) = self.survey.append(
            [
                Decision(
                    kind=answer,
                    actor=self.reviewer,
                    actor_kind="person",
                    media_a=question.photo_a,
                    side_a=question.flank,
                    media_b=question.photo_b,
                    side_b=question.flank,
                    shown={
                        "probability": question.probability,
                        "score": question.score,
                        "picture": "pair with matched spots",
                    },
                )
            ]
        )
        return number

    def undo(self) -> Decision:
        """Take back this reviewer's latest answer that still stands; returns it.

        Raises
        ------
        DecisionError : there is nothing to take back.
        """
        own = [
            d
            for d in standing(self.survey.decisions())
            if d.actor == self.reviewer and d.actor_kind == "person"
        ]
        if not own:
            raise DecisionError(f"{self.reviewer} has no decision that could be taken back")
        last = own[-1]
        self.survey.append([Decision(kind="undo", actor=self.reviewer, actor_kind="person", undoes=last.id)])
        return last


def review(survey: str | Path | Survey, *, reviewer: str | None = None) -> Review:
    """Start a sitting; `reviewer` is the name that the log will show, by default the login name."""
    return Review(open(survey), reviewer or getpass.getuser())

"""For each exercise, wrong answers that learners give, and what the message about each must say."""

from tests.course.exercises.wrong_earlier import EARLIER
from tests.course.exercises.wrong_later import LATER

WRONG = {**EARLIER, **LATER}

"""For each exercise, wrong answers that learners give, and what the message about each must say."""

from tests.exercises.wrong_earlier import EARLIER
from tests.exercises.wrong_later import LATER

WRONG = {**EARLIER, **LATER}

from tests.fakes import Answers
from zetl_helpers import doctor, source
from zetl_helpers.lab import Lab


def test_a_healthy_lab_is_ok_in_every_line(lab: Lab) -> None:
    checks = doctor.examine(lab)
    assert all(check.ok for check in checks)
    assert all(line.startswith("[OK]") for line in doctor.report(checks).splitlines())


def test_a_service_that_denies_is_named_with_the_next_step(lab: Lab) -> None:
    denied = Answers(lab, "glue", "DescribeIntegrations")
    denied.fail("AccessDeniedException", times=9)
    text = doctor.report(doctor.examine(lab))
    assert "[FAIL] AWS Glue zero-ETL does not answer\n       " in text
    assert "policies/" in text


def test_foreign_things_with_the_labs_names_are_found_before_anything_is_made(lab: Lab) -> None:
    lab.client("dynamodb").create_table(**source.definition(lab))
    assert "[FAIL] a thing that is not the lab's has one of its names" in doctor.report(doctor.examine(lab))


def test_leftovers_of_an_earlier_run_are_counted(lab: Lab) -> None:
    source.create_table(lab)
    assert "[OK]   1 things of the lab are there" in doctor.report(doctor.examine(lab))

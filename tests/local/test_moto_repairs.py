from zetl_helpers.lab import Lab


def test_what_was_granted_in_two_steps_can_be_revoked(lab: Lab) -> None:
    formation = lab.client("lakeformation")
    about = {
        "Principal": {"DataLakePrincipalIdentifier": "arn:aws:iam::123456789012:role/Analyst"},
        "Resource": {"Table": {"DatabaseName": "customerdb", "Name": "customeraccounts"}},
    }
    formation.grant_permissions(**about, Permissions=["DESCRIBE"])
    formation.grant_permissions(**about, Permissions=["SELECT"])
    formation.revoke_permissions(**about, Permissions=["SELECT"])
    (left,) = formation.list_permissions(**about)["PrincipalResourcePermissions"]
    assert left["Permissions"] == ["DESCRIBE"]

import pytest
from lattice.accounts.schemas import email_key, mailbox_key, normal_email


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("Ada.L@EXAMPLE.COM", "Ada.L@example.com"),
        ("a+b@example.com", "a+b@example.com"),
        # The same letters, composed and not.
        ("e\u0301@example.com", "\u00e9@example.com"),
    ],
)
def test_an_address_has_one_form(written: str, normal: str) -> None:
    assert normal_email(written) == normal


@pytest.mark.parametrize(
    "written", ["", "ada", "ada@", "@example.com", "a b@example.com", "a@b", "=?x?=@example.com"]
)
def test_what_is_no_address_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        normal_email(written)


def test_letter_case_does_not_make_another_account() -> None:
    assert email_key("ADA@Example.com") == email_key("ada@example.COM")
    # These are mailboxes of different people.
    assert email_key("ada@strasse.example") != email_key("ada@straße.example")


def test_what_is_behind_a_plus_makes_no_other_person() -> None:
    assert mailbox_key("Ada+x+y@Example.com") == mailbox_key("ada@example.com")
    assert mailbox_key("ada@example.com") != mailbox_key("eve@example.com")

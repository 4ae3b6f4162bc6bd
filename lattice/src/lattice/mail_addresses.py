"""Addresses of mail: which are taken for one."""

from email_validator import EmailNotValidError, ValidatedEmail, validate_email


def validated(text: str) -> ValidatedEmail:
    """Return the address in its forms; raises `ValueError` if it is none.

    Nothing is looked up: whether mail arrives is not judged here.
    """
    try:
        # `.test` is reserved for what the name says (RFC 2606).
        checked = validate_email(text, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise ValueError(str(error)) from error
    # `=?utf-8?q?eve?=@` is an address too, and reads as `eve@` in the header of a mail (RFC 2047).
    if "=?" in checked.normalized:
        msg = "An address with =? in it is another one in a mail."
        raise ValueError(msg)
    return checked

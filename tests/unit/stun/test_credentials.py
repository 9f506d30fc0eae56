from visavis.stun import AttributeType, LongTermCredentials, PasswordAlgorithm, long_term_key
from visavis.stun.credentials import Challenge, answer, read_challenge_untrusted

ADA = LongTermCredentials("user", "pass")


def test_the_key_is_that_of_the_rfc() -> None:
    """RFC 8489 section 9.2.2: MD5 of "user:realm:pass"."""
    assert long_term_key(ADA, "realm").hex() == "8493fbc53ba582fb4c044c456bdc40eb"


def test_the_sha_256_key_is_that_of_the_rfc() -> None:
    """RFC 8489 section 18.5.1.2, for the user of its appendix B.1."""
    matrix = LongTermCredentials("\u30de\u30c8\u30ea\u30c3\u30af\u30b9", "TheMatrIX")
    key = long_term_key(matrix, "example.org", PasswordAlgorithm.SHA256)
    assert key.hex() == "dd295a613b9058c3c23d6dc7165bda072304d989c9d0af3a8c7e184b4f9bb4a1"


def test_a_challenge_is_answered_with_its_own_bytes() -> None:
    challenge = read_challenge_untrusted([(0x0014, b"realm"), (0x0015, b"nonce")])
    assert challenge is not None
    assert challenge == Challenge(b"realm", b"nonce")
    attributes, key = answer(challenge, ADA)
    assert attributes == [
        (AttributeType.USERNAME, b"user"),
        (AttributeType.REALM, b"realm"),
        (AttributeType.NONCE, b"nonce"),
    ]
    assert key == long_term_key(ADA, "realm")


def test_half_a_challenge_is_none() -> None:
    realm, nonce = (0x0014, b"realm"), (0x0015, b"nonce")
    assert read_challenge_untrusted([realm]) is None
    assert read_challenge_untrusted([nonce]) is None
    assert read_challenge_untrusted([(0x0014, b"\xff"), nonce]) is None
    assert read_challenge_untrusted([realm, (0x0015, b"")]) is None
    assert read_challenge_untrusted([realm, (0x0015, b"n" * 764)]) is None


def test_a_password_stays_out_of_logs() -> None:
    assert "pass" not in repr(ADA)

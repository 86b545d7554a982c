"""encrypt(), decrypt(), reencrypt() and keyed_digest()."""

import pytest

from encryption.fields import DecryptionError, decrypt, encrypt, keyed_digest, reencrypt, under_first_key

TEXT = "DEV-äöü-secret"


def test_what_it_encrypts_it_decrypts():
    assert TEXT not in encrypt(TEXT)
    assert decrypt(encrypt(TEXT)) == TEXT


def test_no_two_ciphertexts_are_alike():
    assert encrypt(TEXT) != encrypt(TEXT)


@pytest.mark.parametrize("value", [b"bytes", 1, None])
def test_it_encrypts_only_text(value):
    with pytest.raises(TypeError, match="Only text can be encrypted"):
        encrypt(value)


def test_it_takes_the_keys_from_the_settings_each_time(settings, keys):
    ciphertext = encrypt(TEXT)
    settings.FIELD_ENCRYPTION_KEY = [keys[1], keys[0]]

    assert decrypt(ciphertext) == TEXT
    assert not under_first_key(ciphertext)
    assert under_first_key(encrypt(TEXT))


def test_a_wrong_key_decrypts_nothing_and_says_what_to_do(settings, keys):
    ciphertext = encrypt(TEXT)
    settings.FIELD_ENCRYPTION_KEY = [keys[1]]

    with pytest.raises(DecryptionError) as caught:
        decrypt(ciphertext, what="The seed")

    assert str(caught.value).startswith("The seed cannot be decrypted")
    assert "Add the key" in str(caught.value)
    assert TEXT not in str(caught.value)
    assert ciphertext[:10] not in str(caught.value)


@pytest.mark.parametrize("ciphertext", ["", "plain text", "ä", "gAAAAAB"])
def test_what_is_not_encrypted_is_not_decrypted(ciphertext):
    with pytest.raises(DecryptionError):
        decrypt(ciphertext)


def test_a_changed_ciphertext_is_not_decrypted():
    ciphertext = encrypt(TEXT)
    changed = ciphertext[:40] + ("A" if ciphertext[40] != "A" else "B") + ciphertext[41:]

    with pytest.raises(DecryptionError):
        decrypt(changed)


class TestReencrypt:
    def test_it_moves_text_under_the_first_key(self, settings, keys):
        old = encrypt(TEXT)
        settings.FIELD_ENCRYPTION_KEY = [keys[1], keys[0]]
        new = reencrypt(old)
        settings.FIELD_ENCRYPTION_KEY = [keys[1]]

        assert decrypt(new) == TEXT

    def test_it_leaves_what_is_there_already(self, settings, keys):
        ciphertext = encrypt(TEXT)
        settings.FIELD_ENCRYPTION_KEY = [keys[0], keys[1]]

        assert reencrypt(ciphertext) is None

    def test_it_fails_if_no_key_fits(self, settings, keys):
        ciphertext = encrypt(TEXT)
        settings.FIELD_ENCRYPTION_KEY = keys[1:]

        with pytest.raises(DecryptionError):
            reencrypt(ciphertext)


class TestKeyedDigest:
    def test_equal_texts_have_equal_digests(self):
        assert keyed_digest(TEXT, purpose="a") == keyed_digest(TEXT, purpose="a")
        assert len(keyed_digest(TEXT, purpose="a")) == 64

    def test_it_depends_on_text_purpose_and_secret_key(self, settings):
        digests = {
            keyed_digest(TEXT, purpose="a"),
            keyed_digest(TEXT + "x", purpose="a"),
            keyed_digest(TEXT, purpose="b"),
        }
        settings.SECRET_KEY = "another"
        digests.add(keyed_digest(TEXT, purpose="a"))

        assert len(digests) == 4

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from encryption.keys import validate_keys

KEY = Fernet.generate_key().decode()
OTHER = Fernet.generate_key().decode()


def test_it_splits_keys_at_commas():
    assert validate_keys(f" {KEY} ,{OTHER},") == [KEY, OTHER]


@pytest.mark.parametrize("value", ["", ",", " , ,"])
def test_it_refuses_a_list_without_keys(value):
    with pytest.raises(ImproperlyConfigured, match="names no key"):
        validate_keys(value)


@pytest.mark.parametrize("malformed", ["hunter2", KEY[:-2], "ä" * 44], ids=["word", "cut", "no ASCII"])
def test_it_refuses_a_malformed_key_without_printing_it(malformed):
    with pytest.raises(ImproperlyConfigured, match="key 2 of 2") as caught:
        validate_keys(f"{KEY},{malformed}")

    assert malformed not in str(caught.value)
    assert KEY not in str(caught.value)

"""The mark that lost problems are found again by."""

import pytest

from gateway.marker import marked, markers_of, usage_id_in


@pytest.mark.parametrize("label", ["", "mine", "x" * 1024, "[luna:8:0123456789ab]"])
@pytest.mark.parametrize("usage_id", [1, 42, 2**63 - 1])
def test_a_marked_label_tells_its_line_and_fits(label, usage_id):
    text = marked(label, usage_id)

    assert usage_id_in(text) == usage_id
    assert len(text) <= 1024
    text.encode("cp1252")


@pytest.mark.parametrize(
    "label",
    [
        "",
        "[luna:7]",
        "[luna:7:0123456789ab]",
        "[luna:x:0123456789ab]",
        "[luna:\u0667:0123456789ab]",
        "[luna:" + "9" * 5000,
    ],
)
def test_nobody_else_can_make_one(label):
    assert usage_id_in(label) is None


def test_it_must_stand_at_the_end():
    assert usage_id_in(markers_of(7)[0] + " and more") is None


def test_the_one_of_another_line_is_not_taken():
    assert usage_id_in(markers_of(7)[0].replace(":7:", ":8:")) is None


def test_those_made_with_a_former_key_are_known(settings):
    former, settings.SECRET_KEY_FALLBACKS = settings.SECRET_KEY, [settings.SECRET_KEY]
    text = marked("mine", 7)
    settings.SECRET_KEY = "another" * 10

    assert usage_id_in(text) == 7
    assert text.endswith(markers_of(7)[1])
    assert markers_of(7)[0] != markers_of(7)[1]
    assert former not in text

"""GET /users/me, which the SDK asks at every start."""

URL = "/luna-solve/api/v1/users/me"


def test_it_says_whose_key_this_is(api, bob):
    response = api(bob).get(URL)
    assert response.status_code == 200
    assert response.json() == {
        "email": "bob@example.com",
        "first_name": "",
        "last_name": "",
        "groups": [],
        "orgs": ["Acme"],
    }


def test_one_query_tells_it(api, bob, django_assert_num_queries):
    client = api(bob)
    client.get(URL)  # notes the use of the key
    with django_assert_num_queries(1):
        client.get(URL)


def test_a_wrong_key_is_told_without_an_internal_code(client, db):
    response = client.get(URL, headers={"Luna-API-Key": "luna_wrong"})
    assert response.status_code == 401
    assert set(response.json()) == {"detail"}  # with internal_code the SDK would not say that the key is wrong

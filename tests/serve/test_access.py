"""Who may ask: keys, pages of other origins."""

import hmac

import pytest

KEYS = ("first-key-0123456789", "second-key-0123456789")


@pytest.mark.parametrize(
    "headers",
    [{"Authorization": f"Bearer {KEYS[0]}"}, {"Authorization": f"bearer  {KEYS[1]}"}, {"X_API_Key": KEYS[1]}],
)
def test_who_knows_a_key_may_ask(start, picture, headers):
    assert start(keys=KEYS).post(picture, **headers).status == 200


@pytest.mark.parametrize(
    "headers",
    [{}, {"X_API_Key": "first-key"}, {"X_API_Key": KEYS[0] + "x"}, {"Authorization": f"Basic {KEYS[0]}"},
     {"Authorization": "Bearer"}, {"X_API_Key": "schl\u00fcssel".encode("latin-1").decode("latin-1")}],
)  # fmt: skip
def test_who_does_not_is_told_how(start, picture, headers):
    answer = start(keys=KEYS).post(picture, **headers)
    assert answer.status == 401
    assert "X-API-Key" in answer.json["detail"]
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_all_keys_are_compared_in_constant_time(start, picture, monkeypatch):
    compared = []

    def compare(one, other):
        compared.append(other)
        return real(one, other)

    real = hmac.compare_digest
    monkeypatch.setattr("nimblepose.serve.front.hmac.compare_digest", compare)
    start(keys=KEYS).post(picture, X_API_Key=KEYS[0])
    assert compared[-2:] == [key.encode() for key in KEYS], "the second, too, although the first was right"


@pytest.mark.parametrize(
    ("path", "status"),
    [("/healthz", 200), ("/readyz", 200), ("/v2/health/live", 200), ("/v2/health/ready", 200), ("/docs", 200),
     ("/openapi.json", 200), ("/metrics", 401), ("/v1/model", 401), ("/v2", 401), ("/v2/models/human", 401)],
)  # fmt: skip
def test_what_is_free(start, path, status):
    assert start(keys=KEYS).ask("GET", path).status == status


def test_pages_of_other_origins_ask_first(start, picture):
    server = start(cors=("https://lab.example",), keys=KEYS)
    asking = {"Access_Control_Request_Method": "POST", "Access_Control_Request_Headers": "authorization,x-request-id"}
    answer = server.ask("OPTIONS", "/v1/poses", Origin="https://lab.example", **asking)
    assert answer.status == 200, "without a key: browsers send none before"
    assert answer.headers["access-control-allow-origin"] == "https://lab.example"
    assert "authorization" in answer.headers["access-control-allow-headers"].lower()
    refused = server.ask("OPTIONS", "/v1/poses", Origin="https://other.example", **asking)
    assert refused.status == 400
    assert "access-control-allow-origin" not in refused.headers
    key = {"X_API_Key": KEYS[0]}
    answer = server.post(picture, Origin="https://lab.example", **key)
    assert answer.headers["access-control-allow-origin"] == "https://lab.example"
    assert "Retry-After" in answer.headers["access-control-expose-headers"]
    wrong = server.post(b"junk", Origin="https://lab.example", **key)
    assert wrong.status == 422
    assert wrong.headers["access-control-allow-origin"] == "https://lab.example", "so that the page can read why"
    assert "access-control-allow-origin" not in server.post(picture, Origin="https://other.example", **key).headers


def test_without_cors_no_page_may_read(start, picture):
    answer = start().post(picture, Origin="https://lab.example")
    assert "access-control-allow-origin" not in answer.headers

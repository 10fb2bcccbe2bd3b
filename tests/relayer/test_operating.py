# SPDX-License-Identifier: Apache-2.0
"""What operators do and see: stop, rules, invitations, webhooks, streams, metrics, the doctor."""

from __future__ import annotations

import hashlib
import hmac
import re
import threading
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from click.testing import CliRunner

from ipto.accounts import LocalSigner
from relayer.__main__ import main
from relayer.schema import connect
from relayer.webhooks import signature
from tests.relayer.world import RelayerProcess, World

Start = Callable[..., RelayerProcess]
KEY = "k" * 40


@pytest.fixture
def admin_key(world: World) -> Path:
    path = world.folder / "admin.key"
    path.write_text(KEY)
    return path


class Operator:
    """Whoever has the admin key."""

    def __init__(self, relayer: RelayerProcess, key: str = KEY) -> None:
        self.relayer, self._headers = relayer, {"authorization": f"Bearer {key}"}

    def __call__(self, method: str, path: str, body: Any = None) -> httpx.Response:
        url = f"{self.relayer.url}/admin{path}"
        return self.relayer.http.request(method, url, json=body, headers=self._headers)


@pytest.fixture
def relayer(start: Start, admin_key: Path) -> RelayerProcess:
    return start(admin_key_file=admin_key, free_actions=1, signer_pending=10)


def test_nobody_without_the_key(relayer: RelayerProcess) -> None:
    for key in ("-", "wrong", KEY + "k"):
        answer = Operator(relayer, key)("POST", "/stop", {"stopped": True})
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    assert relayer.http.get(relayer.url + "/ready").status_code == 200


def test_a_key_that_could_be_guessed_is_refused(world: World, start: Start) -> None:
    (world.folder / "short").write_text("secret")
    with pytest.raises(AssertionError, match="shorter than 32"):
        start(admin_key_file=world.folder / "short")


def test_stop_and_start_are_for_all_relayers_of_the_queue(world: World, relayer: RelayerProcess) -> None:
    operator = Operator(relayer)
    operator("POST", "/stop", {"stopped": True})
    body = world.signed_onboarding()
    answer = relayer.post(body)
    assert (answer.status_code, answer.json()["code"]) == (503, "stopped")
    operator("POST", "/stop", {"stopped": False})
    relayer.wait_for(relayer.submit(body), "final")
    events = [row["event"] for row in operator("GET", "/audit?limit=1000").json() if row["chain"] == "admin"]
    assert events == ["stopped", "started"]
    assert operator("GET", "/audit/verify").json() == {"wrong": []}


def test_newcomers_prove_themselves_after_their_free_actions(world: World, relayer: RelayerProcess) -> None:
    operator = Operator(relayer)
    code = operator("POST", "/invitations", {"uses": 1, "note": "for the choir"}).json()["code"]
    creators = [LocalSigner.random() for _ in range(2)]
    for creator in creators:
        relayer.submit(world.signed_onboarding(creator))
        answer = relayer.post(world.signed_onboarding(creator))
        assert (answer.status_code, answer.json()["code"]) == (403, "proof-needed")

    def prove(creator: LocalSigner, value: str, kind: str = "invitation") -> httpx.Response:
        proof = {"signer": creator.address, "kind": kind, "value": value}
        return relayer.http.post(relayer.url + "/v1/proofs", json=proof)

    assert prove(creators[0], "guessed").status_code == 403
    assert prove(creators[0], code).status_code == 204
    assert prove(creators[0], code).status_code == 204, "again is no second use"
    assert prove(creators[1], code).status_code == 403, "used up"
    assert prove(creators[1], "token", "captcha").status_code == 422, "no captcha is set up"
    assert prove(creators[1], "0x" + "00" * 32, "attestation").status_code == 422
    relayer.submit(world.signed_onboarding(creators[0]))
    assert relayer.post(world.signed_onboarding(creators[1])).json()["code"] == "proof-needed"
    operator("PUT", f"/rules/{creators[1].address}", {"rule": "allow", "note": "we know them"})
    relayer.submit(world.signed_onboarding(creators[1]))
    operator("PUT", f"/rules/{creators[1].address}", {"rule": "deny"})
    assert relayer.post(world.signed_onboarding(creators[1])).json()["code"] == "denied"


def test_one_network_cannot_use_up_everybody_s_money(world: World, start: Start) -> None:
    relayer = start(network_day_wei=10**15)
    answer = relayer.post(world.signed_onboarding())
    assert (answer.status_code, answer.json()["code"]) == (503, "network-budget")


class Listener:
    """A service that is told by webhook; it fails as often as it is asked to."""

    def __init__(self, failures: int) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                nonlocal failures
                body = self.rfile.read(int(self.headers["content-length"]))
                failed = failures > 0
                failures -= failed
                if not failed:
                    listener.got.append(({k.lower(): v for k, v in self.headers.items()}, body))
                self.send_response(500 if failed else 204)
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def states(self, name: str) -> list[str]:
        events = [orjson.loads(body)["data"] for _, body in self.got]
        return [event["state"] for event in events if event["id"] == name]


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener(failures=1)
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_webhooks_are_signed_retried_and_survive_a_crash(
    world: World, start: Start, admin_key: Path, listener: Listener
) -> None:
    relayer = start(admin_key_file=admin_key)
    hook = Operator(relayer)("POST", "/hooks", {"url": listener.url}).json()
    name = relayer.submit(world.signed_onboarding())
    relayer.wait_for(name, "final")
    relayer.kill()  # whatever was not told yet is told by the next one
    relayer.start()
    end = time.monotonic() + 90
    # Each chain of the log is told in its order; the lane's may come after the queue's.
    while len(set(listener.states(name))) < 4 and time.monotonic() < end:
        time.sleep(0.05)
    assert set(listener.states(name)) == {"queued", "sent", "mined", "final"}
    for headers, body in listener.got:
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        expected = hmac.new(b64decode(hook["secret"][6:]), signed, hashlib.sha256).digest()
        assert b64decode(headers["webhook-signature"].removeprefix("v1,")) == expected
    listed = Operator(relayer)("GET", "/hooks").json()
    assert "secret" not in listed[0]
    assert Operator(relayer)("DELETE", f"/hooks/{hook['id']}").status_code == 204


def test_the_signature_is_the_one_of_the_specification() -> None:
    """The example of the Standard Webhooks specification."""
    secret, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}'
    made = signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_hooks_go_to_https_only(relayer: RelayerProcess) -> None:
    for url in ("http://example.org/x", "ftp://example.org", "file:///etc/passwd", "https://"):
        assert Operator(relayer)("POST", "/hooks", {"url": url}).status_code == 422, url


def test_a_stream_tells_each_state_and_ends_with_the_action(world: World, relayer: RelayerProcess) -> None:
    name = relayer.submit(world.signed_onboarding())
    states: list[str] = []
    with relayer.http.stream("GET", f"{relayer.url}/v1/actions/{name}/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        for line in answer.iter_lines():
            if line.startswith("data: "):
                action = orjson.loads(line[6:])
                states.append(action["state"])
                assert action["words"]
            world.chain.mine()
    assert states[-1] == "final"
    assert states == sorted(states, key=["queued", "sent", "mined", "final"].index)
    assert relayer.http.get(f"{relayer.url}/v1/actions/{'0' * 32}/events").status_code == 404


def test_metrics_tell_lanes_money_and_age(world: World, relayer: RelayerProcess) -> None:
    relayer.wait_for(relayer.submit(world.signed_onboarding()), "final")
    answer = relayer.http.get(relayer.url + "/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = answer.text.splitlines()
    assert 'ipto_relayer_actions{state="final"} 1' in lines
    assert f'ipto_relayer_lane_is_ours{{lane="{world.lane.address}"}} 1' in lines
    assert any(line.startswith("ipto_relayer_lane_balance_wei{") for line in lines)
    assert "ipto_relayer_oldest_open_seconds 0" in lines
    alerts = (Path(__file__).parents[2] / "docs" / "relayer-alerts.yml").read_text()
    asked = set(re.findall(r"(ipto_relayer_[a-z_]+)", alerts))
    assert len(asked) >= 6
    assert asked <= {line.partition("{")[0].partition(" ")[0] for line in lines}, "alerts name what is not told"


def test_the_doctor_finds_what_is_wrong(world: World, start: Start) -> None:
    relayer = start()
    relayer.wait_for(relayer.submit(world.signed_onboarding()), "final")
    relayer.kill()

    def examine(**changes: str) -> tuple[int, str]:
        names = {f"IPTO_RELAYER_{name.upper()}": value for name, value in changes.items()}
        done = CliRunner().invoke(main, ["doctor"], env={**relayer.environment, **names})
        return done.exit_code, done.output

    code, said = examine()
    assert code == 1
    assert "error   the keys: " in said, "none was given"
    for words in ("the node is on chain 31337", "has eth_simulateV1", "contracts are the ones", "audit log is whole"):
        assert f"ok      {'the ' if words.startswith(('contracts', 'audit')) else ''}" in said
        assert words in said
    database = connect(world.folder / "relayer.sqlite")
    with database.transaction() as change:
        change.change("UPDATE budgets SET reserved = '5' WHERE scope = 'everybody'")
    database.close()
    assert "error   set aside are 5 wei, open actions may cost 0" in examine()[1]
    assert "error   the node does not answer" in examine(rpc_url="http://127.0.0.1:1")[1]
    assert "error   the node is on chain 31337, the settings say 5" in examine(chain_id="5")[1]

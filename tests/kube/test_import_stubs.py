"""What a start puts off is there, and real, for whoever needs it after all."""

import base64
import json
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from urllib.parse import parse_qs

import pytest
import yaml

from tests.fixtures.http_answers import answering
from tests.fixtures.scripts import in_a_fresh_process

HEAVY = ("pydantic", "requests", "websocket", "requests_oauthlib", "kubernetes.dynamic")


def printed(code, *arguments, **environ):
    """The JSON that `code` prints where nothing has been imported yet."""
    return json.loads(in_a_fresh_process(code, *arguments, **environ))


def test_the_client_is_there_without_what_it_does_not_use():
    code = (
        "import json, sys, kube.cluster\n"
        "print(json.dumps([each for each in sys.argv[1:] if each in sys.modules]))"
    )
    assert printed(code, *HEAVY) == []


def test_scripts_that_are_only_asked_for_help_import_no_client():
    code = (
        "import json, sys\n"
        "import cpu_monitor_and_offload, gpu_affinity_watcher, patch_scaledjob, stop\n"
        "print(json.dumps([each for each in sys.argv[1:] if each in sys.modules]))"
    )
    heavy = (*HEAVY, "kubernetes", "urllib3", "grpc", "psutil", "prometheus_client")
    assert printed(code, *heavy) == []


def test_whoever_imports_it_later_gets_the_real_thing():
    code = (
        "import json, kube.client, kubernetes\n"
        "from kubernetes import dynamic\n"
        "import kubernetes.watch\n"
        "import oauthlib.oauth2, requests_oauthlib, pydantic, dateutil.parser\n"
        "print(json.dumps([dynamic.DynamicClient.__module__,"
        " kubernetes.watch.Watch.__module__,"
        " kubernetes.informer.SharedInformer.__module__,"
        " requests_oauthlib.OAuth2Session.__module__,"
        " str(dateutil.parser.parse('2026-01-02').date())]))"
    )
    assert printed(code) == [
        "kubernetes.dynamic.client",
        "kubernetes.watch.watch",
        "kubernetes.informer.informer",
        "requests_oauthlib.oauth2_session",
        "2026-01-02",
    ]


def test_the_packages_own_models_work():
    code = (
        "import json, sys, kube.client\n"
        "from kubernetes.client import ApiClient, Configuration, CoreV1Api\n"
        "api = ApiClient(Configuration(host=sys.argv[1]))\n"
        "map = CoreV1Api(api).read_namespaced_config_map('a', 'b')\n"
        "from pydantic import SecretStr\n"
        "print(json.dumps([str(map.metadata.creation_timestamp), map.data,"
        " api.sanitize_for_serialization(SecretStr('hidden'))]))"
    )
    found = {
        "metadata": {"creationTimestamp": "2026-01-02T03:04:05Z"},
        "data": {"k": "v"},
    }
    with answering() as server:
        json_head = "Content-Type: application/json"
        server.say("200 OK", json.dumps(found).encode(), head=json_head)
        said = printed(code, f"http://127.0.0.1:{server.port}")
    assert said == ["2026-01-02 03:04:05+00:00", {"k": "v"}, "hidden"]


def jwt(**claims):
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{body}.e30"


@contextmanager
def issuer(code, said):
    """An OpenID provider; gives its address and the forms that it is sent."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.answer(200, {"token_endpoint": f"{address}/token"})

        def do_POST(self):
            form = self.rfile.read(int(self.headers["Content-Length"])).decode()
            asked.append(parse_qs(form))
            self.answer(code, {"token_type": "Bearer", **said})

        def answer(self, status, found):
            body = json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        address = f"http://127.0.0.1:{server.server_port}"
        Thread(target=server.serve_forever).start()
        try:
            yield address, asked
        finally:
            server.shutdown()


OLD, NEW = jwt(exp=1), jwt(exp=9_999_999_999)


@pytest.mark.parametrize(
    ("code", "said", "token"),
    [
        (
            200,
            {"id_token": NEW, "access_token": "x", "refresh_token": "next"},
            NEW,
        ),
        (400, {"error": "invalid_request"}, OLD),
    ],
)
def test_an_openid_token_that_has_run_out_is_renewed(tmp_path, code, said, token):
    script = (
        "import json, sys\n"
        "from kube.kubeconfig import load\n"
        "from kube.settings import ClusterSettings\n"
        "from tests.fixtures.settings import read_settings\n"
        "found, _ = load(read_settings(ClusterSettings, kubeconfig=sys.argv[1]))\n"
        "print(json.dumps(found.api_key))"
    )
    path = tmp_path / "config"
    with issuer(code, said) as (address, asked):
        provider = {
            "client-id": "us",
            "client-secret": "secret",
            "id-token": OLD,
            "idp-issuer-url": address,
            "refresh-token": "first",
        }
        user = {"auth-provider": {"name": "oidc", "config": provider}}
        path.write_text(yaml.safe_dump(kubeconfig_of(user)))
        found = printed(script, str(path), OAUTHLIB_INSECURE_TRANSPORT="1")
    assert [each["refresh_token"] for each in asked] == [["first"]]
    assert found == {"BearerToken": f"Bearer {token}"}
    kept = yaml.safe_load(path.read_text())["users"][0]["user"]["auth-provider"]
    assert kept["config"]["id-token"] == token


def kubeconfig_of(user):
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }

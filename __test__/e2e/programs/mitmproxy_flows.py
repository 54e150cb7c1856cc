# Flow files by mitmproxy's own classes. `write FILE`: flows of every type. `old FILE`: the same in the versions 18, 19 and 20.
# `edit FILE`: flows that were changed, with their backups. `revert A B`: the flows of A as mitmproxy brings them back.
# `read FILE`: the flows that mitmproxy reads, as JSON. `compare A B`: in what the flows of two files differ, as JSON.
import base64
import json
import sys

from mitmproxy import certs, http, io, websocket
from mitmproxy.io import tnetstring
from mitmproxy.proxy.mode_specs import ProxyMode
from mitmproxy.test import tflow, tutils
from wsproto.frame_protocol import Opcode


def flows():
    yield from tflow.tflows()
    odd = tflow.tflow(
        req=tutils.treq(
            method=b"POST",
            scheme=b"https",
            authority=b"example.org",
            path="/gr\u00fc\u00dfe?a=b&a=c".encode(),
            http_version=b"HTTP/2.0",
            headers=http.Headers([(b"X-Latin", b"\xff\xfe"), (b"x-latin", b"two"), (b"", b"")]),
            content=bytes(range(256)) * 10,
            trailers=http.Headers([(b"checksum", b"1")]),
            timestamp_start=1700000000.1234567,
            timestamp_end=None,
        ),
        resp=tutils.tresp(content=None, reason=b"\xe9", trailers=http.Headers([(b"t", b"u")])),
    )
    odd.marked = ":star:"
    odd.comment = "h\u00fcbsch"
    odd.is_replay = "response"
    odd.metadata = {"text": "\u00fc", "number": 7, "float": 0.5, "list": [None, True, {"bytes": b"\x00\xff"}]}
    odd.client_conn.proxy_mode = ProxyMode.parse("wireguard@51820")
    odd.client_conn.peername = ("2001:db8::1", 4242)
    odd.client_conn.tls = True
    odd.client_conn.alpn_offers = [b"h2", b"http/1.1"]
    odd.client_conn.cipher_list = ["A", "B"]
    odd.client_conn.timestamp_start = 1700000000.7654321
    odd.server_conn.tls = True
    odd.server_conn.certificate_list = [certs.Cert.from_pem(PEM)]
    odd.server_conn.via = ("https", ("proxy.example", 3128))
    odd.server_conn.error = "odd"
    yield odd
    yield tflow.tflow(req=tutils.treq(method=b"CONNECT", scheme=b"", authority=b"example.org:443", path=b""), err=True)
    yield tflow.tflow(req=tutils.treq(scheme=b"http", authority=b"example.org:8000"))
    unserved = tflow.tflow(resp=True)
    unserved.server_conn = type(unserved.server_conn)(address=None)
    yield unserved
    socket = tflow.tflow(ws=True, resp=True)
    socket.websocket.messages.append(websocket.WebSocketMessage(Opcode.BINARY, False, b"\x00", 1700000001.25, True, True))
    socket.websocket.closed_by_client = None
    socket.websocket.close_code = None
    socket.websocket.close_reason = None
    socket.websocket.timestamp_end = None
    yield socket


def edited():
    for flow in flows():
        flow.backup()
        flow.comment = "changed"
        if flow.type == "http":
            flow.request.path = "/changed"
            flow.request.content = b"changed"
        yield flow


def revert(path, to):
    with open(path, "rb") as source, open(to, "wb") as file:
        writer = io.FlowWriter(file)
        for flow in io.FlowReader(source).stream():
            flow.revert()
            writer.add(flow)


def old(state, version):
    """The state in an older version: what mitmproxy's converters undo."""
    state["version"] = version
    client, server = state["client_conn"], state["server_conn"]
    client["tls_version"] = "QUIC"
    if version == 20:
        return state
    client["state"] = server["state"] = 0
    if version == 19:
        return state
    client["address"] = client.pop("peername")
    client["tls_extensions"] = []
    server["ip_address"] = server.pop("peername")
    server["source_address"] = server.pop("sockname")
    server["via2"] = server.pop("via")
    server["sni"] = bool(server["address"]) or None
    for conn in (client, server):
        conn["tls_established"] = True
        conn["cipher_name"] = conn.pop("cipher")
    return state


def read(path):
    with open(path, "rb") as file:
        return [flow.get_state() for flow in io.FlowReader(file).stream()]


def plain(value):
    if isinstance(value, bytes):
        return {"bytes": base64.b64encode(value).decode()}
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    return value


def differences(one, other, place=""):
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(set(one) | set(other)):
            yield from differences(one.get(key, "nothing"), other.get(key, "nothing"), f"{place}.{key}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, pair in enumerate(zip(one, other)):
            yield from differences(*pair, f"{place}[{index}]")
    elif one != other:
        yield f"{place}: {one!r} {other!r}"


PEM = b"""-----BEGIN CERTIFICATE-----
MIIBgjCCASegAwIBAgIUfu1WlXe+qIEX67wkp7XVDMx5AsQwCgYIKoZIzj0EAwIw
FjEUMBIGA1UEAwwLZXhhbXBsZS5vcmcwHhcNMjYxMjAyMDQyODQyWhcNMzYxMTI5
MDQyODQyWjAWMRQwEgYDVQQDDAtleGFtcGxlLm9yZzBZMBMGByqGSM49AgEGCCqG
SM49AwEHA0IABI3ybpSpawi3IUsHmjCzy9x7Ne6wIeMgVRH28mpPZ5ju8A83qoR6
CEfmUmJBXmtvhos7yOb1HxOl2rb3RAkNZoqjUzBRMB0GA1UdDgQWBBTxcQ0Kcd2L
1rA+kkUHroLaNdQL7DAfBgNVHSMEGDAWgBTxcQ0Kcd2L1rA+kkUHroLaNdQL7DAP
BgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0kAMEYCIQDFfMVgJbX8j1wPNrRl
DXBNrXqMD39ptwHLhpya4KsDDAIhAMisoLPYHPnofgPI83Lpgjq6et/5Omh31OjW
6QzjhW/5
-----END CERTIFICATE-----
"""

match sys.argv[1:]:
    case ["write", path]:
        with open(path, "wb") as file:
            writer = io.FlowWriter(file)
            for flow in flows():
                writer.add(flow)
    case ["edit", path]:
        with open(path, "wb") as file:
            writer = io.FlowWriter(file)
            for flow in edited():
                writer.add(flow)
    case ["revert", path, to]:
        revert(path, to)
    case ["old", path]:
        with open(path, "wb") as file:
            for version in (18, 19, 20):
                for flow in flows():
                    tnetstring.dump(old(flow.get_state(), version), file)
    case ["read", path]:
        print(json.dumps(plain(read(path))))
    case ["compare", one, other]:
        print(json.dumps(list(differences(plain(read(one)), plain(read(other))))))

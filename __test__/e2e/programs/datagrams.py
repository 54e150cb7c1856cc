# PySocks as a SOCKS5 client that sends datagrams: `datagrams.py PROXY-PORT HOST PORT LENGTH...` sends one of each length by one association, and
# prints for each whether it came back, and from where. A name is left to the proxy.
import json
import socket
import sys

import socks

proxy_port, host, port, *lengths = sys.argv[1:]
client = socks.socksocket(socket.AF_INET, socket.SOCK_DGRAM)
client.set_proxy(socks.SOCKS5, '127.0.0.1', int(proxy_port))
client.settimeout(10)
answers = []
for length in lengths:
    data = bytes(index % 251 for index in range(int(length)))
    client.sendto(data, (host, int(port)))
    answer, source = client.recvfrom(70_000)
    # PySocks leaves a name as bytes.
    host_text = source[0].decode() if isinstance(source[0], bytes) else source[0]
    answers.append({'same': answer == data, 'host': host_text, 'port': source[1]})
print(json.dumps(answers))

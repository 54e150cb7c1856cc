# What no ordinary socket sends, and Node has no sockets for. Standard input: packets, each behind two bytes of its length.
#   raw.py device NAME   whole IP packets, put into a device without a link layer (a TUN) as if the kernel had routed them there
#   raw.py ip            whole IPv4 packets with any source, routed by the kernel
import socket
import struct
import sys

ETH_P = {4: 0x0800, 6: 0x86DD}


def packets():
    data = sys.stdin.buffer.read()
    at = 0
    while at < len(data):
        (length,) = struct.unpack_from(">H", data, at)
        yield data[at + 2 : at + 2 + length]
        at += 2 + length


def into_device(name):
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM)
    return lambda packet: raw.sendto(packet, (name, ETH_P[packet[0] >> 4], 0, 0, b""))


def by_route():
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    return lambda packet: raw.sendto(packet, (socket.inet_ntoa(packet[16:20]), 0))


send = into_device(sys.argv[2]) if sys.argv[1] == "device" else by_route()
sent = 0
for packet in packets():
    while True:
        try:
            send(packet)
            sent += 1
            break
        except BlockingIOError:
            continue
        except OSError as error:
            # The device's queue is full: it is being emptied.
            if error.errno != 105:
                raise
print(sent)

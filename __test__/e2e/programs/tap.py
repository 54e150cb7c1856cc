# Both directions of a TUN device, past the kernel's TCP: packets behind two bytes of their length, those on standard input are
# put in as if the kernel had routed them there, and those that come out of the device are written to standard output.
import os
import socket
import struct
import sys
import threading
import traceback

ETH_P_ALL = 3
ETH_P = {4: 0x0800, 6: 0x86DD}

name = sys.argv[1]
tap = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
# SO_RCVBUFFORCE: a test looks at every packet, so none may be lost here.
tap.setsockopt(socket.SOL_SOCKET, 33, 1 << 25)
tap.bind((name, ETH_P_ALL))


def put_all():
    while head := sys.stdin.buffer.read(2):
        (length,) = struct.unpack(">H", head)
        packet = sys.stdin.buffer.read(length)
        tap.sendto(packet, (name, ETH_P[packet[0] >> 4], 0, 0, b""))


def put():
    try:
        put_all()
        os._exit(0)
    except OSError:
        # Without its half the program is of no use.
        traceback.print_exc()
        os._exit(1)


threading.Thread(target=put, daemon=True).start()
# The test waits for this: nothing that is sent from now on is missed.
sys.stdout.buffer.write(b"\0\0")
sys.stdout.buffer.flush()
while True:
    packet, (_, _, kind, _, _) = tap.recvfrom(65_535)
    if kind == socket.PACKET_OUTGOING:
        continue
    sys.stdout.buffer.write(struct.pack(">H", len(packet)) + packet)
    sys.stdout.buffer.flush()

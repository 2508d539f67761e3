"""small_device.py HOST PORT ID TOPIC VALUE FILTER - MQTT as microcontrollers speak it.

3.1.1, a clean session, keep alive 15, QoS 0 and 1, one packet buffer of 128 bytes, the smallest
receive buffer that the system gives, a few bytes a read; a packet that does not fit is read over.
It publishes, subscribes, says "ready", then prints what it gets until that is "stop"."""

import socket
import sys

BUFFER = 128
host, port, name, topic, value, wanted = sys.argv[1:]


class Device:
    def __init__(self):
        self.skipped = 0
        self.s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        self.s.settimeout(60)
        self.s.connect((host, int(port)))

    def read(self, n, keep=True):
        got = bytearray()
        while n:
            piece = self.s.recv(min(n, 5))
            if not piece:
                sys.exit("the connection ended")
            n -= len(piece)
            if keep:
                got += piece
        return bytes(got)

    def packet(self):
        while True:
            first, length, shift = self.read(1)[0], 0, 0
            while True:
                byte = self.read(1)[0]
                length |= (byte & 0x7F) << shift
                shift += 7
                if not byte & 0x80:
                    break
            if length <= BUFFER:
                return first, self.read(length)
            self.read(length, keep=False)
            self.skipped += 1

    def send(self, first, body):
        assert len(body) < 128
        self.s.sendall(bytes([first, len(body)]) + body)

    def expect(self, first, body):
        got = self.packet()
        if got != (first, body):
            sys.exit(f"{got}, not {(first, body)}")


def text(t):
    return len(t).to_bytes(2, "big") + t.encode()


d = Device()
d.send(0x10, text("MQTT") + bytes([4, 2, 0, 15]) + text(name))
d.expect(0x20, b"\0\0")
d.send(0x30, text(topic) + b"0")
d.send(0x32, text(topic) + b"\0\1" + value.encode())
d.expect(0x40, b"\0\1")
d.send(0x82, b"\0\2" + text(wanted) + b"\1")
d.expect(0x90, b"\0\2\1")
print("ready", flush=True)
payload = b""
while payload != b"stop":
    first, body = d.packet()
    n = int.from_bytes(body[:2], "big")
    qos, rest = first >> 1 & 3, body[2 + n:]
    if qos:
        d.send(0x40, rest[:2])
        rest = rest[2:]
    payload = rest
    print(f"{first:02x} {payload.decode()}", flush=True)
d.send(0xC0, b"")
d.expect(0xD0, b"")
print(f"skipped {d.skipped}")
d.send(0xE0, b"")

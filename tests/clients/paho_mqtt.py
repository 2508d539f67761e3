"""paho_mqtt.py HOST PORT VERSION TRANSPORT [CAFILE] - a client of the field against the server.

Subscribes, publishes at each QoS, is told of a refusal, keeps a session and finds what waited in
it.  Says each step; the first thing that is not as it should be ends it with status 1."""

import ssl
import sys
import threading
import time

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

host, port, version, transport = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
cafile = sys.argv[5] if len(sys.argv) > 5 else None
v5 = version == 5


class Client:
    def __init__(self, name, keep=False, will=None):
        options = {} if v5 else {"clean_session": not keep}
        self.keep, self.inbox, self.present = keep, [], None
        self.told = threading.Condition()
        self.acks = {}
        self.c = mqtt.Client(name, protocol=mqtt.MQTTv5 if v5 else mqtt.MQTTv311,
                             transport=transport, **options)
        self.c.on_connect = self.on_connect
        self.c.on_message = self.on_message
        self.c.on_subscribe = lambda c, u, mid, codes, p=None: self.note(mid, codes)
        self.c.on_publish = lambda c, u, mid: self.note(mid, True)
        if transport == "websockets":
            self.c.ws_set_options(path="/mqtt")
        if cafile:
            self.c.tls_set(cafile, cert_reqs=ssl.CERT_REQUIRED)
        if will:
            self.c.will_set(*will)

    def note(self, mid, what):
        with self.told:
            self.acks[mid] = what
            self.told.notify_all()

    def on_connect(self, client, userdata, flags, reason, properties=None):
        with self.told:
            self.present = flags["session present"]
            self.reason = reason
            self.told.notify_all()

    def on_message(self, client, userdata, message):
        with self.told:
            self.inbox.append(message)
            self.told.notify_all()

    def until(self, what, check):
        with self.told:
            if not self.told.wait_for(check, timeout=60):
                sys.exit(f"not within a minute: {what}")
        print("ok", what, flush=True)

    def open(self):
        options = {}
        if v5:
            properties = Properties(PacketTypes.CONNECT)
            properties.SessionExpiryInterval = 300 if self.keep else 0
            options = {"clean_start": not self.keep, "properties": properties}
        self.present = None
        self.c.connect(host, port, keepalive=15, **options)
        self.c.loop_start()
        self.until("CONNACK", lambda: self.present is not None)
        return self

    def close(self):
        self.c.disconnect()
        self.c.loop_stop()

    def subscribe(self, topic, qos):
        _, mid = self.c.subscribe(topic, options=mqtt.SubscribeOptions(qos=qos)) if v5 else \
            self.c.subscribe(topic, qos)
        self.until(f"SUBACK of {topic}", lambda: mid in self.acks)

    def publish(self, topic, payload, qos, **more):
        info = self.c.publish(topic, payload, qos, **more)
        self.until(f"PUBLISH at QoS {qos}", lambda: info.mid in self.acks or qos == 0)


base = f"paho/{version}/{transport}/{'tls' if cafile else 'plain'}"
one, two = Client(f"{base}/one").open(), Client(f"{base}/two", keep=True).open()
two.subscribe(f"{base}/#", 2)
for qos in range(3):
    one.publish(f"{base}/q{qos}", f"at {qos}", qos)
two.until("all three", lambda: len(two.inbox) == 3)
assert [(m.topic[-1], m.payload, m.qos) for m in two.inbox] == [
    (str(q), f"at {q}".encode(), q) for q in range(3)], two.inbox

large = bytes(range(256)) * 4096
one.publish(f"{base}/large", large, 1)
two.until("a megabyte", lambda: len(two.inbox) == 4)
assert two.inbox[3].payload == large

if v5:
    properties = Properties(PacketTypes.PUBLISH)
    properties.ResponseTopic = f"{base}/answer"
    properties.CorrelationData = b"7"
    properties.UserProperty = [("a", "1"), ("a", "2")]
    one.subscribe(f"{base}/answer", 1)
    one.publish(f"{base}/question", "what?", 1, properties=properties)
    two.until("the question", lambda: len(two.inbox) == 5)
    asked = two.inbox[4].properties
    assert asked.UserProperty == [("a", "1"), ("a", "2")], asked
    back = Properties(PacketTypes.PUBLISH)
    back.CorrelationData = asked.CorrelationData
    two.publish(asked.ResponseTopic, "that", 1, properties=back)
    one.until("the answer", lambda: len(one.inbox) == 1)
    assert one.inbox[0].properties.CorrelationData == b"7"

two.close()
before = len(two.inbox)
one.publish(f"{base}/waits", "for you", 1)
again = Client(f"{base}/two", keep=True).open()
assert again.present, "the session is not there"
again.until("what waited", lambda: any(m.payload == b"for you" for m in again.inbox))

watched = Client(f"{base}/mortal", will=(f"{base}/will", "gone", 1)).open()
watched.c._sock_close()
again.until("the will", lambda: any(m.payload == b"gone" for m in again.inbox))
watched.c.loop_stop()
one.close()
again.close()
print("done")

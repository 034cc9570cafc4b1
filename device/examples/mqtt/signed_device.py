"""A thermometer that signs what it says: frames of Bifrost over MQTT, with paho-mqtt and Python's own HMAC.

    python3 signed_device.py --credentials meter.json --host 127.0.0.1 --port 1883

Nobody can say anything in its name, not even the server. The layout of a frame is in proto/yggdrasil/v1/bifrost.proto; the few fields that this
device needs are written by hand here, so that it needs no protobuf library. It measures every second, verifies the frames that it gets, and
says which type each has.
"""
import argparse
import base64
import hashlib
import hmac
import json
import random
import struct
import threading
import time
import uuid

import paho.mqtt.client as mqtt

VERSION, EVENT, STORED = 1, 10, 1
HEADER, PAYLOAD, STREAM_OFFSET, SIGNATURE = 0x0A, 0x12, 0x18, 0x22
SIGNATURE_BYTES = 32


def varint(number):
    """A protobuf varint: seven bits a byte, the lowest first."""
    out = bytearray()
    while number >= 128:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def number_field(field, number):
    """A field that is a number; 0 is left out."""
    return b"" if number == 0 else varint(field << 3) + varint(number)


def bytes_field(field, content):
    """A field that is bytes, a text or a message; nothing is left out."""
    return b"" if content == b"" else varint(field << 3 | 2) + varint(len(content)) + content


def event(name, value, unit, measured_at_ms):
    """An Event with a Value that is a double (its field 3)."""
    double = varint(3 << 3 | 1) + struct.pack("<d", value)
    return bytes_field(1, name.encode()) + bytes_field(2, double) + bytes_field(3, unit.encode()) + number_field(4, measured_at_ms)


class Signer:
    """Makes frames of one device, each under the next nonce: the clock in microseconds when it started, then one more each time."""

    def __init__(self, credentials):
        padded = credentials["signingKey"] + "=" * (-len(credentials["signingKey"]) % 4)
        self.key = base64.urlsafe_b64decode(padded)
        self.network = uuid.UUID(credentials["networkId"]).bytes
        self.source = uuid.UUID(credentials["deviceId"]).bytes
        self.nonce = time.time_ns() // 1_000

    def frame(self, kind, payload):
        self.nonce += 1
        header = (
            number_field(1, VERSION)
            + number_field(2, kind)
            + number_field(3, STORED)
            + bytes_field(4, uuid.uuid4().bytes)
            + bytes_field(5, self.network)
            + bytes_field(6, self.source)
            + number_field(8, self.nonce)
        )
        signed = bytes([HEADER]) + varint(len(header)) + header + bytes([PAYLOAD]) + varint(len(payload)) + payload
        tag = hmac.new(self.key, signed, hashlib.sha256).digest()
        return signed + bytes([SIGNATURE, SIGNATURE_BYTES]) + tag

    def type_of(self, frame):
        """The type of a frame that the server signed for this device; None where the signature is wrong."""
        signed, tag = frame[: -SIGNATURE_BYTES - 2], frame[-SIGNATURE_BYTES:]
        if not hmac.compare_digest(hmac.new(self.key, signed, hashlib.sha256).digest(), tag):
            return None
        # Behind the length of the header, which is below 128, come the version and the type.
        fields = frame[2 : 2 + frame[1]]
        return fields[3] if fields[:1] == b"\x08" and fields[2:3] == b"\x10" else None


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--credentials", required=True)
    options.add_argument("--host", default="127.0.0.1")
    options.add_argument("--port", type=int, default=1883)
    options.add_argument("--tls", action="store_true")
    options.add_argument("--interval", type=float, default=1.0, help="seconds between two readings")
    options.add_argument("--count", type=int, default=0, help="readings, then it ends; 0: for ever")
    given = options.parse_args()

    with open(given.credentials, encoding="utf-8") as file:
        credentials = json.load(file)
    signer, own, subscribed = Signer(credentials), f"bifrost/v1/{credentials['deviceId']}", threading.Event()
    refused = []

    def on_connect(client, _userdata, _flags, code):
        if code != 0:
            refused.append(mqtt.connack_string(code))
            subscribed.set()
            return
        client.subscribe(f"{own}/down", qos=1)

    versions = getattr(mqtt, "CallbackAPIVersion", None)
    client = mqtt.Client(*(() if versions is None else (versions.VERSION1,)), client_id=credentials["deviceId"])
    client.username_pw_set(credentials["deviceId"], credentials["token"])
    if given.tls:
        client.tls_set()
    client.on_connect = on_connect
    client.on_subscribe = lambda *_: subscribed.set()
    client.on_message = lambda _client, _userdata, message: print("frame of type", signer.type_of(message.payload), flush=True)
    client.connect(given.host, given.port, keepalive=30)
    client.loop_start()
    subscribed.wait()
    if refused:
        raise SystemExit(f"the server refuses the connection: {refused[0]}")
    measured, pause = 0, threading.Event()
    while given.count == 0 or measured < given.count:
        value = round(random.gauss(21, 0.5), 2)
        said = event("sensor.temperature", value, "celsius", time.time_ns() // 1_000_000)
        client.publish(f"{own}/up", signer.frame(EVENT, said), qos=1).wait_for_publish()
        print("temperature", value, flush=True)
        measured += 1
        pause.wait(given.interval)
    client.disconnect()
    client.loop_stop()


if __name__ == "__main__":
    main()

"""A lamp with a thermometer that speaks plain MQTT: JSON on the topics of docs/plain-mqtt.md, nothing to sign.

    python3 plain_device.py --credentials lamp.json --host 127.0.0.1 --port 1883

It needs paho-mqtt (Debian: python3-paho-mqtt; PyPI: paho-mqtt, 1.6 or 2). The credentials are the JSON that the server gave out when the
device was registered. It says what it can do, measures every second, and switches its LED at the command led.set.
"""
import argparse
import json
import random
import threading

import paho.mqtt.client as mqtt


def new_client(client_id):
    """paho-mqtt 2 wants to know which form of callbacks is meant; 1.6 has only that one."""
    versions = getattr(mqtt, "CallbackAPIVersion", None)
    first = () if versions is None else (versions.VERSION1,)
    return mqtt.Client(*first, client_id=client_id, clean_session=False)


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
    own = f"devices/{credentials['deviceId']}"
    subscribed, refused = threading.Event(), []

    def on_connect(client, _userdata, _flags, code):
        if code != 0:
            refused.append(mqtt.connack_string(code))
            subscribed.set()
            return
        # Again after each connection: the server may have forgotten a session that was away for long.
        client.subscribe([(f"{own}/commands/led.set", 1), (f"{own}/refused", 1)])

    def on_subscribe(client, _userdata, _id, _granted):
        client.publish(
            f"{own}/capabilities",
            json.dumps({"platform": "python", "sensors": ["temperature"], "actuators": ["led"], "commands": ["led.set"]}),
            qos=1,
        )
        subscribed.set()

    def on_message(client, _userdata, message):
        said = json.loads(message.payload)
        if message.topic == f"{own}/refused":
            print("refused:", said["topic"], said["code"], flush=True)
            return
        is_on = said["arguments"].get("on")
        if not isinstance(is_on, bool):
            answer = {"id": said["id"], "error": {"code": "command_argument_wrong", "message": "on: true or false"}}
        else:
            client.publish(f"{own}/state/led", json.dumps(is_on), qos=1)
            answer = {"id": said["id"], "values": {"on": is_on}}
        client.publish(f"{own}/results", json.dumps(answer), qos=1)
        print("led.set", json.dumps(answer), flush=True)

    client = new_client(credentials["deviceId"])
    client.username_pw_set(credentials["deviceId"], credentials["token"])
    # What the server says for it when it vanishes.
    client.will_set(f"{own}/state/online", "false", qos=1)
    if given.tls:
        client.tls_set()
    client.on_connect, client.on_subscribe, client.on_message = on_connect, on_subscribe, on_message
    client.connect(given.host, given.port, keepalive=30)
    client.loop_start()
    subscribed.wait()
    if refused:
        raise SystemExit(f"the server refuses the connection: {refused[0]}")
    client.publish(f"{own}/state/online", "true", qos=1)
    measured, pause = 0, threading.Event()
    while given.count == 0 or measured < given.count:
        reading = {"value": round(random.gauss(21, 0.5), 2), "unit": "celsius"}
        client.publish(f"{own}/readings/temperature", json.dumps(reading), qos=1).wait_for_publish()
        print("temperature", reading["value"], flush=True)
        measured += 1
        pause.wait(given.interval)
    client.disconnect()
    client.loop_stop()


if __name__ == "__main__":
    main()

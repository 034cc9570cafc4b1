"""A client of Ratatoskr as docs/ratatoskr.md describes it, on libraries of others.

Reads a line of JSON for each request from standard input, {"operation": ..., "input": {...}}, and writes one for each
answer. {"misbehave": "replay" | "gap" | "flip" | "large" | "wait"} sends something that does not belong there, and shows how the server
closes the connection; "large" sends more than its type may have, "wait" nothing at all. {"cancel": ...} asks for that operation and takes
back the request when its answer has begun. {"resume": true} ends the session and goes on in another, by its ticket. {"provide": "model"}
offers a model, as a device, and answers one request for it.
"""
import argparse
import asyncio
import base64
import hashlib
import hmac
import json
import struct
import sys
import time

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from noise.connection import Keypair, NoiseConnection
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from yggdrasil.v1 import compute_pb2, error_pb2, ratatoskr_pb2 as pb

PIECE_BYTES_MAX = 49_152
# It wants to resume its sessions, asks by type, says when, signs what moves money where it is a device, and solves puzzles.
FEATURES = 1 | 2 | 4 | 16 | 32
SIGNS = 16
SIGNED = {pb.PROVIDER_REGISTRATION, pb.COMPUTE_RESULT}
# Payloads are signed but not encrypted once the session is open, where the server declines it, too.
CLEAR = 8
TYPES = {
    **dict.fromkeys(["marketplace", "openai", "anthropic"], pb.MARKETPLACE_REQUEST),
    **dict.fromkeys(["ledger", "payments", "spending"], pb.PAYMENT_REQUEST),
}


def solve(puzzle, bits):
    """What SHA-256 begins with so many bits that are 0 for, behind the puzzle."""
    assert len(puzzle) == 16 and bits <= 18, "no puzzle"
    number = 0
    while int.from_bytes(hashlib.sha256(puzzle + struct.pack(">Q", number)).digest(), "big") >> (256 - bits):
        number += 1
    return struct.pack(">Q", number)


class Session:
    """The handshake, and the messages after it."""

    def __init__(self, socket, server_key, private, signature_key, features):
        self.socket = socket
        self.signature_key = signature_key
        self.wanted = features
        # Those in use.
        self.features = 0
        self.is_clear = False
        self.sent = 0
        self.received = 0
        pattern = pb.IK if server_key else pb.XX
        name = f"Noise_{pb.RatatoskrPattern.Name(pattern)}_25519_ChaChaPoly_SHA256"
        self.noise = NoiseConnection.from_name(name.encode())
        self.noise.set_as_initiator()
        self.noise.set_prologue(b"yggdrasil ratatoskr" + struct.pack(">BBI", 1, pattern, features))
        self.noise.set_keypair_from_private_bytes(Keypair.STATIC, private)
        if server_key:
            self.noise.set_keypair_from_public_bytes(Keypair.REMOTE_STATIC, server_key)
        self.pattern = pattern

    async def agree(self):
        self.noise.start_handshake()
        first = pb.RatatoskrHandshake(
            version=1, pattern=self.pattern, features=self.wanted, noise=bytes(self.noise.write_message())
        )
        await self.socket.send(first.SerializeToString())
        answer = pb.RatatoskrHandshake.FromString(await self.socket.recv())
        if answer.puzzle:
            first.solution = solve(answer.puzzle, answer.puzzle_bits)
            await self.socket.send(first.SerializeToString())
            answer = pb.RatatoskrHandshake.FromString(await self.socket.recv())
        self.noise.read_message(answer.noise)
        if not self.noise.handshake_finished:
            third = pb.RatatoskrHandshake(noise=bytes(self.noise.write_message()))
            await self.socket.send(third.SerializeToString())
        protocol = self.noise.noise_protocol
        self.handshake_hash = self.noise.get_handshake_hash()
        label = b"yggdrasil ratatoskr 1 signature" + self.handshake_hash
        self.outgoing, self.incoming = protocol.cipher_state_encrypt, protocol.cipher_state_decrypt
        self.outgoing_key = hmac.digest(bytes(self.outgoing.k), label, hashlib.sha256)
        self.incoming_key = hmac.digest(bytes(self.incoming.k), label, hashlib.sha256)

    def seal(self, kind, message=None):
        self.sent += 1
        plaintext = message.SerializeToString() if message is not None else b""
        if self.features & SIGNS and kind in SIGNED:
            plaintext = self.sign(kind, plaintext)
        place = struct.pack(">BQ", kind, self.sent)
        payload = plaintext if self.is_clear else self.outgoing.encrypt_with_ad(place, plaintext)
        content = pb.RatatoskrRequest(type=kind, sequence=self.sent, payload=bytes(payload)).SerializeToString()
        return content + b"\x22\x20" + hmac.digest(self.outgoing_key, content, hashlib.sha256)

    def sign(self, kind, message):
        label = b"yggdrasil ratatoskr 1 device signature"
        place = struct.pack(">BBQ", 1, kind, self.sent)
        signature = self.signature_key.sign(label + self.handshake_hash + place + message)
        return pb.DeviceSigned(message=message, signature=signature).SerializeToString()

    async def send(self, kind, message=None):
        await self.socket.send(self.seal(kind, message))
        return self.sent

    async def receive(self):
        wire = await self.socket.recv()
        content, field, signature = wire[:-34], wire[-34:-32], wire[-32:]
        assert field == b"\x22\x20", "no signature"
        assert hmac.compare_digest(signature, hmac.digest(self.incoming_key, content, hashlib.sha256))
        message = pb.RatatoskrResponse.FromString(content)
        self.received += 1
        assert message.sequence == self.received, "a message is missing"
        if self.is_clear:
            return message.type, message.payload
        place = struct.pack(">BQ", message.type, message.sequence)
        return message.type, bytes(self.incoming.decrypt_with_ad(place, message.payload))

    async def open(self, **shown):
        key = self.signature_key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        await self.send(pb.CONNECTION_REQUEST, pb.ConnectionRequest(signature_key=key, **shown))
        kind, payload = await self.receive()
        if kind == pb.DISCONNECT:
            code = pb.Disconnect.FromString(payload).code
            raise SystemExit(error_pb2.ErrorCode.Name(code).lower())
        assert kind == pb.CONNECTION_RESPONSE
        opened = pb.ConnectionResponse.FromString(payload)
        assert not opened.features & ~self.wanted, "the server uses what was not asked for"
        self.features = opened.features
        self.is_clear = bool(opened.features & CLEAR)
        self.ahead_ms = opened.server_time_ms - time.time() * 1000
        return opened

    async def ask(self, operation, value, late_ms=0):
        text = json.dumps(value).encode()
        pieces = [text[at : at + PIECE_BYTES_MAX] for at in range(0, len(text), PIECE_BYTES_MAX)]
        request = await self.send(
            TYPES.get(operation.split(".")[0], pb.BUSINESS_REQUEST),
            pb.BusinessRequest(
                operation=operation,
                input=pieces[0],
                more=len(pieces) > 1,
                sent_at_ms=int(time.time() * 1000 + self.ahead_ms + late_ms),
            ),
        )
        for number, piece in enumerate(pieces[1:], 2):
            data = pb.StreamData(request=request, data=piece, last=number == len(pieces))
            await self.send(pb.STREAM_DATA, data)
        kind, payload = await self.receive()
        assert kind == pb.BUSINESS_RESPONSE
        answer = pb.BusinessResponse.FromString(payload)
        assert answer.request == request
        body, more = answer.body, answer.more
        while more:
            kind, payload = await self.receive()
            assert kind == pb.STREAM_DATA
            part = pb.StreamData.FromString(payload)
            assert part.request == request and not part.broken
            body += part.data
            more = not part.last
            if more:
                await self.send(pb.STREAM_CREDIT, pb.StreamCredit(request=request, bytes=len(part.data)))
        return answer.status, answer.content_type, body.decode()

    async def cancel(self, operation):
        """Takes back a request whose answer has begun; True: the server has broken it off."""
        now = int(time.time() * 1000 + self.ahead_ms)
        request = await self.send(
            pb.BUSINESS_REQUEST, pb.BusinessRequest(operation=operation, input=b"{}", sent_at_ms=now)
        )
        kind, payload = await self.receive()
        answer = pb.BusinessResponse.FromString(payload)
        assert kind == pb.BUSINESS_RESPONSE and answer.request == request and answer.more
        await self.send(pb.STREAM_CREDIT, pb.StreamCredit(request=request, cancel=True))
        part = pb.StreamData()
        while not part.last:
            kind, payload = await self.receive()
            part = pb.StreamData.FromString(payload)
            assert kind == pb.STREAM_DATA and part.request == request
        return part.broken

    async def provide(self, model):
        """Offers a model and answers one request for it with what was asked; gives what the server said of the offer."""
        offer = compute_pb2.ProviderOffer(
            slots=1, models=[compute_pb2.OfferedModel(name=model, context_tokens=4096, price_cents="0")]
        )
        registration = await self.send(
            pb.PROVIDER_REGISTRATION, compute_pb2.ProviderRegistration(offer=offer)
        )
        kind, payload = await self.receive()
        answer = pb.BusinessResponse.FromString(payload)
        assert kind == pb.BUSINESS_RESPONSE and answer.request == registration
        if answer.status != 204:
            return answer.status
        print(json.dumps({"offered": model}), flush=True)
        kind, payload = await self.receive()
        assert kind == pb.COMPUTE_REQUEST
        request = compute_pb2.ComputeRequest.FromString(payload)
        name, body = request.request_id, request.body
        while len(body) < request.body_bytes:
            kind, payload = await self.receive()
            assert kind == pb.COMPUTE_BODY
            piece = compute_pb2.ComputeBody.FromString(payload)
            body += piece.data
            await self.send(
                pb.COMPUTE_CREDIT, compute_pb2.ComputeCredit(request_id=name, bytes=len(piece.data))
            )
        await self.send(pb.COMPUTE_ALIVE, compute_pb2.ComputeAlive(request_id=name))
        asked = json.loads(body)["messages"][-1]["content"]
        for index, text in enumerate(["You asked: ", asked[:40]]):
            fields = json.dumps({"content": text}).encode()
            assert len(fields) + 128 <= request.credit_bytes
            await self.send(
                pb.COMPUTE_DELTA, compute_pb2.ComputeDelta(request_id=name, index=index, fields=fields)
            )
        await self.send(
            pb.COMPUTE_RESULT, compute_pb2.ComputeResult(request_id=name, finish_reason="stop")
        )
        await self.send(
            pb.PROVIDER_REGISTRATION,
            compute_pb2.ProviderRegistration(withdraw=compute_pb2.ProviderWithdraw()),
        )
        while kind != pb.BUSINESS_RESPONSE:
            kind, payload = await self.receive()
        return pb.BusinessResponse.FromString(payload).status

    async def misbehave(self, how):
        message = b"" if how in ("wait", "large") else self.seal(pb.HEARTBEAT)
        if how == "replay":
            await self.socket.send(message)
        if how == "gap":
            message = self.seal(pb.HEARTBEAT)
        if how == "flip":
            message = message[:-1] + bytes([message[-1] ^ 1])
        if how == "wait":
            print(json.dumps({"waits": True}), flush=True)
        elif how == "large":
            await self.send(pb.HEARTBEAT, pb.Disconnect(message="x" * 100))
        else:
            await self.socket.send(message)
        try:
            while True:
                await self.receive()
        except ConnectionClosed as closed:
            return f"{closed.rcvd.code} {closed.rcvd.reason}"


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--token", required=True)
    parser.add_argument("--server-key", default="")
    parser.add_argument("--clear", action="store_true")
    options = parser.parse_args()
    text = options.server_key
    server_key = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)) if text else None
    # One for all sessions: a device's is bound to its token, a ticket to the key of its session.
    signature_key = Ed25519PrivateKey.generate()
    private = X25519PrivateKey.generate().private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    shown = {"token": options.token}
    while shown is not None:
        async with connect(options.url, subprotocols=["ratatoskr.v1"], compression=None) as socket:
            session = Session(
                socket, server_key, private, signature_key, FEATURES | (CLEAR if options.clear else 0)
            )
            await session.agree()
            shown = await converse(session, await session.open(**shown))


async def converse(session, opened):
    """Does what the lines say; gives what the next session is opened with, or None at the end."""
    for line in sys.stdin:
        asked = json.loads(line)
        if "misbehave" in asked:
            print(json.dumps({"closed": await session.misbehave(asked["misbehave"])}), flush=True)
            return None
        if "cancel" in asked:
            print(json.dumps({"broken": await session.cancel(asked["cancel"])}), flush=True)
            continue
        if "resume" in asked:
            await session.send(pb.DISCONNECT, pb.Disconnect())
            return {"ticket": opened.ticket}
        if "provide" in asked:
            status = await session.provide(asked["provide"])
            print(json.dumps({"status": status, "signs": bool(session.features & SIGNS)}), flush=True)
            continue
        await session.send(pb.HEARTBEAT)
        assert (await session.receive())[0] == pb.HEARTBEAT
        status, content_type, body = await session.ask(
            asked["operation"], asked.get("input", {}), asked.get("lateMs", 0)
        )
        answer = {"status": status, "contentType": content_type, "body": body, "clear": session.is_clear}
        print(json.dumps(answer), flush=True)
    await session.send(pb.DISCONNECT, pb.Disconnect())
    return None


asyncio.run(main())

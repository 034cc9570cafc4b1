"""A client of Ratatoskr as docs/ratatoskr.md describes it, on libraries of others.

Reads a line of JSON for each request from standard input, {"operation": ..., "input": {...}}, and writes one for each
answer. {"misbehave": "replay" | "gap" | "flip"} sends something that does not belong there, and shows how the server
closes the connection.
"""
import argparse
import asyncio
import base64
import hashlib
import hmac
import json
import struct
import sys

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from noise.connection import Keypair, NoiseConnection
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from yggdrasil.v1 import error_pb2, ratatoskr_pb2 as pb

PIECE_BYTES_MAX = 49_152


class Session:
    """The handshake, and the messages after it."""

    def __init__(self, socket, server_key):
        self.socket = socket
        self.sent = 0
        self.received = 0
        pattern = pb.IK if server_key else pb.XX
        name = f"Noise_{pb.RatatoskrPattern.Name(pattern)}_25519_ChaChaPoly_SHA256"
        self.noise = NoiseConnection.from_name(name.encode())
        self.noise.set_as_initiator()
        self.noise.set_prologue(b"yggdrasil ratatoskr" + struct.pack(">BBI", 1, pattern, 0))
        private = X25519PrivateKey.generate().private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        self.noise.set_keypair_from_private_bytes(Keypair.STATIC, private)
        if server_key:
            self.noise.set_keypair_from_public_bytes(Keypair.REMOTE_STATIC, server_key)
        self.pattern = pattern

    async def agree(self):
        self.noise.start_handshake()
        first = pb.RatatoskrHandshake(
            version=1, pattern=self.pattern, noise=bytes(self.noise.write_message())
        )
        await self.socket.send(first.SerializeToString())
        answer = pb.RatatoskrHandshake.FromString(await self.socket.recv())
        self.noise.read_message(answer.noise)
        if not self.noise.handshake_finished:
            third = pb.RatatoskrHandshake(noise=bytes(self.noise.write_message()))
            await self.socket.send(third.SerializeToString())
        protocol = self.noise.noise_protocol
        label = b"yggdrasil ratatoskr 1 signature" + self.noise.get_handshake_hash()
        self.outgoing, self.incoming = protocol.cipher_state_encrypt, protocol.cipher_state_decrypt
        self.outgoing_key = hmac.digest(bytes(self.outgoing.k), label, hashlib.sha256)
        self.incoming_key = hmac.digest(bytes(self.incoming.k), label, hashlib.sha256)

    def seal(self, kind, message=None):
        self.sent += 1
        plaintext = message.SerializeToString() if message is not None else b""
        payload = self.outgoing.encrypt_with_ad(struct.pack(">BQ", kind, self.sent), plaintext)
        content = pb.RatatoskrRequest(type=kind, sequence=self.sent, payload=bytes(payload)).SerializeToString()
        return content + b"\x22\x20" + hmac.digest(self.outgoing_key, content, hashlib.sha256)

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
        place = struct.pack(">BQ", message.type, message.sequence)
        return message.type, bytes(self.incoming.decrypt_with_ad(place, message.payload))

    async def open(self, token):
        await self.send(pb.CONNECTION_REQUEST, pb.ConnectionRequest(token=token))
        kind, payload = await self.receive()
        if kind == pb.DISCONNECT:
            code = pb.Disconnect.FromString(payload).code
            raise SystemExit(error_pb2.ErrorCode.Name(code).lower())
        assert kind == pb.CONNECTION_RESPONSE
        return pb.ConnectionResponse.FromString(payload)

    async def ask(self, operation, value):
        text = json.dumps(value).encode()
        pieces = [text[at : at + PIECE_BYTES_MAX] for at in range(0, len(text), PIECE_BYTES_MAX)]
        request = await self.send(
            pb.BUSINESS_REQUEST,
            pb.BusinessRequest(operation=operation, input=pieces[0], more=len(pieces) > 1),
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

    async def misbehave(self, how):
        message = self.seal(pb.HEARTBEAT)
        if how == "replay":
            await self.socket.send(message)
        if how == "gap":
            message = self.seal(pb.HEARTBEAT)
        if how == "flip":
            message = message[:-1] + bytes([message[-1] ^ 1])
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
    options = parser.parse_args()
    text = options.server_key
    server_key = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)) if text else None
    async with connect(options.url, subprotocols=["ratatoskr.v1"], compression=None) as socket:
        session = Session(socket, server_key)
        await session.agree()
        await session.open(options.token)
        for line in sys.stdin:
            asked = json.loads(line)
            if "misbehave" in asked:
                print(json.dumps({"closed": await session.misbehave(asked["misbehave"])}), flush=True)
                return
            await session.send(pb.HEARTBEAT)
            assert (await session.receive())[0] == pb.HEARTBEAT
            status, content_type, body = await session.ask(asked["operation"], asked.get("input", {}))
            print(json.dumps({"status": status, "contentType": content_type, "body": body}), flush=True)
        await session.send(pb.DISCONNECT, pb.Disconnect())


asyncio.run(main())

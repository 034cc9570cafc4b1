"""A server of Ratatoskr, as small as one can be, as docs/ratatoskr.md describes it, on libraries of others.

Lets in whoever shows --token, and serves two operations: "time.get" answers at once, "numbers.count" streams as many
numbers as its query says, as the client gives credit. Prints its port and its public key, as a line of JSON.

What a server for strangers needs beside it is not here: limits on sessions that are being opened, on requests and on
input, more than one request at a time, input in several messages, resuming, and providers.
"""
import argparse
import asyncio
import base64
import hashlib
import hmac
import json
import struct
import time
import uuid

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from noise.connection import Keypair, NoiseConnection
from websockets.asyncio.server import serve

from yggdrasil.v1 import error_pb2, ratatoskr_pb2 as pb

REQUEST_TYPES = (pb.BUSINESS_REQUEST, pb.MARKETPLACE_REQUEST, pb.PAYMENT_REQUEST)
PIECE_BYTES = 49_152
WINDOW_BYTES = 262_144


class Refused(Exception):
    """Ends the session, with the close code and the name of an error of the document's table."""

    def __init__(self, close_code, name):
        super().__init__(name)
        self.close_code, self.name = close_code, name


class Session:
    def __init__(self, socket, private, token):
        self.socket, self.private, self.token = socket, private, token
        self.sent = self.received = 0
        self.has_keys = False

    async def agree(self):
        """The handshake: keys for both directions, and for both signatures."""
        first = pb.RatatoskrHandshake.FromString(await self.socket.recv(decode=False))
        if first.version != 1:
            raise Refused(4400, "ratatoskr_version_unsupported")
        if first.pattern not in (pb.IK, pb.XX):
            raise Refused(4400, "ratatoskr_message_malformed")
        name = f"Noise_{pb.RatatoskrPattern.Name(first.pattern)}_25519_ChaChaPoly_SHA256"
        noise = NoiseConnection.from_name(name.encode())
        noise.set_as_responder()
        noise.set_prologue(b"yggdrasil ratatoskr" + struct.pack(">BBI", 1, first.pattern, first.features))
        noise.set_keypair_from_private_bytes(Keypair.STATIC, self.private)
        noise.start_handshake()
        try:
            noise.read_message(first.noise)
            reply = pb.RatatoskrHandshake(noise=bytes(noise.write_message()))
            await self.socket.send(reply.SerializeToString())
            if not noise.handshake_finished:
                third = pb.RatatoskrHandshake.FromString(await self.socket.recv(decode=False))
                noise.read_message(third.noise)
        except Exception as failure:
            raise Refused(4401, "ratatoskr_handshake_failed") from failure
        label = b"yggdrasil ratatoskr 1 signature" + noise.get_handshake_hash()
        self.outgoing = noise.noise_protocol.cipher_state_encrypt
        self.incoming = noise.noise_protocol.cipher_state_decrypt
        self.outgoing_key = hmac.digest(bytes(self.outgoing.k), label, hashlib.sha256)
        self.incoming_key = hmac.digest(bytes(self.incoming.k), label, hashlib.sha256)
        self.has_keys = True

    async def send(self, kind, message):
        self.sent += 1
        place = struct.pack(">BQ", kind, self.sent)
        payload = bytes(self.outgoing.encrypt_with_ad(place, message.SerializeToString()))
        content = pb.RatatoskrResponse(type=kind, sequence=self.sent, payload=payload).SerializeToString()
        await self.socket.send(content + b"\x22\x20" + hmac.digest(self.outgoing_key, content, hashlib.sha256))

    async def receive(self):
        """The next message's type, number and payload: signature, number and ciphertext are right."""
        wire = await self.socket.recv(decode=False)
        content, field, signature = wire[:-34], wire[-34:-32], wire[-32:]
        if field != b"\x22\x20":
            raise Refused(4400, "ratatoskr_message_malformed")
        if not hmac.compare_digest(signature, hmac.digest(self.incoming_key, content, hashlib.sha256)):
            raise Refused(4400, "ratatoskr_signature_wrong")
        message = pb.RatatoskrRequest.FromString(content)
        self.received += 1
        if message.sequence != self.received:
            raise Refused(4400, "ratatoskr_sequence_wrong")
        place = struct.pack(">BQ", message.type, message.sequence)
        return message.type, message.sequence, bytes(self.incoming.decrypt_with_ad(place, message.payload))

    async def open(self):
        kind, _, payload = await self.receive()
        if kind != pb.CONNECTION_REQUEST:
            raise Refused(4400, "ratatoskr_type_unexpected")
        if not hmac.compare_digest(pb.ConnectionRequest.FromString(payload).token, self.token):
            raise Refused(4401, "unauthenticated")
        # Of the client's features none is in use: the session is encrypted, and is not resumed.
        answer = pb.ConnectionResponse(
            session_id=str(uuid.uuid4()),
            heartbeat_interval_ms=30_000,
            requests_max=1,
            input_bytes_max=PIECE_BYTES,
            stream_window_bytes=WINDOW_BYTES,
        )
        await self.send(pb.CONNECTION_RESPONSE, answer)

    async def serve(self):
        while True:
            kind, number, payload = await self.receive()
            if kind == pb.DISCONNECT:
                return
            if kind == pb.HEARTBEAT:
                await self.send(pb.HEARTBEAT, pb.Heartbeat())
            elif kind in REQUEST_TYPES:
                await self.answer(number, pb.BusinessRequest.FromString(payload))
            # Credit for an answer that has ended means nothing any more.
            elif kind != pb.STREAM_CREDIT:
                raise Refused(4400, "ratatoskr_type_unexpected")

    async def answer(self, number, asked):
        text = json.loads(asked.input or b"{}")
        if asked.operation == "time.get":
            await self.respond(number, 200, {"unixSeconds": int(time.time())})
        elif asked.operation == "numbers.count":
            await self.stream(number, int(text.get("query", {}).get("count", 10)))
        else:
            error = {"code": "operation_not_found", "message": "There is no operation of this name.", "requestId": ""}
            await self.respond(number, 404, {"error": error})

    async def respond(self, number, status, value):
        body = json.dumps(value).encode()
        answer = pb.BusinessResponse(request=number, status=status, content_type="application/json", body=body)
        await self.send(pb.BUSINESS_RESPONSE, answer)

    async def stream(self, number, count):
        begin = pb.BusinessResponse(request=number, status=200, content_type="text/plain", more=True)
        await self.send(pb.BUSINESS_RESPONSE, begin)
        body = "".join(f"{index}\n" for index in range(count)).encode()
        credit = WINDOW_BYTES
        for at in range(0, len(body), PIECE_BYTES):
            piece = body[at : at + PIECE_BYTES]
            while credit < len(piece):
                kind, _, payload = await self.receive()
                given = pb.StreamCredit.FromString(payload)
                if kind != pb.STREAM_CREDIT or given.request != number:
                    raise Refused(4400, "ratatoskr_type_unexpected")
                if given.cancel:
                    await self.send(pb.STREAM_DATA, pb.StreamData(request=number, last=True, broken=True))
                    return
                credit += given.bytes
            credit -= len(piece)
            await self.send(pb.STREAM_DATA, pb.StreamData(request=number, data=piece))
        await self.send(pb.STREAM_DATA, pb.StreamData(request=number, last=True))


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--token", required=True)
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    key = X25519PrivateKey.generate()
    private = key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    async def connected(socket):
        session = Session(socket, private, options.token)
        try:
            await session.agree()
            await session.open()
            await session.serve()
        except Refused as refusal:
            if session.has_keys:
                code = error_pb2.ErrorCode.Value(refusal.name.upper())
                await session.send(pb.DISCONNECT, pb.Disconnect(code=code, message=refusal.name))
            await socket.close(refusal.close_code, refusal.name)

    async with serve(connected, "127.0.0.1", options.port, subprotocols=["ratatoskr.v1"], compression=None) as server:
        port = server.sockets[0].getsockname()[1]
        text = base64.urlsafe_b64encode(public).decode().rstrip("=")
        print(json.dumps({"port": port, "publicKey": text}), flush=True)
        await server.serve_forever()


asyncio.run(main())

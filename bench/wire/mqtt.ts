import { connect as connectTcp, type Socket } from 'node:net';

/** Types of MQTT 3.1.1, in the upper half of a packet's first byte. */
const CONNACK = 2;
const PUBLISH = 3;
const PUBACK = 4;
const SUBACK = 9;

/** Who connects. */
export interface MqttTarget {
  readonly port: number;
  readonly clientId: string;
  readonly username?: string;
  readonly password?: string;
  /** False: the broker keeps the session. */
  readonly clean: boolean;
}

/** An MQTT 3.1.1 client that costs next to nothing: packets are encoded before, and only counted when they come. */
export class MqttWire {
  readonly #socket: Socket;
  #rest: Buffer = Buffer.alloc(0);
  #greeted: (type: number, code: number) => void = () => {};
  onAcknowledged: (count: number) => void = () => {};
  onPublished: (count: number) => void = () => {};
  onClosed: (reason: string) => void = () => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (data) => this.#arrived(data));
  }

  /** Resolves once the broker has let the client in. */
  static async connect(target: MqttTarget): Promise<MqttWire> {
    const socket = connectTcp({ port: target.port, host: '127.0.0.1', noDelay: true });
    const wire = new MqttWire(socket);
    await wire.#expect(CONNACK, encodeConnect(target));
    return wire;
  }

  async subscribe(topic: string, qos: number): Promise<void> {
    const name = text(topic);
    await this.#expect(SUBACK, packet(0x82, Buffer.concat([Buffer.from([0, 1]), name, Buffer.from([qos])])));
  }

  /** Sends packets that were encoded before. */
  send(packets: Uint8Array): void {
    this.#socket.write(packets);
  }

  close(): void {
    this.onClosed = () => {};
    this.#socket.destroy();
  }

  #expect(type: number, bytes: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      const closed = (reason: string) => reject(new Error(`MQTT: ${reason}`));
      this.#socket.once('error', ({ message }) => closed(message));
      this.#socket.once('close', () => {
        closed('the broker closed the connection');
        this.onClosed('the broker closed the connection');
      });
      this.#greeted = (got, code) => {
        if (got !== type) return;
        if (code >= 0x80 || (type === CONNACK && code !== 0)) closed(`refused with ${code}`);
        else resolve();
      };
      this.#socket.write(bytes);
    });
  }

  #arrived(data: Buffer): void {
    const bytes = this.#rest.length === 0 ? data : Buffer.concat([this.#rest, data]);
    const acknowledgements: number[] = [];
    let acknowledged = 0;
    let published = 0;
    let at = 0;
    for (;;) {
      const found = findPacket(bytes, at);
      if (found === null) break;
      const first = bytes[at] as number;
      const type = first >> 4;
      if (type === PUBACK) acknowledged++;
      else if (type === PUBLISH) {
        published++;
        if ((first & 0x06) !== 0) {
          const id = found.start + 2 + bytes.readUInt16BE(found.start);
          acknowledgements.push(0x40, 2, bytes[id] as number, bytes[id + 1] as number);
        }
      } else if (type === CONNACK) this.#greeted(type, bytes[found.start + 1] as number);
      else if (type === SUBACK) this.#greeted(type, bytes[found.start + 2] as number);
      at = found.end;
    }
    this.#rest = bytes.subarray(at);
    if (acknowledgements.length > 0) this.#socket.write(Buffer.from(acknowledgements));
    if (acknowledged > 0) this.onAcknowledged(acknowledged);
    if (published > 0) this.onPublished(published);
  }
}

function findPacket(bytes: Buffer, at: number): { start: number; end: number } | null {
  let length = 0;
  let scale = 1;
  for (let position = at + 1; position < bytes.length; position++) {
    const byte = bytes[position] as number;
    length += (byte & 0x7f) * scale;
    scale *= 128;
    if (byte >= 0x80) continue;
    const start = position + 1;
    return bytes.length - start < length ? null : { start, end: start + length };
  }
  return null;
}

/** A PUBLISH as a template: where its id and its payload stand, to be filled in for each. */
export interface PublishTemplate {
  readonly bytes: Buffer;
  /** 0 for QoS 0, which has no id. */
  readonly idAt: number;
  readonly payloadAt: number;
}

/** The packet for payloads of this length. */
export function publishTemplate(topic: string, qos: 0 | 1, payloadBytes: number): PublishTemplate {
  const name = text(topic);
  const id = Buffer.alloc(qos === 0 ? 0 : 2);
  const bytes = packet(0x30 | (qos << 1), Buffer.concat([name, id, Buffer.alloc(payloadBytes)]));
  const payloadAt = bytes.length - payloadBytes;
  return { bytes, idAt: qos === 0 ? 0 : payloadAt - 2, payloadAt };
}

function encodeConnect({ clientId, username, password, clean }: MqttTarget): Buffer {
  const flags =
    (username === undefined ? 0 : 0x80) | (password === undefined ? 0 : 0x40) | (clean ? 0x02 : 0);
  const given = [clientId, username, password].filter((part) => part !== undefined);
  const head = Buffer.concat([text('MQTT'), Buffer.from([4, flags, 0, 0])]);
  return packet(0x10, Buffer.concat([head, ...given.map(text)]));
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]);
}

function packet(first: number, content: Buffer): Buffer {
  const head = [first];
  for (let rest = content.length; ; rest = rest >> 7) {
    if (rest < 128) {
      head.push(rest);
      break;
    }
    head.push((rest & 0x7f) | 0x80);
  }
  return Buffer.concat([Buffer.from(head), content]);
}

import { encodeMessage, WebSocketWire } from '../wire/websocket.ts';

const OPCODE_TEXT = 0x81;

/** What V8 of another process has in use, asked over its inspector. */
export class ServerMemory {
  readonly #wire: WebSocketWire;
  #answered: (answer: string) => void = () => {};
  #failed: (error: Error) => void = () => {};

  private constructor(wire: WebSocketWire) {
    this.#wire = wire;
    wire.onMessages = (messages) => {
      for (const message of messages) this.#answered(message.toString());
    };
    wire.onClosed = (reason) => this.#failed(new Error(`the inspector: ${reason}`));
  }

  static async attach(url: string): Promise<ServerMemory> {
    const { port, pathname } = new URL(url);
    return new ServerMemory(await WebSocketWire.connect({ port: Number(port), path: pathname }));
  }

  /** Bytes in use after a collection. */
  usedBytes(): Promise<number> {
    const expression = 'gc(), gc(), (({ heapUsed, external }) => heapUsed + external)(process.memoryUsage())';
    const call = { id: 1, method: 'Runtime.evaluate', params: { expression, returnByValue: true } };
    return new Promise((resolve, reject) => {
      this.#failed = reject;
      this.#answered = (text) => {
        const { result } = JSON.parse(text) as { result?: { result?: { value?: number } } };
        const value = result?.result?.value;
        if (value === undefined) reject(new Error(`the inspector: ${text}`));
        else resolve(value);
      };
      const message = encodeMessage(Buffer.from(JSON.stringify(call)));
      // The inspector takes text only.
      message[0] = OPCODE_TEXT;
      this.#wire.send(message);
    });
  }

  detach(): void {
    this.#wire.close();
  }
}

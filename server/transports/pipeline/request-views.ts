import type { HttpRequest, HttpRequestHead, IncomingRequest } from '../../platform/http/types.ts';
import type { Cut } from './cut.ts';

/** A request seen through another one: what it asks of that is asked when it is read. */
class RequestView implements HttpRequestHead {
  protected readonly seen: HttpRequestHead;

  constructor(seen: HttpRequestHead) {
    this.seen = seen;
  }

  get method(): string {
    return this.seen.method;
  }

  get path(): string {
    return this.seen.path;
  }

  get params(): Readonly<Record<string, string>> {
    return this.seen.params;
  }

  get query(): URLSearchParams {
    return this.seen.query;
  }

  get remoteAddress(): string {
    return this.seen.remoteAddress;
  }

  get requestId(): string {
    return this.seen.requestId;
  }

  get signal(): AbortSignal {
    return this.seen.signal;
  }

  get revoked(): AbortSignal | undefined {
    return this.seen.revoked;
  }

  header(name: string): string | undefined {
    return this.seen.header(name);
  }
}

/** A request with its body. */
export class CompleteRequest extends RequestView implements HttpRequest {
  readonly body: Uint8Array;

  constructor(seen: HttpRequestHead, body: Uint8Array) {
    super(seen);
    this.body = body;
  }
}

/** A request with a signal that also tells when it is cut, and one that tells nothing else. Both are made where somebody asks for them. */
export class CuttableRequest extends RequestView implements IncomingRequest {
  readonly #incoming: IncomingRequest;
  readonly #cut: Cut;
  #signal: AbortSignal | null = null;

  constructor(incoming: IncomingRequest, cut: Cut) {
    super(incoming);
    this.#incoming = incoming;
    this.#cut = cut;
  }

  override get revoked(): AbortSignal {
    return this.#cut.signal;
  }

  override get signal(): AbortSignal {
    this.#signal ??= AbortSignal.any([this.#incoming.signal, this.#cut.signal]);
    return this.#signal;
  }

  receiveBody(...owner: Parameters<IncomingRequest['receiveBody']>): Promise<Uint8Array> {
    return this.#incoming.receiveBody(...owner);
  }
}

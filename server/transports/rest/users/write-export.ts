import type { AccountActor } from '../../../kernel/actor.ts';
import type { Clock } from '../../../kernel/clock.ts';
import { AppError, InvariantError } from '../../../kernel/errors.ts';
import { may } from '../../../kernel/permission.ts';
import type { HttpRequest } from '../../../platform/http/types.ts';
import type { HttpOperation } from '../../pipeline/http-operation.ts';
import { toIsoTime } from '../schemas.ts';
import type { ExportSection } from './export-sections.ts';

/** Who exports, and with which operations. */
export interface ExportSource {
  readonly actor: AccountActor;
  readonly request: HttpRequest;
  readonly operations: ReadonlyMap<string, HttpOperation>;
  /** What is in it, in this order. */
  readonly sections: readonly ExportSection[];
  /** After so many characters nothing more is read. */
  readonly charactersMax: number;
}

type Item = Readonly<Record<string, unknown>>;
type Params = Readonly<Record<string, string>>;

/**
 * A JSON object, in pieces: each section as its operation answers this actor, one page at a time in memory. What the actor may not
 * see, or what is gone, is null. Its last field is `isComplete`: false where there was more than fits.
 */
export async function* writeExport(
  source: ExportSource,
  clock: Pick<Clock, 'nowMs'>,
): AsyncGenerator<string> {
  let written = 0;
  const isFull = () => written >= source.charactersMax;
  const counted = (text: string): string => {
    written += text.length;
    return text;
  };
  yield `{"exportedAt":${JSON.stringify(toIsoTime(clock.nowMs()))}`;
  for (const section of source.sections) {
    yield `,\n${JSON.stringify(section.name)}:`;
    let separator = '[\n';
    for await (const found of read(source, section, {})) {
      if (!('items' in found)) {
        yield counted(JSON.stringify(found.only));
        separator = '';
        break;
      }
      for (const item of found.items) {
        if (isFull()) break;
        yield counted(separator + JSON.stringify(await withParts(source, section, item)));
        separator = ',\n';
      }
      if (isFull()) break;
    }
    if (separator === '[\n') yield '[]';
    else if (separator !== '') yield ']';
  }
  yield `,\n"isComplete":${!isFull()}}\n`;
}

/** The pages of a list; or the one answer of what is no list, null where the actor may not have it. */
async function* read(
  source: ExportSource,
  section: ExportSection,
  params: Params,
): AsyncGenerator<{ readonly items: readonly Item[] } | { readonly only: unknown }> {
  const operation = source.operations.get(section.operation);
  if (operation === undefined) throw new InvariantError(`${section.operation} is no operation`);
  if (operation.access === 'public' || !may(source.actor, operation.access)) {
    yield { only: null };
    return;
  }
  for (let after: string | null = null; ; ) {
    const query = new URLSearchParams({ ...section.query, ...(after === null ? {} : { after }) });
    const answer: unknown = await ask(source, operation, params, query);
    if (!isPage(answer)) {
      yield { only: answer };
      return;
    }
    yield { items: answer.items };
    if (typeof answer.next !== 'string') return;
    after = answer.next;
  }
}

async function ask(
  { actor, request }: ExportSource,
  operation: HttpOperation,
  params: Params,
  query: URLSearchParams,
): Promise<unknown> {
  const { remoteAddress, requestId, signal, revoked } = request;
  try {
    const { body } = await operation.answer(actor, {
      method: operation.method,
      path: operation.path,
      params,
      query,
      header: () => undefined,
      remoteAddress,
      requestId,
      signal,
      ...(revoked === undefined ? {} : { revoked }),
      body: new Uint8Array(),
    });
    return typeof body === 'string' ? JSON.parse(body) : null;
  } catch (error) {
    // Removed since its list was read; or for those alone who see the whole tenant.
    if (error instanceof AppError && (error.kind === 'not_found' || error.kind === 'forbidden')) return null;
    throw error;
  }
}

async function withParts(source: ExportSource, { parts }: ExportSection, item: Item): Promise<Item> {
  if (parts === undefined) return item;
  const added: Record<string, unknown> = {};
  for (const section of parts.sections) {
    const all: Item[] = [];
    for await (const found of read(source, section, { [parts.param]: String(item.id) })) {
      if ('items' in found) all.push(...found.items);
      else added[section.name] = found.only;
    }
    if (!(section.name in added)) added[section.name] = all;
  }
  return { ...item, ...added };
}

function isPage(answer: unknown): answer is { items: readonly Item[]; next?: unknown } {
  return typeof answer === 'object' && answer !== null && 'items' in answer && Array.isArray(answer.items);
}

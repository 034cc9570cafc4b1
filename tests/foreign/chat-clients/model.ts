import { type Answering, says } from '../../support/endpoint-stand-in.ts';

interface Asked {
  readonly messages?: readonly { readonly role: string; readonly content?: unknown }[];
  readonly tools?: readonly { readonly function: { readonly name: string; readonly parameters?: Schema } }[];
  readonly tool_choice?: unknown;
  readonly response_format?: { readonly json_schema?: { readonly schema?: Schema } };
}

interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
}

/**
 * A model for clients: calls the first tool that it is given, by its schema, and says something of what the tool gave; gives JSON by a
 * schema; breaks off where it is told to; else greets.
 */
export const speaksToClients: Answering = (response, body) => {
  const { messages = [], tools = [], tool_choice: toolChoice, response_format: format } = body as Asked;
  const last = messages.at(-1);
  const tool = tools[0]?.function;
  if (JSON.stringify(last?.content ?? '').includes('Break off')) {
    const choice = { index: 0, delta: { content: 'Hel' }, finish_reason: null };
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(`data: ${JSON.stringify({ choices: [choice] })}\n\n`, () => response.destroy());
  } else if (last?.role === 'tool') {
    says(response, ['It', ' rains.']);
  } else if (tool !== undefined && toolChoice !== 'none') {
    const call = { index: 0, id: 'call_1', type: 'function' };
    const [begin, end] = halves(JSON.stringify(madeOf(tool.parameters)));
    const named = { ...call, function: { name: tool.name, arguments: begin } };
    says(
      response,
      [{ tool_calls: [named] }, { tool_calls: [{ index: 0, function: { arguments: end } }] }],
      'tool_calls',
    );
  } else if (format?.json_schema !== undefined) {
    says(response, halves(JSON.stringify(madeOf(format.json_schema.schema))));
  } else {
    says(response, ['Hello', ', world', '.']);
  }
};

/** A value of that schema. */
function madeOf({ type, properties = {} }: Schema = {}): unknown {
  if (type === 'integer' || type === 'number') return 36;
  if (type === 'boolean') return true;
  if (type === 'array') return [];
  if (type !== 'object' && Object.keys(properties).length === 0) return 'Ada';
  return Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, madeOf(schema)]));
}

function halves(text: string): [string, string] {
  const middle = Math.floor(text.length / 2);
  return [text.slice(0, middle), text.slice(middle)];
}

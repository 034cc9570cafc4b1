/** A tool that people can begin with. */
export const EXAMPLE_TOOLS = JSON.stringify(
  [
    {
      type: 'function',
      function: {
        name: 'read_temperature',
        description: 'The temperature in a room, in degrees Celsius.',
        parameters: {
          type: 'object',
          properties: { room: { type: 'string' } },
          required: ['room'],
        },
      },
    },
  ],
  null,
  2,
);

/** The tools that were typed; empty where nothing was. Null: it is no JSON list of objects. */
export function readTools(typed: string): readonly object[] | null {
  if (typed.trim() === '') return [];
  try {
    const read: unknown = JSON.parse(typed);
    return Array.isArray(read) && read.every((one) => typeof one === 'object' && one !== null) ? read : null;
  } catch {
    return null;
  }
}

/** Languages that programs are shown in. */
export const CODE_LANGUAGES = { python: 'Python', javascript: 'JavaScript', curl: 'curl' } as const;
export type CodeLanguage = keyof typeof CODE_LANGUAGES;

interface CodeValues {
  /** Of the server: `https://home.example.org`. */
  readonly origin: string;
  /** Null: there is none to show. */
  readonly key: string | null;
  /** Null: nobody offers one. */
  readonly model: string | null;
}

/** A program that asks a model: with `openai`, or without any library. */
export function codeFor(language: CodeLanguage, values: CodeValues): string {
  const base = JSON.stringify(`${values.origin}/v1`);
  const key = JSON.stringify(values.key ?? '<your key>');
  const model = JSON.stringify(values.model ?? '<a model>');
  switch (language) {
    case 'python':
      return `from openai import OpenAI

client = OpenAI(base_url=${base}, api_key=${key})
answer = client.chat.completions.create(
    model=${model},
    messages=[{"role": "user", "content": "Hello!"}],
)
print(answer.choices[0].message.content)`;
    case 'javascript':
      return `import OpenAI from 'openai';

const client = new OpenAI({ baseURL: ${base}, apiKey: ${key} });
const answer = await client.chat.completions.create({
  model: ${model},
  messages: [{ role: 'user', content: 'Hello!' }],
});
console.log(answer.choices[0].message.content);`;
    case 'curl':
      return `curl ${values.origin}/v1/chat/completions \\
  -H 'content-type: application/json' -H 'authorization: Bearer ${values.key ?? '<your key>'}' \\
  -d '{"model": ${model}, "messages": [{"role": "user", "content": "Hello!"}]}'`;
  }
}

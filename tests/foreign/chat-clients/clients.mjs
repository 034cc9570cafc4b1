// As clients.py, for Node: `clients.mjs NAME URL KEY`, beside the packages that it imports.
const [name, url, key] = process.argv.slice(2);
const v1 = `${url}/v1`;
const messages = [{ role: 'user', content: 'Hello?' }];
const parameters = {
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
};

async function ofVercel(model, providerOptions) {
  const { generateObject, generateText, jsonSchema, stepCountIs, streamText, tool } = await import('ai');
  const weather = tool({
    description: 'Tells it.',
    inputSchema: jsonSchema(parameters),
    execute: async () => 'rain',
  });
  const common = { model, ...(providerOptions ? { providerOptions } : {}) };
  const { textStream } = streamText({ ...common, messages });
  let stream = '';
  for await (const piece of textStream) stream += piece;
  let broken = null;
  const breaking = streamText({
    ...common,
    prompt: 'Break off.',
    onError: ({ error }) => {
      broken = String(error?.message ?? error);
    },
  });
  await breaking.consumeStream();
  const agent = await generateText({ ...common, messages, tools: { weather }, stopWhen: stepCountIs(3) });
  const { object } = await generateObject({ ...common, messages, schema: jsonSchema(parameters) });
  return {
    text: (await generateText({ ...common, messages })).text,
    stream,
    broken: broken !== null,
    after: agent.text,
    steps: agent.steps.length,
    parsed: object,
  };
}

const clients = {
  'ai-sdk-openai': async () => {
    const { createOpenAI } = await import('@ai-sdk/openai');
    return ofVercel(createOpenAI({ baseURL: v1, apiKey: key })('m'));
  },
  'ai-sdk-openai-chat': async () => {
    const { createOpenAI } = await import('@ai-sdk/openai');
    return ofVercel(createOpenAI({ baseURL: v1, apiKey: key }).chat('m'));
  },
  'ai-sdk-openai-compatible': async () => {
    const { createOpenAICompatible } = await import('@ai-sdk/openai-compatible');
    return ofVercel(
      createOpenAICompatible({ name: 'ours', baseURL: v1, apiKey: key, supportsStructuredOutputs: true })(
        'm',
      ),
    );
  },
  langchain: async () => {
    const { ChatOpenAI } = await import('@langchain/openai');
    const { ChatAnthropic } = await import('@langchain/anthropic');
    const model = new ChatOpenAI({ model: 'm', apiKey: key, configuration: { baseURL: v1 } });
    const byAnthropic = new ChatAnthropic({ model: 'm', apiKey: key, anthropicApiUrl: url, maxTokens: 100 });
    const tool = { type: 'function', function: { name: 'weather', description: 'Tells it.', parameters } };
    let stream = '';
    for await (const chunk of await model.stream('Hello?')) stream += chunk.content;
    return {
      text: (await model.invoke('Hello?')).content,
      stream,
      called: (await model.bindTools([tool]).invoke('Hello?')).tool_calls.map(({ args }) => args),
      parsed: await model.withStructuredOutput(parameters, { name: 'place' }).invoke('Hello?'),
      anthropic: (await byAnthropic.invoke('Hello?')).content,
    };
  },
};

console.log(JSON.stringify(await clients[name]()));

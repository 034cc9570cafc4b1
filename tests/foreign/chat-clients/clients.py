"""Programs that others wrote, as they are published, but for base URL, key and model. `clients.py NAME URL KEY`: prints what NAME got as JSON."""

import asyncio
import json
import sys

NAME, URL, KEY = sys.argv[1:4]
V1 = f"{URL}/v1"
ASKED = [{"role": "user", "content": "Hello?"}]
PARAMETERS = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
}
TOOL = {"type": "function", "function": {"name": "weather", "description": "Tells it.", "parameters": PARAMETERS}}


def weather(city: str) -> str:
    """Tells the weather.

    Args:
        city: where
    """
    return f"rain in {city}"


def openai():
    from openai import APIError, BadRequestError, OpenAI
    from pydantic import BaseModel

    class Person(BaseModel):
        name: str
        age: int

    client = OpenAI(base_url=V1, api_key=KEY)
    chat = client.chat.completions
    said = chat.create(model="m", messages=ASKED).choices[0].message
    streamed = chat.create(model="m", messages=ASKED, stream=True, stream_options={"include_usage": True})
    pieces = [chunk.choices[0].delta.content or "" for chunk in streamed if chunk.choices]
    called = chat.create(model="m", messages=ASKED, tools=[TOOL]).choices[0].message
    result = {"role": "tool", "tool_call_id": called.tool_calls[0].id, "content": "rain"}
    after = chat.create(model="m", messages=[*ASKED, called, result], tools=[TOOL]).choices[0].message.content
    parsed = chat.parse(model="m", messages=ASKED, response_format=Person).choices[0].message.parsed
    first = client.responses.create(model="m", input="Hello?")
    second = client.responses.create(model="m", input="Again?", previous_response_id=first.id)
    listed = [item.type for item in client.responses.input_items.list(second.id, order="asc")]
    try:
        for chunk in chat.create(model="m", messages=[{"role": "user", "content": "Break off."}], stream=True):
            pass
        broken = None
    except APIError as error:
        broken = error.code
    try:
        client.responses.create(model="m", input="x", previous_response_id="resp_none")
        refused = None
    except BadRequestError as error:
        refused = error.code
    return {
        "text": said.content,
        "stream": "".join(pieces),
        "tool": called.tool_calls[0].function.arguments,
        "after": after,
        "parsed": parsed.model_dump(),
        "response": second.output_text,
        "listed": listed,
        "broken": broken,
        "refused": refused,
    }


def anthropic():
    from anthropic import Anthropic

    client = Anthropic(base_url=URL, api_key=KEY)
    asked = {"model": "m", "max_tokens": 100, "messages": ASKED}
    tools = [{"name": "weather", "input_schema": PARAMETERS}]
    with client.messages.stream(**asked) as stream:
        streamed = stream.get_final_text()
    called = client.messages.create(**asked, tools=tools)
    use = next(block for block in called.content if block.type == "tool_use")
    result = {"type": "tool_result", "tool_use_id": use.id, "content": "rain"}
    history = [*ASKED, {"role": "assistant", "content": called.content}, {"role": "user", "content": [result]}]
    after = client.messages.create(model="m", max_tokens=100, messages=history, tools=tools)
    return {
        "text": client.messages.create(**asked).content[0].text,
        "stream": streamed,
        "tool": use.input,
        "after": after.content[0].text,
        "counted": client.messages.count_tokens(model="m", messages=ASKED).input_tokens > 0,
    }


def litellm():
    from litellm import completion

    common = {"model": "openai/m", "api_base": V1, "api_key": KEY}
    said = completion(messages=ASKED, **common).choices[0].message
    pieces = [chunk.choices[0].delta.content or "" for chunk in completion(messages=ASKED, stream=True, **common)]
    called = completion(messages=ASKED, tools=[TOOL], **common).choices[0].message
    result = {"role": "tool", "tool_call_id": called.tool_calls[0].id, "content": "rain"}
    after = completion(messages=[*ASKED, called.model_dump(), result], tools=[TOOL], **common)
    return {
        "text": said.content,
        "stream": "".join(pieces),
        "tool": called.tool_calls[0].function.arguments,
        "after": after.choices[0].message.content,
    }


def instructor():
    import instructor as library
    from openai import OpenAI
    from pydantic import BaseModel

    class Person(BaseModel):
        name: str
        age: int

    client = library.from_openai(OpenAI(base_url=V1, api_key=KEY))
    return {"parsed": client.chat.completions.create(model="m", messages=ASKED, response_model=Person).model_dump()}


def langchain():
    from langchain.agents import create_agent
    from langchain_anthropic import ChatAnthropic
    from langchain_openai import ChatOpenAI
    from pydantic import BaseModel

    class Person(BaseModel):
        name: str
        age: int

    model = ChatOpenAI(model="m", base_url=V1, api_key=KEY)
    agent = create_agent(model=model, tools=[weather])
    by_responses = ChatOpenAI(model="m", base_url=V1, api_key=KEY, use_responses_api=True)
    by_anthropic = ChatAnthropic(model="m", base_url=URL, api_key=KEY, max_tokens=100)
    return {
        "text": model.invoke("Hello?").content,
        "stream": "".join(chunk.content for chunk in model.stream("Hello?")),
        "parsed": model.with_structured_output(Person).invoke("Hello?").model_dump(),
        "after": agent.invoke({"messages": ASKED})["messages"][-1].content,
        "response": by_responses.invoke("Hello?").text,
        "anthropic": by_anthropic.invoke("Hello?").content,
        "called": [call["args"] for call in by_anthropic.bind_tools([weather]).invoke("Hello?").tool_calls],
    }


def pydantic_ai():
    from pydantic import BaseModel
    from pydantic_ai import Agent
    from pydantic_ai.models.anthropic import AnthropicModel
    from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
    from pydantic_ai.providers.anthropic import AnthropicProvider
    from pydantic_ai.providers.openai import OpenAIProvider

    class Person(BaseModel):
        name: str
        age: int

    provider = OpenAIProvider(base_url=V1, api_key=KEY)
    model = OpenAIChatModel("m", provider=provider)
    by_anthropic = AnthropicModel("m", provider=AnthropicProvider(base_url=URL, api_key=KEY))

    async def streamed():
        async with Agent(model).run_stream("Hello?") as result:
            return await result.get_output()

    return {
        "text": Agent(model).run_sync("Hello?").output,
        "stream": asyncio.run(streamed()),
        "parsed": Agent(model, output_type=Person).run_sync("Hello?").output.model_dump(),
        "after": Agent(model, tools=[weather]).run_sync("Hello?").output,
        "response": Agent(OpenAIResponsesModel("m", provider=provider)).run_sync("Hello?").output,
        "anthropic": Agent(by_anthropic).run_sync("Hello?").output,
    }


def llm():
    import llm as library
    from llm.default_plugins.openai_models import Chat

    model = Chat("m", model_name="m", api_base=V1, supports_tools=True, supports_schema=True)
    model.key = KEY
    chain = model.chain("Hello?", tools=[library.Tool.function(weather)])
    return {
        "text": model.prompt("Hello?", stream=False).text(),
        "stream": "".join(model.prompt("Hello?")),
        "parsed": json.loads(model.prompt("Hello?", schema=PARAMETERS).text()),
        "after": chain.text(),
    }


def aisuite():
    import aisuite as library

    client = library.Client({"openai": {"base_url": V1, "api_key": KEY}})
    return {"text": client.chat.completions.create(model="openai:m", messages=ASKED).choices[0].message.content}


print(json.dumps(globals()[NAME.replace("-", "_")]()))

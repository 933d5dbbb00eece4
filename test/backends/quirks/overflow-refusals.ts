import { events, type Reply, refuses } from './scripted-upstream.ts';

/** How servers say that they are told too much: the bytes, and where they were seen. */
export const OVERFLOWS: [server: string, reply: Reply, source: string][] = [
  [
    'llama.cpp v0.4',
    refuses(
      400,
      '{"error":{"code":400,"message":"request (4564 tokens) exceeds the available context size (4096 tokens), try increasing it","type":"exceed_context_size_error"}}',
    ),
    'issue 10 of this project; ggml-org/llama.cpp#15780',
  ],
  [
    'llama.cpp mid-run',
    refuses(500, '{"error":{"code":500,"message":"Context size has been exceeded.","type":"server_error"}}'),
    'ggml-org/llama.cpp#19774',
  ],
  [
    'Groq',
    refuses(
      413,
      '{"error":{"message":"Request too large for model `llama-3.1-8b-instant` in organization `org_x` service tier `on_demand` on tokens per minute (TPM): Limit 6000, Requested 12000, please reduce your message size and try again.","type":"tokens","code":"rate_limit_exceeded"}}',
    ),
    'continuedev/continue#10218, assafelovic/gpt-researcher#985',
  ],
  [
    'OpenAI by tokens per minute',
    refuses(
      429,
      '{"error":{"message":"Request too large for gpt-4o in organization org-x on tokens per min (TPM): Limit 30000, Requested 41000. The input or output tokens must be reduced in order to run successfully.","type":"tokens","param":null,"code":"rate_limit_exceeded"}}',
    ),
    'vanna-ai/vanna-flask#11',
  ],
  [
    'vLLM',
    refuses(
      400,
      '{"object":"error","message":"The decoder prompt (length 9001) is longer than the maximum model length of 8192. Make sure that `max_model_len` is no smaller than the number of text tokens.","type":"BadRequestError","param":null,"code":400}',
    ),
    'issue 10 of this project',
  ],
  [
    'TGI',
    refuses(
      422,
      '{"error":"Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4097. Given: 4000 `inputs` tokens and 300 `max_new_tokens`","error_type":"validation"}',
    ),
    'issue 10 of this project',
  ],
  [
    "Anthropic's endpoint",
    refuses(
      400,
      '{"error":{"code":"invalid_request_error","message":"prompt is too long: 208310 tokens > 200000 maximum","type":"invalid_request_error","param":null}}',
    ),
    'issue 10 of this project',
  ],
  [
    'Mistral',
    refuses(
      400,
      '{"object":"error","message":"Prompt contains 65673 tokens and 0 draft tokens, too large for model with 32768 maximum context length","type":"invalid_request_prompt","param":null,"code":"3051"}',
    ),
    'public reports',
  ],
  [
    'Gemini',
    refuses(
      400,
      '[{"error":{"code":400,"message":"The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).","status":"INVALID_ARGUMENT"}}]',
    ),
    'public reports',
  ],
  [
    'Cerebras',
    refuses(
      400,
      '{"message":"Please reduce the length of the messages or completion. Current length is 9000 while limit is 8192","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}',
    ),
    'public reports',
  ],
  [
    'LM Studio',
    refuses(
      400,
      '{"error":"Trying to keep the first 5000 tokens when context the overflows. However, the model is loaded with context length of only 4096 tokens, which is not enough."}',
    ),
    'lmstudio-ai/lmstudio-bug-tracker#237, #546',
  ],
  [
    'Qwen at DashScope',
    refuses(
      400,
      '{"error":{"code":"invalid_parameter_error","message":"Range of input length should be [1, 6000]","param":null,"type":"invalid_request_error"}}',
    ),
    'public reports',
  ],
  [
    'SGLang',
    refuses(
      400,
      '{"object":"error","message":"The input (5000 tokens) is longer than the model\'s context length (4096 tokens).","type":"BadRequestError","param":null,"code":400}',
    ),
    'public reports',
  ],
  [
    'a proxy that bounds bodies',
    refuses(413, '<html><head><title>413 Request Entity Too Large</title></head></html>'),
    'nginx',
  ],
  [
    'OpenRouter, what the provider said in its metadata',
    refuses(
      400,
      String.raw`{"error":{"message":"Provider returned error","code":400,"metadata":{"raw":"{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"prompt is too long: 208310 tokens > 200000 maximum\"}}","provider_name":"Anthropic"}}}`,
    ),
    'a sibling: words of a provider within those of a gateway',
  ],
  [
    'xAI',
    refuses(
      400,
      '{"code":"Client specified an invalid argument","error":"This model\'s maximum prompt length is 131072 but the request contains 537812 tokens."}',
    ),
    'a sibling: public reports',
  ],
  [
    'Cloudflare Workers AI',
    refuses(
      400,
      '{"errors":[{"message":"AiError: The estimated number of input and maximum output tokens (5000) exceeded this model context window limit (4096).","code":5021}],"success":false,"result":{},"messages":[]}',
    ),
    'a sibling: public reports',
  ],
  [
    'Cohere',
    refuses(
      400,
      '{"message":"too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 5000. Try using a shorter prompt."}',
    ),
    'a sibling: public reports',
  ],
  [
    'DashScope inside a stream',
    {
      body: 'id:1\nevent:error\n:HTTP_STATUS/400\ndata:{"code":"InvalidParameter","message":"Range of input length should be [1, 6000]","request_id":"x"}\n\n',
    },
    'a sibling: an event that is named an error',
  ],
  [
    'OpenRouter inside a stream',
    {
      body: events({
        error: { code: 400, message: "This endpoint's maximum context length is 8192 tokens." },
        choices: [],
      }),
    },
    'public reports',
  ],
];

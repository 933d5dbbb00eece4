// A function tool of the assistant: the service posts a call here, and tells the model what comes back.
// In assistant.json:
//   { "type": "function",
//     "function": { "name": "order_status", "description": "The state of an order.",
//                   "parameters": { "type": "object", "properties": { "order": { "type": "integer" } } } },
//     "x-webhook": { "url": "https://shop.example.org/hooks/order", "secret_env": "ORDER_HOOK_SECRET" } }
import { createServer } from 'node:http';
import { Webhook } from 'standardwebhooks';

const webhook = new Webhook(process.env.ORDER_HOOK_SECRET);
const ORDERS = new Map([[4711, 'shipped yesterday']]);

const server = createServer(async (request, response) => {
  let body = '';
  for await (const chunk of request.setEncoding('utf8')) body += chunk;
  let call;
  try {
    call = webhook.verify(body, request.headers);
  } catch {
    return response.writeHead(401).end();
  }
  // user_id is null for an anonymous visitor. Unless `verified` is true, anyone can have sent it.
  const { arguments: asked, verified } = call;
  const status = verified ? (ORDERS.get(asked.order) ?? 'unknown') : 'please sign in first';
  response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify({ status }));
});

server.listen(process.env.PORT ?? 3001, '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});

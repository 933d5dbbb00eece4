"""A function tool of the assistant, with nothing but Python: see ../webhook-node/server.js for assistant.json."""

import base64
import hashlib
import hmac
import json
import os
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

SECRET = base64.b64decode(os.environ["ORDER_HOOK_SECRET"].removeprefix("whsec_"))
ORDERS = {4711: "shipped yesterday"}


def is_signed(headers, body: bytes) -> bool:
    """Checks the signature as https://www.standardwebhooks.com says."""
    name, sent_at = headers["webhook-id"], headers["webhook-timestamp"]
    if not name or not sent_at or abs(time.time() - int(sent_at)) > 300:
        return False
    mac = hmac.new(SECRET, f"{name}.{sent_at}.".encode() + body, hashlib.sha256)
    expected = "v1," + base64.b64encode(mac.digest()).decode()
    given = headers.get("webhook-signature", "").split(" ")
    return any(hmac.compare_digest(expected, one) for one in given)


class Hook(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        if not is_signed(self.headers, body):
            self.send_response(401)
            self.end_headers()
            return
        call = json.loads(body)
        # user_id is null for an anonymous visitor. Unless `verified` is true, anyone can have sent it.
        status = ORDERS.get(call["arguments"].get("order"), "unknown") if call["verified"] else "please sign in first"
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps({"status": status}).encode())


if __name__ == "__main__":
    server = HTTPServer(("127.0.0.1", int(os.environ.get("PORT", "3001"))), Hook)
    print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()

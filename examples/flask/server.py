"""The token endpoint: whoever is signed in at your site gets a session token for the chat.

SITE_KEY is one of the service's SITE_KEYS; it never goes into a page.
"""

import os

import requests
from flask import Flask, abort, request

SERVER = os.environ.get("CHAT_SERVER", "https://chat.example.org")
app = Flask(__name__)


def signed_in_user():
    """Yours: your own login. Here a header stands for it."""
    return request.headers.get("X-Demo-User") or abort(401)


@app.get("/chat-token")
def chat_token():
    answer = requests.post(
        f"{SERVER}/api/session",
        json={"user_id": str(signed_in_user())},
        headers={"Authorization": f"Bearer {os.environ['SITE_KEY']}"},
        timeout=10,
    )
    if answer.status_code != 201:
        abort(502)
    session = answer.json()
    body = {"session_token": session["session_token"], "expires_at": session["expires_at"]}
    return body, 200, {"Cache-Control": "no-store"}


if __name__ == "__main__":
    app.run(port=int(os.environ.get("PORT", "3000")))

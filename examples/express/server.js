// The token endpoint: whoever is signed in at your site gets a session token for the chat.
// SITE_KEY is one of the service's SITE_KEYS; it never goes into a page.
import express from 'express';

const SERVER = process.env.CHAT_SERVER ?? 'https://chat.example.org';
const app = express();

// Yours: your own login. Here a header stands for it.
const requireLogin = (req, res, next) => {
  req.user = req.get('X-Demo-User') ? { id: req.get('X-Demo-User') } : undefined;
  if (!req.user) return res.sendStatus(401);
  next();
};

app.get('/chat-token', requireLogin, async (req, res) => {
  const answer = await fetch(`${SERVER}/api/session`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${process.env.SITE_KEY}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ user_id: String(req.user.id) }),
  });
  if (!answer.ok) return res.sendStatus(502);
  const { session_token, expires_at } = await answer.json();
  res.set('Cache-Control', 'no-store').json({ session_token, expires_at });
});

const server = app.listen(process.env.PORT ?? 3000, '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});

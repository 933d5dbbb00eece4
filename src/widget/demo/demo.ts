/** Scripts of the demo page: the address of this very server in the snippet, a copy button, a button that opens the chat. */

const address = document.querySelector('#origin');
// The browser knows by which name and protocol it came here; behind a proxy the server may not.
if (address) address.textContent = location.origin;

const copy = document.querySelector<HTMLButtonElement>('#copy');
copy?.addEventListener('click', async () => {
  const text = document.querySelector('#snippet')?.textContent ?? '';
  try {
    await navigator.clipboard.writeText(text);
    copy.textContent = 'Copied';
  } catch {
    // Without a clipboard, as on pages without TLS, the text is marked, so that one key copies it.
    const snippet = document.querySelector('#snippet');
    if (snippet) getSelection()?.selectAllChildren(snippet);
    copy.textContent = 'Press Ctrl+C';
  }
  setTimeout(() => {
    copy.textContent = 'Copy';
  }, 2_000);
});

document.querySelector('#ask')?.addEventListener('click', () => {
  void document.querySelector('thread-proxy-chat')?.open();
});

export {};

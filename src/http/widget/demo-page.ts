import { html } from 'hono/html';

interface DemoPage {
  /** This service's address for browsers. */
  readonly origin: string;
  readonly styles: string;
  readonly script: string;
  /** Whether the built-in assistant answers. */
  readonly isOffline: boolean;
  /** Whether the owner has set the bubble's colour already. */
  readonly hasOwnColour: boolean;
  /** Whether the owner has set words of the bubble already. */
  readonly hasOwnWords: boolean;
}

/** As a shop of this look would have it. */
const ACCENT = '#8f4f2a';
const SUGGESTIONS = 'How fine should I grind?|Do you ship abroad?|What did I ask first?';

const product = (name: string, note: string, price: string, art: ReturnType<typeof html>) => html`
  <article class="product">
    <div class="art">${art}</div>
    <h2>${name}</h2>
    <p>${note}</p>
    <p class="price">${price}</p>
  </article>`;

const DRIPPER = html`<svg viewBox="0 0 120 120" aria-hidden="true">
  <path d="M26 34h68l-20 40H46z" class="a" /><path d="M46 74h28v8H46z" class="b" /><path d="M36 88h48v6H36z" class="b" />
  <path d="M94 42c12 0 14 16 0 20" class="line" /><path d="M60 12c-5 6 5 8 0 14" class="line" />
</svg>`;
const KETTLE = html`<svg viewBox="0 0 120 120" aria-hidden="true">
  <path d="M34 96c-4-22 2-44 14-50h22c12 6 18 28 14 50z" class="a" /><path d="M46 38h26v8H46z" class="b" />
  <path d="M36 74C20 74 26 42 12 38" class="line" /><path d="M84 54c20-6 20 28 4 30" class="line" /><path d="M59 30v8" class="line" />
</svg>`;
const BEANS = html`<svg viewBox="0 0 120 120" aria-hidden="true">
  <path d="M34 22h52l6 78H28z" class="a" /><path d="M34 22h52l1 12H33z" class="b" />
  <ellipse cx="53" cy="68" rx="11" ry="16" class="b" /><path d="M56 54c-8 8 2 18-6 28" class="line thin" />
  <ellipse cx="73" cy="76" rx="9" ry="13" class="b" /><path d="M75 65c-6 6 2 14-4 22" class="line thin" />
</svg>`;

const step = (name: string, text: ReturnType<typeof html>) => html`<li><h3>${name}</h3><p>${text}</p></li>`;

/** The product in a minute: a shop that could be anyone's, with the bubble alive on it. */
export const demoPage = ({
  origin,
  styles,
  script,
  isOffline,
  hasOwnColour,
  hasOwnWords,
}: DemoPage) => html`<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="robots" content="noindex">
  <meta name="color-scheme" content="light dark">
  <title>thread-proxy demo: Halden Coffee</title>
  <link rel="icon" href="data:,">
  <link rel="stylesheet" href="${styles}">
  <script src="${script}" type="module"></script>
  <script src="/widget.js" async ${hasOwnColour ? '' : html`data-accent="${ACCENT}"`} ${
    hasOwnWords
      ? ''
      : html`data-title="Halden Coffee" data-greeting="Hi! Ask me anything about our coffee. This is a demo: the shop is made up, **the chat is real**." data-suggestions="${SUGGESTIONS}"`
  }></script>
</head>
<body>
  <aside class="banner" aria-label="About this page">A demo of <strong>thread-proxy</strong>. The shop is made up; the chat in the corner is live${
    isOffline ? html` and answered by the built-in offline assistant` : ''
  }. <a href="#embed">Put it on your page</a></aside>
  <header class="shop-head">
    <span class="brand">Halden Coffee</span>
    <nav aria-label="Shop"><span>Beans</span><span>Brewing</span><span>Journal</span></nav>
  </header>
  <main>
    <section class="hero">
      <div>
        <h1>Good coffee,<br>made by hand.</h1>
        <p>A dripper, a kettle and beans that were roasted this week. Everything else is patience.</p>
        <p><button type="button" class="cta" id="ask">Ask us about brewing</button></p>
      </div>
      <div class="art large">${DRIPPER}</div>
    </section>
    <section class="shelf" aria-label="Products">
      ${product('Pour-over set', 'Porcelain dripper, two sizes', '€ 34', DRIPPER)}
      ${product('Gooseneck kettle', '0.9 l, for a steady hand', '€ 62', KETTLE)}
      ${product('House blend', 'Chocolate, hazelnut; 250 g', '€ 11', BEANS)}
    </section>
    <section class="embed" id="embed">
      <div class="embed-inner">
        <h2>Put it on your page</h2>
        <p>One line before <code>&lt;/body&gt;</code>. The button is there at once; the rest loads with the first click.</p>
        <div class="snippet">
          <pre tabindex="0" aria-label="Snippet"><code id="snippet">&lt;script src="<span id="origin">${origin}</span>/widget.js" async&gt;&lt;/script&gt;</code></pre>
          <button type="button" id="copy">Copy</button>
        </div>
        <h2>What to set next</h2>
        <ol class="steps">
          ${step(
            isOffline ? 'Connect a model' : 'A model answers',
            isOffline
              ? html`Set <code>OPENAI_API_KEY</code>, or <code>OPENAI_BASE_URL</code> for any compatible server, in <code>.env</code>. Until then the offline assistant answers.`
              : html`An upstream is connected. <code>FALLBACK_BASE_URL</code> adds a second one that answers while the first is down.`,
          )}
          ${step('Say who it is', html`Copy <code>assistant.example.json</code> to <code>assistant.json</code>: instructions, tools, and under <code>x-widget</code> the bubble's title, greeting, questions and colour.`)}
          ${step('Say where it may be used', html`<code>ALLOWED_ORIGINS=https://www.example.com</code> keeps other sites from using it; <code>TRUST_PROXY=1</code> behind a proxy, so that the limit counts visitors.`)}
          ${step('Go live', html`<code>NODE_ENV=production</code> takes this page away. Every conversation is in <code>data/conversations.json</code>.`)}
        </ol>
        <p class="more">The README tells the rest; <a href="/openapi.json">the API</a>, for everything else.</p>
      </div>
    </section>
  </main>
</body>
</html>`;

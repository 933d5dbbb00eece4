import { describe, expect, it } from 'vitest';
import { documentsBody } from '../../src/ops/pages/documents-page.ts';

const NOW = 1_760_000_000_000;
const none = { added: 0, changed: 0, unchanged: 0, removed: 0, skipped: 0, unreadable: 0 };
const shown = { documents: [], work: [], csrf: 'c-s-r-f', now: NOW };
const document = {
  id: 'abc',
  kind: 'page',
  location: 'https://shop.example/a',
  title: 'Shipping',
  passages: 3,
  readAt: NOW / 1000 - 60,
} as const;

describe('the page about documents', () => {
  it('says what to do where there are none', async () => {
    expect(String(await documentsBody(shown))).toContain('No documents yet');
  });

  it('lists what there is, with what was left out of it', async () => {
    const page = String(
      await documentsBody({
        ...shown,
        documents: [{ ...document, url: 'https://shop.example/a', note: 'only half' }],
      }),
    );
    expect(page).toContain('1 document, 3 passages');
    expect(page).toContain('<a href="https://shop.example/a"');
    expect(page).toContain('title="only half"');
    expect(page).toContain('name="id" value="abc"');
  });

  it('tells what a question finds, and what of it the assistant would be told', async () => {
    const passage = {
      title: 'Shipping',
      headings: ['Shipping', 'Costs'],
      text: 'Ten euros.',
      coverage: 0.5,
      similarity: 0.25,
      isTold: true,
    };
    const page = String(
      await documentsBody({
        ...shown,
        question: 'How <much>?',
        found: [passage, { ...passage, isTold: false }],
      }),
    );
    expect(page).toContain('value="How &lt;much&gt;?"');
    expect(page).toContain('words 0.50, meaning 0.25');
    expect(page).toContain('too little');
    expect(String(await documentsBody({ ...shown, question: 'x', found: [] }))).toContain('told nothing');
  });

  it('tells how the reading of a site goes, and what could not be read', async () => {
    const work = {
      what: 'https://shop.example/',
      startedAt: NOW / 1000,
      counts: { ...none, added: 2, unreadable: 1 },
      unreadable: [{ location: '/x', reason: 'too large' }],
    };
    const page = String(
      await documentsBody({ ...shown, work: [work, { ...work, endedAt: 1, failure: 'cannot be found' }] }),
    );
    expect(page).toContain('being read');
    expect(page).toContain('2 added, 1 not read');
    expect(page).toContain('/x: too large');
    expect(page).toContain('cannot be found');
  });

  it('carries the mark against forgery in each form that changes something', async () => {
    const page = String(await documentsBody({ ...shown, documents: [document] }));
    const forms = page.match(/<form method="post"[\s\S]*?<\/form>/g) ?? [];
    expect(forms.length).toBe(4);
    for (const form of forms) expect(form).toContain('name="csrf" value="c-s-r-f"');
  });

  it('shows nothing of a document as more than text', async () => {
    const evil = '<script>alert(1)</script>';
    const page = String(
      await documentsBody({
        ...shown,
        documents: [{ ...document, title: evil, location: evil, note: evil }],
        found: [{ title: evil, headings: [evil], text: evil, coverage: 1, isTold: true }],
        taken: [{ name: evil, result: 'unreadable', reason: evil }],
      }),
    );
    expect(page).not.toContain('<script>');
  });
});

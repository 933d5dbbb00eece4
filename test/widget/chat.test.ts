import { expect, it } from 'vitest';
import { describeInBrowser } from '../helpers/browser.ts';
import { startBoth } from '../helpers/service.ts';
import { chatOn, snippet, startHostPage } from './host-page.ts';

await describeInBrowser('our chat bubble', (browser) => {
  it('loads nothing but its button before the click, and shifts nothing on the page', async () => {
    const { service } = await startBoth();
    const site = await startHostPage({ body: snippet(service) });
    const { page, errors, requests, foreignRequests } = await browser.newPage();
    await page.goto(site);
    const before = await page.locator('#other').boundingBox();
    await chatOn(page).launcher.waitFor();
    expect(await page.locator('#other').boundingBox()).toEqual(before);
    expect(requests.map((url) => url.replace(service.url, ''))).toEqual([site, '/widget.js', '/api/widget']);
    await chatOn(page).open();
    expect(foreignRequests([service.url, site])).toEqual([]);
    expect(errors).toEqual([]);
  });

  it('shows an answer as it comes, and the conversation again after a reload', async () => {
    const { service, emulator } = await startBoth({ emulator: { answer: () => 'one **two** three' } });
    const site = await startHostPage({ body: snippet(service) });
    const { page, errors } = await browser.newPage();
    await page.goto(site);
    const chat = chatOn(page);
    await chat.open();
    await expect.poll(() => chat.input.evaluate((area) => area.matches(':focus'))).toBe(true);
    const hold = emulator.fail({ on: 'responses', fault: { kind: 'hold', afterDeltas: 2 } });
    await chat.send('Hello!');
    await expect.poll(() => chat.answers.last().innerText()).toBe('one two');
    expect(await chat.panel.locator('.send').getAttribute('aria-label')).toBe('Stop');
    hold.release();
    await chat.settled(1);
    expect(await chat.answers.last().innerHTML()).toContain('<strong>two</strong>');

    await page.reload();
    // It was open, so it is again; the visitor has not asked for the focus.
    await chat.settled(1);
    expect(await chat.answers.last().innerText()).toBe('one two three');
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('BODY');
    expect(errors).toEqual([]);
  });

  it('sends once, however often Enter is pressed', async () => {
    const { service, emulator } = await startBoth();
    const site = await startHostPage({ body: snippet(service) });
    const { page } = await browser.newPage();
    await page.goto(site);
    const chat = chatOn(page);
    await chat.open();
    await chat.input.fill('Only once.');
    await chat.input.evaluate((area) => {
      for (let n = 0; n < 5; n++) {
        area.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true }));
      }
    });
    await chat.settled(1);
    expect(emulator.calls.responses).toBe(1);
    expect(await chat.entries.count()).toBe(1);
  });

  it('takes the Enter of an input method for no message, in the order of each browser', async () => {
    const { service, emulator } = await startBoth();
    const site = await startHostPage({ body: snippet(service) });
    const { page } = await browser.newPage();
    await page.goto(site);
    const chat = chatOn(page);
    await chat.open();
    await chat.input.fill('にほんご');
    await chat.input.evaluate((area) => {
      const key = (init: KeyboardEventInit): void =>
        void area.dispatchEvent(
          new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true, ...init }),
        );
      // Chrome and Firefox: the key while it still composes.
      area.dispatchEvent(new CompositionEvent('compositionstart'));
      key({ isComposing: true });
      area.dispatchEvent(new CompositionEvent('compositionend'));
      // Safari: the composition ends first; only the code of the key tells.
      area.dispatchEvent(new CompositionEvent('compositionstart'));
      area.dispatchEvent(new CompositionEvent('compositionend'));
      key({ isComposing: false, keyCode: 229 });
    });
    expect(await chat.input.inputValue()).toBe('にほんご');
    expect(await chat.entries.count()).toBe(0);
    await chat.input.press('Enter');
    await chat.settled(1);
    expect(emulator.calls.responses).toBe(1);
  });

  it('stops an answer, keeps what was said, and asks again on demand', async () => {
    const { service, emulator } = await startBoth({
      emulator: { answer: () => 'one two three four', stopsWhenLeft: true },
    });
    const site = await startHostPage({ body: snippet(service) });
    const { page } = await browser.newPage();
    await page.goto(site);
    const chat = chatOn(page);
    await chat.open();
    emulator.fail({ on: 'responses', fault: { kind: 'hold', afterDeltas: 2 } });
    await chat.send('Count.');
    await expect.poll(() => chat.answers.last().innerText()).toBe('one two');
    const left = emulator.nextAbort();
    await chat.panel.locator('.send').click();
    await left;
    await chat.settled(1, 'stopped');
    expect(await chat.panel.locator('.line').innerText()).toMatch(/^Stopped/);
    expect(await chat.answers.last().innerText()).toBe('one two');
    await chat.panel.getByRole('button', { name: 'Try again' }).click();
    await chat.settled(1);
    expect(await chat.answers.last().innerText()).toBe('one two three four');
    expect(await chat.entries.count()).toBe(1);
  });

  it('goes on with an answer where a reload has cut it off', async () => {
    const { service, emulator } = await startBoth({ emulator: { answer: () => 'one two three four' } });
    const site = await startHostPage({ body: snippet(service) });
    const { page } = await browser.newPage();
    await page.goto(site);
    const chat = chatOn(page);
    await chat.open();
    const hold = emulator.fail({ on: 'responses', fault: { kind: 'hold', afterDeltas: 2 } });
    await chat.send('Count.');
    await expect.poll(() => chat.answers.last().innerText()).toBe('one two');
    const resumed = page.waitForRequest((request) => request.url().endsWith('/events'));
    await page.reload();
    expect((await resumed).headers()['last-event-id']).toMatch(/:[12]$/);
    expect(await chat.answers.last().innerText()).toBe('one two');
    hold.release();
    await chat.settled(1);
    expect(await chat.answers.last().innerText()).toBe('one two three four');
    expect(emulator.calls.responses).toBe(1);
  });

  it('shows the same conversation in all tabs, and goes on in another when the one that asked is closed', async () => {
    const { service, emulator } = await startBoth({ emulator: { answer: () => 'one two three four' } });
    const site = await startHostPage({ body: snippet(service) });
    const [first, second] = await browser.newTabs(2);
    if (!first || !second) throw new Error('two tabs are needed');
    for (const { page } of [first, second]) {
      await page.goto(site);
      await chatOn(page).open();
    }
    const chat = chatOn(second.page);
    await chatOn(first.page).send('Hello!');
    await chat.settled(1);
    expect(await chat.answers.last().innerText()).toBe('one two three four');
    const hold = emulator.fail({ on: 'responses', fault: { kind: 'hold', afterDeltas: 2 } });
    await chatOn(first.page).send('Once more.');
    await expect.poll(() => chat.answers.last().innerText()).toBe('one two');
    await first.page.close();
    hold.release();
    await chat.settled(2);
    expect(await chat.answers.last().innerText()).toBe('one two three four');
    expect(emulator.calls.responses).toBe(2);
    // What was said in one tab is one conversation at the service, too.
    await chat.send('What did I say first?');
    await chat.settled(3);
    const log = await service.finalLog();
    expect(log.anonymous?.map(({ user }) => user)).toEqual(['Hello!', 'Once more.', 'What did I say first?']);
    expect(new Set(log.anonymous?.map(({ session }) => session)).size).toBe(1);
  });

  it('starts a new chat on demand, which the assistant knows nothing of', async () => {
    const { service } = await startBoth();
    const site = await startHostPage({
      body: snippet(service, 'data-suggestions="What is new?|Who are you?"'),
    });
    const { page } = await browser.newPage();
    await page.goto(site);
    const chat = chatOn(page);
    await chat.open();
    await chat.panel.getByRole('button', { name: 'What is new?' }).click();
    await chat.settled(1);
    expect(await chat.panel.locator('.chips').isVisible()).toBe(false);
    await chat.panel.getByRole('button', { name: 'Menu' }).click();
    await chat.panel.getByRole('menuitem', { name: 'New chat' }).click();
    await chat.panel.getByRole('button', { name: 'New chat' }).click();
    await expect.poll(() => chat.entries.count()).toBe(0);
    expect(await chat.panel.locator('.chips').isVisible()).toBe(true);
    await chat.send('What did I say first?');
    await chat.settled(1);
    expect(await chat.answers.last().innerText()).toContain('first message of our conversation');
    await page.reload();
    await chat.settled(1);
    expect(await chat.entries.count()).toBe(1);
  });

  it('says how much room is left near the longest message, and sends none that is longer', async () => {
    const { service, emulator } = await startBoth({ env: { MAX_MESSAGE_CHARS: '100' } });
    const site = await startHostPage({ body: snippet(service) });
    const { page } = await browser.newPage();
    await page.goto(site);
    const chat = chatOn(page);
    await chat.open();
    const count = chat.panel.locator('.count');
    await chat.input.fill('x'.repeat(80));
    expect(await count.isVisible()).toBe(false);
    await chat.input.fill('x'.repeat(95));
    expect(await count.innerText()).toBe('5 characters left');
    await chat.input.fill('x'.repeat(101));
    expect(await count.innerText()).toContain('The message is too long');
    await chat.input.press('Enter');
    expect(await chat.panel.locator('.send').isDisabled()).toBe(true);
    await chat.input.fill('x'.repeat(100));
    await chat.input.press('Enter');
    await chat.settled(1);
    expect(emulator.calls.responses).toBe(1);
  });
});

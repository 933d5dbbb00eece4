import { safely } from '../safely.ts';
import { type Entry, isEntry, isRunning } from './entry.ts';
import type { Memory } from './storage.ts';
import { createTabs, type TabMessage, type Tabs } from './tabs.ts';

export interface EntriesView {
  /** The entry is new, or something but its text changed. */
  onEntry(entry: Entry): void;
  /** Words were added at the end of the entry's text. */
  onDelta(entry: Entry, text: string): void;
  onRemoved(key: string): void;
  onCleared(): void;
}

/** How often a growing answer is kept, so that a page that dies goes on near where it was. */
const SAVE_EVERY_MS = 1_000;

/** The messages and answers of a visitor: the same in all its tabs, and what is being answered kept over a reload. */
export class Entries {
  readonly #all = new Map<string, Entry>();
  readonly #view: EntriesView;
  readonly #memory: Memory;
  readonly #onForeign: (entry: Entry) => void;
  /** Absent until it is known whose conversation it is: nothing leaves this page before. */
  #shared: { readonly tabs: Tabs; readonly pendingKey: string } | undefined;
  #savedAt = 0;

  /** @param deps.onForeign Called with a running entry that another tab has begun. */
  constructor(deps: { memory: Memory; view: EntriesView; onForeign: (entry: Entry) => void }) {
    this.#view = deps.view;
    this.#memory = deps.memory;
    this.#onForeign = deps.onForeign;
  }

  /** @param name The same for the tabs of one visitor at one service. */
  join(server: string, name: string): void {
    const tabs = createTabs(`thread-proxy:${server}:${name}`, (message) => this.#onTab(message));
    this.#shared = { tabs, pendingKey: `turn-${name}` };
  }

  /** Runs `run` as the only tab that reads this turn; waits until the tab that does is gone. */
  async asOnlyReader(key: string, signal: AbortSignal, run: () => Promise<void>): Promise<void> {
    await (this.#shared ? this.#shared.tabs.asOnlyReader(key, signal, run) : run());
  }

  /** Asks other tabs what is going on there. */
  ask(): void {
    this.#tell({ type: 'hello' });
  }

  leave(): void {
    this.#shared?.tabs.close();
    this.#shared = undefined;
  }

  #tell(message: TabMessage): void {
    this.#shared?.tabs.tell(message);
  }

  /** @param text Undefined forgets it. */
  #keep(text: string | undefined): void {
    if (this.#shared) this.#memory.set(this.#shared.pendingKey, text);
  }

  all(): Entry[] {
    return [...this.#all.values()];
  }

  get(key: string): Entry | undefined {
    return this.#all.get(key);
  }

  /** The entry that is being answered, here or in another tab. */
  running(): Entry | undefined {
    return this.all().find(isRunning);
  }

  /** Entries from the history; they are not told to other tabs, which have read it themselves. */
  fill(older: readonly Entry[]): Entry[] {
    const fresh = older.filter((entry) => !this.#knows(entry));
    const newer = this.all();
    this.#all.clear();
    for (const entry of [...fresh, ...newer]) this.#all.set(entry.key, entry);
    return fresh;
  }

  /** Tells of a new entry, or of one that has changed. */
  put(entry: Entry): void {
    this.#all.set(entry.key, entry);
    this.#view.onEntry(entry);
    this.#tell({ type: 'entry', entry });
    if (isRunning(entry)) this.save();
    else this.#keep(undefined);
  }

  append(entry: Entry, text: string, isOwn: boolean): void {
    const at = entry.text.length;
    entry.text += text;
    if (entry.state === 'waiting' || entry.state === 'sending') entry.state = 'streaming';
    this.#view.onDelta(entry, text);
    if (!isOwn) return;
    this.#tell({ type: 'delta', key: entry.key, at, text, last: entry.last });
    if (Date.now() - this.#savedAt > SAVE_EVERY_MS) this.save();
  }

  /** Takes an entry off this page alone. */
  drop(key: string): void {
    if (this.#all.delete(key)) this.#view.onRemoved(key);
  }

  remove(key: string): void {
    this.#all.delete(key);
    this.#keep(undefined);
    this.#view.onRemoved(key);
    this.#tell({ type: 'removed', key });
  }

  /** @param isTold Whether other tabs are told, too. */
  clear(isTold: boolean): void {
    this.#all.clear();
    this.#keep(undefined);
    this.#view.onCleared();
    if (isTold) this.#tell({ type: 'cleared' });
  }

  /** Keeps what another page needs to go on with the answer. */
  save(): void {
    const entry = this.running();
    if (!entry) return;
    this.#savedAt = Date.now();
    this.#keep(JSON.stringify(entry));
  }

  /** The entry that was being answered when its page went; undefined where there is none, or it is over by now. */
  saved(): Entry | undefined {
    const text = this.#shared && this.#memory.get(this.#shared.pendingKey);
    const entry: unknown = safely(() => JSON.parse(text ?? 'null'));
    if (isEntry(entry) && isRunning(entry) && !this.#knows(entry)) return entry;
    this.#keep(undefined);
    return undefined;
  }

  #knows(entry: Entry): boolean {
    return this.all().some(({ key, id }) => key === entry.key || (id !== undefined && id === entry.id));
  }

  #onTab(message: TabMessage): void {
    switch (message.type) {
      case 'cleared':
        this.clear(false);
        break;
      case 'removed':
        this.drop(message.key);
        break;
      case 'hello': {
        const running = this.running();
        if (running) this.#tell({ type: 'entry', entry: running });
        break;
      }
      case 'delta':
        this.#onForeignDelta(message);
        break;
      case 'entry':
        if (isEntry(message.entry)) this.#onForeignEntry(message.entry);
    }
  }

  #onForeignDelta({ key, at, text, last }: Extract<TabMessage, { type: 'delta' }>): void {
    const entry = this.#all.get(key);
    if (!entry || at < entry.text.length) return;
    if (at > entry.text.length) {
      // Something was missed: the whole of it is asked for.
      this.#tell({ type: 'hello' });
      return;
    }
    entry.last = last;
    this.append(entry, text, false);
  }

  #onForeignEntry(entry: Entry): void {
    const mine = this.#all.get(entry.key);
    if (!mine && this.#knows(entry)) return;
    // Two tabs may tell of the same running entry; the one that is further knows more.
    if (mine && isRunning(entry) && (!isRunning(mine) || mine.text.length > entry.text.length)) return;
    const merged = Object.assign(mine ?? {}, entry);
    this.#all.set(entry.key, merged);
    this.#view.onEntry(merged);
    if (!mine && isRunning(merged)) this.#onForeign(merged);
  }
}

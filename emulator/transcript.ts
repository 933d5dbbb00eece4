/** What a thread holds: its messages, the function calls between them, and what its user said first and how often. */

/** At most this many entries of a thread are remembered; older ones are forgotten, but still counted. */
const MAX_ENTRIES = 200;

/** At most this many UTF-16 units of one message, or of one function's arguments or output, are remembered. */
const MAX_TEXT = 65_536;

export type Role = 'user' | 'assistant' | 'system' | 'developer';

export interface Message {
  readonly kind?: undefined;
  readonly id: string;
  readonly role: Role;
  readonly text: string;
  /** Seconds since 1970. */
  readonly createdAt: number;
  /** The text is a refusal. */
  readonly refusal?: true;
  readonly phase?: 'commentary' | 'final_answer';
  /** The run that said it (Assistants wire). */
  readonly run?: { readonly id: string; readonly assistant: string };
  /** Why it broke off, in the words of the Assistants wire. */
  readonly incomplete?: 'content_filter' | 'max_tokens' | 'run_cancelled' | 'run_expired' | 'run_failed';
  readonly metadata?: Record<string, string>;
}

/** A function call that the model makes; its ids are made by the emulator. */
export interface ToolCall {
  readonly name: string;
  /** JSON; sent as it is, also where it is none. */
  readonly arguments: string;
}

/** What came back of a function call. */
export interface ToolOutput extends ToolCall {
  readonly callId: string;
  readonly output: string;
}

/** A call of a function, made by the model. */
export interface FunctionCall {
  readonly kind: 'call';
  readonly id: string;
  readonly callId: string;
  readonly name: string;
  /** JSON, as the model wrote it. */
  readonly arguments: string;
}

/** What a called function gave. */
export interface FunctionOutput {
  readonly kind: 'output';
  readonly id: string;
  readonly callId: string;
  readonly text: string;
}

export type Entry = Message | FunctionCall | FunctionOutput;

const textOf = (entry: Entry): string => (entry.kind === 'call' ? entry.arguments : entry.text);

const clip = (entry: Entry): Entry => {
  const text = textOf(entry);
  if (text.length <= MAX_TEXT) return entry;
  const clipped = text.slice(0, MAX_TEXT);
  return entry.kind === 'call' ? { ...entry, arguments: clipped } : { ...entry, text: clipped };
};

const isMessage = (entry: Entry): entry is Message => entry.kind === undefined;

/** A bounded list of entries, oldest first. */
export class Transcript {
  #entries: Entry[] = [];
  #first: Message | undefined;
  #told = 0;
  #chars = 0;
  /** How many of the entries are no messages. */
  #tools = 0;

  get entries(): readonly Entry[] {
    return this.#entries;
  }

  get messages(): readonly Message[] {
    return this.#tools === 0 ? (this.#entries as Message[]) : this.#entries.filter(isMessage);
  }

  /** Whether functions were called in what is remembered. */
  get usesTools(): boolean {
    return this.#tools > 0;
  }

  /** The first message that the user said, also after it was forgotten. */
  get first(): string | undefined {
    return this.#first?.text;
  }

  /** How many messages the user said. */
  get told(): number {
    return this.#told;
  }

  /** How many UTF-16 units are remembered. */
  get chars(): number {
    return this.#chars;
  }

  add(entry: Entry): void {
    const kept = clip(entry);
    if (kept.kind !== undefined) this.#tools += 1;
    else if (kept.role === 'user') {
      this.#told += 1;
      this.#first ??= kept;
    }
    this.#chars += textOf(kept).length;
    this.#entries.push(kept);
    if (this.#entries.length > MAX_ENTRIES) this.#uncount(this.#entries.shift());
  }

  /** Removes an entry; says whether it was there. */
  delete(id: string): boolean {
    const index = this.#entries.findIndex((entry) => entry.id === id);
    const [gone] = index < 0 ? [] : this.#entries.splice(index, 1);
    if (gone === undefined) return false;
    this.#uncount(gone);
    if (isMessage(gone) && gone.role === 'user') this.#told -= 1;
    if (gone === this.#first) this.#first = this.messages.find(({ role }) => role === 'user');
    return true;
  }

  copy(): Transcript {
    const copy = new Transcript();
    copy.#entries = [...this.#entries];
    copy.#first = this.#first;
    copy.#told = this.#told;
    copy.#chars = this.#chars;
    copy.#tools = this.#tools;
    return copy;
  }

  #uncount(gone: Entry | undefined): void {
    if (gone === undefined) return;
    this.#chars -= textOf(gone).length;
    if (gone.kind !== undefined) this.#tools -= 1;
  }
}

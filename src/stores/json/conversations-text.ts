import type { Lane } from './lanes.ts';
import { bytesOf } from './slabs.ts';

/** How many exchanges, and about how many bytes, are put together in one go. */
const SLICE_EXCHANGES = 200;
const SLICE_BYTES = 128 * 1024;

/**
 * The text of conversations.json, an exchange a line, in slices that are each short work.
 * @param until Exchanges that arrived with this number or a higher one are left out.
 */
export function* conversationsText(
  lanes: Iterable<Lane>,
  until = Number.POSITIVE_INFINITY,
): Generator<Buffer> {
  let parts: Buffer[] = [];
  let bytes = 0;
  let text = '{';
  let firstLane = true;
  for (const lane of lanes) {
    const { key } = lane;
    // Of its own: the lane may change before the last slice of it is taken.
    const entries = lane.entries.filter(({ seq }) => seq < until);
    if (entries.length === 0 && lane.entries.length > 0) continue;
    text += `${firstLane ? '' : ','}\n${JSON.stringify(key)}: [`;
    firstLane = false;
    let separator = '\n';
    for (const entry of entries) {
      parts.push(Buffer.from(text + separator), bytesOf(entry));
      bytes += entry.bytes;
      text = '';
      separator = ',\n';
      if (parts.length >= 2 * SLICE_EXCHANGES || bytes >= SLICE_BYTES) {
        yield Buffer.concat(parts);
        parts = [];
        bytes = 0;
      }
    }
    text += '\n]';
  }
  parts.push(Buffer.from(`${text}\n}\n`));
  yield Buffer.concat(parts);
}

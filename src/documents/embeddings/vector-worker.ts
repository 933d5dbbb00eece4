import { parentPort } from 'node:worker_threads';
import type { NearPassage } from '../index/index-port.ts';
import { createVectorScan, type VectorScan } from './vector-scan.ts';

/** What the thread that holds the vectors is told. */
export type VectorTask =
  | { readonly type: 'clear' }
  | { readonly type: 'add'; readonly ids: readonly string[]; readonly vectors: readonly Float32Array[] }
  | { readonly type: 'search'; readonly n: number; readonly query: Float32Array; readonly limit: number };

export interface VectorReply {
  readonly n: number;
  readonly near: readonly NearPassage[];
}

let scan: VectorScan | undefined;
let ids: string[] = [];

parentPort?.on('message', (task: VectorTask) => {
  switch (task.type) {
    case 'clear':
      scan = undefined;
      ids = [];
      break;
    case 'add':
      for (const [at, vector] of task.vectors.entries()) {
        scan ??= createVectorScan(vector.length);
        if (scan.add(vector)) ids.push(task.ids[at] ?? '');
      }
      break;
    case 'search': {
      const found = scan?.search(task.query, task.limit);
      const reply: VectorReply = {
        n: task.n,
        near: (found ?? []).map(({ row, similarity }) => ({ id: ids[row] ?? '', similarity })),
      };
      parentPort?.postMessage(reply);
    }
  }
});

import { visitorKey } from '../chat/model.ts';
import { lineOf } from '../log-file/log-row.ts';
import type { LogEntry } from './export-forms.ts';

/** An exchange as operators export it: in the form of conversations.json. */
export const logEntry: LogEntry = ({ visitor, cursor: _, key: __, ...exchange }) => {
  const isNobody = visitor.kind === 'anonymous' && visitor.id === '';
  return lineOf({ ...exchange, visitor: isNobody ? null : visitorKey(visitor) }).fields;
};

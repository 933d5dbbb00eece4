/** Days as the site's owner has them: of the time zone in `TZ`, through every change of the clocks. */
export interface Calendar {
  readonly timeZone: string;
  /** The day of a moment: `2026-03-01`. @param ms Milliseconds since 1970. */
  dayOf(ms: number): string;
  /** Whole seconds until the next day, at least 1. */
  secondsLeft(ms: number): number;
  /** When a day starts: seconds since 1970; undefined where the text names none. */
  startOf(day: string): number | undefined;
  /** A day so many days later. */
  addDays(day: string, days: number): string;
}

/** @param timeZone An IANA name; undefined, or one that nobody knows: the system's own. */
export const createCalendar = (timeZone: string | undefined): Calendar => {
  const zone = timeZone && isZone(timeZone) ? timeZone : Temporal.Now.timeZoneId();
  const at = (ms: number) => Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(zone);
  return {
    timeZone: zone,
    dayOf: (ms) => at(ms).toPlainDate().toString(),
    secondsLeft: (ms) => {
      const next = at(ms).toPlainDate().add({ days: 1 }).toZonedDateTime(zone);
      return Math.max(1, Math.ceil((next.epochMilliseconds - ms) / 1000));
    },
    startOf: (day) => {
      if (!/^\d{4}-\d\d-\d\d$/.test(day)) return undefined;
      try {
        return (
          Temporal.PlainDate.from(day, { overflow: 'reject' }).toZonedDateTime(zone).epochMilliseconds / 1000
        );
      } catch {
        return undefined;
      }
    },
    addDays: (day, days) => Temporal.PlainDate.from(day).add({ days }).toString(),
  };
};

const isZone = (name: string): boolean => {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
};

/** How long ago something was, as kubectl shows it: apimachinery's duration.HumanDuration, unit for unit. */

const secondsMinute = 60;
const minutesHour = 60;
const hoursDay = 24;
const daysYear = 365;

/** `since`: RFC 3339; absent or not a time: `<unknown>`. */
export function ageText(since: string | undefined, now: number): string {
  const ms = now - Date.parse(since ?? "");
  return Number.isNaN(ms) ? "<unknown>" : durationText(ms);
}

export function durationText(ms: number): string {
  const seconds = Math.trunc(ms / 1000);
  // Clocks of two machines differ by so much.
  if (seconds < -1) return "<invalid>";
  if (seconds < 0) return "0s";
  if (seconds < 2 * secondsMinute) return `${seconds}s`;
  const minutes = Math.floor(seconds / secondsMinute);
  if (minutes < 10) return two(minutes, "m", seconds % secondsMinute, "s");
  if (minutes < 3 * minutesHour) return `${minutes}m`;
  const hours = Math.floor(minutes / minutesHour);
  if (hours < 8) return two(hours, "h", minutes % minutesHour, "m");
  if (hours < 2 * hoursDay) return `${hours}h`;
  const days = Math.floor(hours / hoursDay);
  if (days < 8) return two(days, "d", hours % hoursDay, "h");
  if (days < 2 * daysYear) return `${days}d`;
  const years = Math.floor(days / daysYear);
  return years < 8 ? two(years, "y", days % daysYear, "d") : `${years}y`;
}

const two = (large: number, largeUnit: string, small: number, smallUnit: string): string =>
  small === 0 ? `${large}${largeUnit}` : `${large}${largeUnit}${small}${smallUnit}`;

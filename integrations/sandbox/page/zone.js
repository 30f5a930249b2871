// Moments as whoever is chosen sees them: Slack shows each person the time of their own zone.

let zone; // a name such as Europe/Lisbon; the browser's own until somebody is chosen

/** From now on moments are shown in this zone. */
export const seeFrom = (name) => { zone = name; };

/** The zone in which they are shown now. */
export const seenFrom = () => zone;

/** What formats a moment like Intl.DateTimeFormat with these options, in the zone of whoever looks. */
export function format(options) {
  const made = new Map();
  return {
    format(at) {
      if (!made.has(zone)) made.set(zone, new Intl.DateTimeFormat([], { ...options, timeZone: zone }));
      return made.get(zone).format(at);
    },
  };
}

const DIGITS = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" };

/** What a clock on their wall shows at that moment, as a datetime-local field has it. */
export function wall(at) {
  const drawn = new Intl.DateTimeFormat("en", { ...DIGITS, hourCycle: "h23", timeZone: zone }).formatToParts(at);
  const { year, month, day, hour, minute } = Object.fromEntries(drawn.map(({ type, value }) => [type, value]));
  return `${year}-${month}-${day}T${hour}:${minute}`;
}

/** The moment at which that clock shows this: looked for twice, since the first guess may be of another summer time. */
export function momentAt(shown) {
  const asUtc = new Date(`${shown}Z`);
  const ahead = (at) => new Date(`${wall(at)}Z`) - at;
  const first = new Date(asUtc - ahead(asUtc));
  return new Date(asUtc - ahead(first));
}

/** How many days after the other moment's day this one's is, by their calendar. */
export const daysAfter = (at, other) => {
  const [one, two] = [at, other].map((each) => Date.parse(wall(each).slice(0, 10)));
  return Math.round((one - two) / 86_400_000);
};

const FIRST_REST_MS = 5_000;
const LONGEST_REST_MS = 60_000;

/** One URL of an output. */
export interface Endpoint {
  readonly origin: string;
  readonly base: URL;
}

/** Path and query of a request: those of the endpoint's own URL, then the request's. */
export function pathAt({ base }: Endpoint, path: string): string {
  if (path === '') return base.pathname + base.search;
  const [pathname, query = ''] = split(path);
  const queries = [base.search.slice(1), query].filter((part) => part !== '').join('&');
  return base.pathname.replace(/\/+$/, '') + pathname + (queries === '' ? '' : `?${queries}`);
}

function split(path: string): [string, string?] {
  const at = path.indexOf('?');
  return at === -1 ? [path] : [path.slice(0, at), path.slice(at + 1)];
}

interface Seat {
  readonly endpoint: Endpoint;
  restUntil: number;
  restMs: number;
}

/**
 * The endpoints of an output in the order of the configuration. One that fails rests for 5 seconds, then up to a minute while it goes
 * on failing, and the next one serves; afterwards it is tried again in its old place.
 */
export class Endpoints {
  readonly #seats: readonly Seat[];
  readonly #now: () => number;

  constructor(urls: readonly string[], now: () => number) {
    this.#seats = urls.map((url) => {
      const base = new URL(url);
      return { endpoint: { origin: base.origin, base }, restUntil: 0, restMs: 0 };
    });
    this.#now = now;
  }

  /** All of them: those that do not rest first, then the others by the end of their rest. */
  order(): readonly Endpoint[] {
    if (this.#seats.length === 1) return this.#seats.map((seat) => seat.endpoint);
    const now = this.#now();
    const due = (seat: Seat) => Math.max(seat.restUntil, now);
    return this.#seats.toSorted((a, b) => due(a) - due(b)).map((seat) => seat.endpoint);
  }

  /** Notes that it served. Returns whether it had failed before. */
  served(endpoint: Endpoint): boolean {
    const seat = this.#seatOf(endpoint);
    const failedBefore = seat.restMs > 0;
    seat.restMs = 0;
    seat.restUntil = 0;
    return failedBefore;
  }

  /** Sends it to rest. Returns for how many milliseconds, or 0 where it rests already (several requests failed at once). */
  failed(endpoint: Endpoint): number {
    const seat = this.#seatOf(endpoint);
    const now = this.#now();
    if (now < seat.restUntil) return 0;
    seat.restMs = Math.min(Math.max(seat.restMs * 2, FIRST_REST_MS), LONGEST_REST_MS);
    seat.restUntil = now + seat.restMs;
    return seat.restMs;
  }

  #seatOf(endpoint: Endpoint): Seat {
    return this.#seats.find((seat) => seat.endpoint === endpoint) as Seat;
  }
}

// A browser opens six connections to one server over HTTP/1.1. Streams never end, so only some of its windows may keep one.

const STREAMS = 3; // leaves as many for pages and what is asked for on them

/** Gives the place back. */
export type Release = () => void;

/** A place for a stream that is kept; null where other windows have them all. Where browsers have no locks, as on pages without TLS, there always is one. */
export async function place(): Promise<Release | null> {
  if (!("locks" in navigator)) return () => undefined;
  for (let number = 0; number < STREAMS; number++) {
    const release = await taken(`datacat-stream-${number}`);
    if (release) return release;
  }
  return null;
}

function taken(name: string): Promise<Release | null> {
  return new Promise((told) => {
    void navigator.locks.request(name, { ifAvailable: true }, (lock) =>
      lock ? new Promise<void>((release) => told(release)) : told(null),
    );
  });
}

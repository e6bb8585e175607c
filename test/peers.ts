/** Peers: programs from outside npm that a test talks to and that a machine may lack. */

import { existsSync } from 'node:fs'

/**
 * Options for a test that needs a peer: run, or skipped by name if the peer is not installed. With
 * COUNTERSIGN_REQUIRE_PEERS=1 nothing is skipped.
 * @param name  For people, with the way to get it: `Chromium (apt-get install chromium)`.
 * @param path  Where the peer's program may be; one of them is enough.
 * @throws Error if the peer is missing and required.
 */
export function requirePeer(name: string, path: string | readonly string[]): { skip?: string } {
  if (peerAt(path) !== undefined) return {}
  if (process.env.COUNTERSIGN_REQUIRE_PEERS === '1')
    throw new Error(`needs ${name}, and COUNTERSIGN_REQUIRE_PEERS forbids to skip`)
  return { skip: `needs ${name}` }
}

/** The first of the paths that is there. */
export function peerAt(path: string | readonly string[]): string | undefined {
  return [path].flat().find((one) => existsSync(one))
}

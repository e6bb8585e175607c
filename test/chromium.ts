/** A real Chromium for tests of pages. */

import { type Browser, chromium } from 'playwright-core'
import { peerAt, requirePeer } from './peers.ts'

const paths = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** Nothing is asked for but what a page asks for. */
const flags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Options for a test that needs it. */
export const withChromium = requirePeer('Chromium (apt-get install chromium)', paths)

export function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: peerAt(paths)!, args: flags })
}

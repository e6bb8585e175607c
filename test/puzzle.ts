/** Solves slide puzzles as a person does, by looking: where the piece, darkened, lies in the picture. */

import { PNG } from 'pngjs'

/** @param shadowImage  Data URLs, as the wire has them. @returns The left edge of the hole, px. */
export function holeIn(shadowImage: string, cutImage: string, pointY: number): number {
  const [picture, piece] = [pngOf(shadowImage), pngOf(cutImage)]
  const at = ({ data, width }: PNG, x: number, y: number) => {
    const place = (y * width + x) * 4
    return [data[place]!, data[place + 1]!, data[place + 2]!, data[place + 3]!] as const
  }
  let best = { x: -1, difference: Number.POSITIVE_INFINITY }
  for (let x = 0; x + piece.width <= picture.width; x++) {
    let difference = 0
    for (let dy = 0; dy < piece.height; dy += 2)
      for (let dx = 0; dx < piece.width; dx += 2) {
        const [red, green, blue, alpha] = at(piece, dx, dy)
        if (alpha === 0) continue
        const [shownRed, shownGreen, shownBlue] = at(picture, x + dx, pointY + dy)
        const brightness = (r: number, g: number, b: number) => r + g + b
        difference += Math.abs(
          brightness(red, green, blue) * 0.45 - brightness(shownRed, shownGreen, shownBlue),
        )
      }
    if (difference < best.difference) best = { x, difference }
  }
  return best.x
}

function pngOf(url: string): PNG {
  const prefix = 'data:image/png;base64,'
  if (!url.startsWith(prefix)) throw new Error(`no PNG: ${url.slice(0, 40)}`)
  return PNG.sync.read(Buffer.from(url.slice(prefix.length), 'base64'))
}

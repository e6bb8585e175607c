/** The pictures of a slide puzzle: a drawn landscape with a hole, and the piece that fits it. */

import { once } from 'node:events'
import type { PNG } from 'pngjs'

/** In pixels. */
export const pictureWidth = 300
export const pictureHeight = 150
/** The piece lies in a square of so many pixels. */
export const pieceSize = 50

/** Where the hole is: the left and upper edge of the piece's square. */
export type Place = { readonly x: number; readonly y: number }

export type PuzzlePictures = { readonly shadow: Buffer; readonly piece: Buffer }

/** The piece is a square with a round head on top and at the right, and a bay at the left. */
const body = { left: 2, top: 12, size: 36 }
const knob = 8

/** A quarter of the time of the usual level, for a fifth more bytes. */
const packing = { deflateLevel: 3 } as const

/** How much light is left in the hole. A person sees it at once. */
const inHole = 0.45

/**
 * @param seed  Hex, at least 32 digits: the same one gives the same picture.
 * @returns PNG files. They are packed on another thread.
 */
export async function drawPuzzle(seed: string, hole: Place): Promise<PuzzlePictures> {
  // Most servers never draw one.
  const { PNG } = await import('pngjs')
  const colorAt = coarse(landscape(randomOf(seed)))
  const shadow = new PNG({ ...packing, colorType: 2, width: pictureWidth, height: pictureHeight })
  const piece = new PNG({ ...packing, width: pieceSize, height: pieceSize })
  for (let y = 0; y < pictureHeight; y++)
    for (let x = 0; x < pictureWidth; x++) {
      const color = colorAt(x, y)
      const [dx, dy] = [x - hole.x, y - hole.y]
      const isIn = isInPiece(dx, dy)
      const isEdge =
        isIn &&
        !(isInPiece(dx - 1, dy) && isInPiece(dx + 1, dy) && isInPiece(dx, dy - 1) && isInPiece(dx, dy + 1))
      const light = isEdge ? 1.5 : isIn ? inHole : 1
      put(shadow, x, y, color, light, 255)
      if (isIn) put(piece, dx, dy, color, isEdge ? 1.5 : 1, 255)
    }
  const [shadowFile, pieceFile] = await Promise.all([packed(shadow), packed(piece)])
  return { shadow: shadowFile, piece: pieceFile }
}

function isInPiece(x: number, y: number): boolean {
  const { left, top, size } = body
  if (x < 0 || y < 0 || x >= pieceSize || y >= pieceSize) return false
  const isWithin = (cx: number, cy: number) => (x - cx) ** 2 + (y - cy) ** 2 <= knob ** 2
  const [middleX, middleY] = [left + size / 2, top + size / 2]
  if (isWithin(left, middleY)) return false
  const isInBody = x >= left && x < left + size && y >= top && y < top + size
  return isInBody || isWithin(middleX, top - 2) || isWithin(left + size + 2, middleY)
}

/** Colours in steps of eight, which nobody sees. */
const step = 0xf8

type Color = readonly [red: number, green: number, blue: number]

/** Hills before a sky, with clouds, trees and grain: no two pixels in a row are quite alike, so the hole has no plain ground. */
function landscape(random: () => number): (x: number, y: number) => Color {
  const between = (least: number, most: number) => least + (most - least) * random()
  const tone = (): Color => [between(40, 230), between(40, 230), between(40, 230)]
  const [high, low] = [tone(), tone()]
  const hills = Array.from({ length: 4 }, (_, nth) => ({
    base: 45 + nth * 26 + between(-8, 8),
    waves: Array.from({ length: 3 }, () => ({
      height: between(3, 13),
      length: between(18, 90),
      start: between(0, 6),
    })),
    color: tone(),
  }))
  const spots = Array.from({ length: 26 }, () => ({
    x: between(0, pictureWidth),
    y: between(0, pictureHeight),
    radius: between(4, 17),
    color: tone(),
  }))
  const grain = Array.from({ length: 4_096 }, () => between(-16, 16))
  const heights = hills.map(({ base, waves }) =>
    Array.from(
      { length: pictureWidth },
      (_, x) =>
        base +
        waves.reduce((sum, wave) => sum + wave.height * Math.sin((x / wave.length) * 6 + wave.start), 0),
    ),
  )
  return (x, y) => {
    let color = mixed(high, low, y / pictureHeight)
    for (const spot of spots) {
      const distance = (x - spot.x) ** 2 + (y - spot.y) ** 2
      if (distance < spot.radius ** 2)
        color = mixed(spot.color, color, 0.35 + (0.5 * distance) / spot.radius ** 2)
    }
    for (const [nth, hill] of hills.entries()) {
      const depth = y - heights[nth]![x]!
      if (depth > 0) color = mixed(mixed(hill.color, color, 0.3), low, Math.min(0.6, depth / 120))
    }
    // In squares of four pixels, and in steps below: noise of single pixels takes 110 kB.
    const noise = grain[((x >> 2) * 31 + (y >> 2) * 57) & 4_095]!
    return [color[0] + noise, color[1] + noise, color[2] + noise]
  }
}

/** One colour for each square of two by two pixels, which takes a quarter of the time. */
function coarse(colorAt: (x: number, y: number) => Color): (x: number, y: number) => Color {
  const width = pictureWidth / 2
  const colors = Array.from({ length: (width * pictureHeight) / 2 }, (_, i) =>
    colorAt((i % width) * 2, Math.floor(i / width) * 2),
  )
  return (x, y) => colors[(y >> 1) * width + (x >> 1)]!
}

function mixed(a: Color, b: Color, share: number): Color {
  const of = (i: 0 | 1 | 2) => a[i] * (1 - share) + b[i] * share
  return [of(0), of(1), of(2)]
}

function put({ data, width }: PNG, x: number, y: number, color: Color, light: number, alpha: number): void {
  const at = (y * width + x) * 4
  for (let i = 0; i < 3; i++) data[at + i] = Math.max(0, Math.min(248, color[i]! * light)) & step
  data[at + 3] = alpha
}

async function packed(png: PNG): Promise<Buffer> {
  const parts: Buffer[] = []
  const stream = png.pack().on('data', (part: Buffer) => parts.push(part))
  await once(stream, 'end')
  return Buffer.concat(parts)
}

/** Numbers from 0 to 1: xorshift, which is quick. Whoever sees the picture learns nothing by them. */
function randomOf(seed: string): () => number {
  let state = Number.parseInt(seed.slice(0, 8), 16) | 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

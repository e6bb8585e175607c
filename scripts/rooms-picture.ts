/** docs/rooms.svg: the rooms in layers, and the way of one request through them. */

import { type Room, readRooms } from './rooms.ts'
import { linesOf, type Picture, svg, text } from './svg.ts'

type Layer = {
  readonly name: string
  readonly about: string
  readonly isPure?: boolean
  /** Rooms from left to right, each with its columns of twelve. */
  readonly rooms: Readonly<Record<string, number>>
}

/** A room imports rooms of its own layer and of those below; `checkLayers` holds the table to it. */
const layers: readonly Layer[] = [
  {
    name: 'Start',
    about: 'commands, and the program put together',
    rooms: { cli: 4, workers: 4, app: 4 },
  },
  { name: 'Edges', about: 'callers, settings, carriers', rooms: { http: 4, config: 4, providers: 4 } },
  { name: 'Acts', about: 'one file for each', rooms: { flows: 6, delivery: 6 } },
  { name: 'Memory', about: 'atomic verbs, the same over each engine', rooms: { store: 12 } },
  {
    name: 'Decisions',
    about: 'pure: no clock, no waiting',
    isPure: true,
    rooms: { verification: 3, throttle: 3, directory: 3, message: 3 },
  },
  {
    name: 'Ground',
    about: 'imports nothing of ours',
    isPure: true,
    rooms: { address: 4, code: 4, network: 4 },
  },
]

/** The way of one request: a room, and what happens there. */
const steps: Readonly<Record<string, { readonly nth: number; readonly does: string }>> = {
  http: { nth: 1, does: 'parses and authenticates' },
  flows: { nth: 2, does: 'decides by the policy of the app' },
  store: { nth: 3, does: 'commits verification, limits and message at once' },
  delivery: { nth: 4, does: 'derives the code, renders the text, picks a carrier' },
  providers: { nth: 5, does: 'hand it over' },
}
const onTheRight = new Set(['delivery', 'providers'])

const width = 1086
const left = 112
const inner = width - 2 * left
const between = 14
const betweenLayers = 40
const lane = 50
const sizes = { name: 15, knows: 12.5, step: 12.5 } as const

type Card = {
  readonly room: Room
  readonly isPure: boolean
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

export function roomsPicture(): string {
  const rooms = readRooms()
  checkLayers(rooms)
  const cards = new Map<string, Card>()
  const labels: string[] = []
  let y = 34
  for (const layer of layers) {
    const there = Object.entries(layer.rooms).flatMap(([name, columns]) => {
      const room = rooms.find((one) => one.name === name)
      return room ? [{ room, columns }] : []
    })
    const height = Math.max(...there.map(({ room, columns }) => heightOf(room, widthOf(columns))))
    const isCrossed = 'flows' in layer.rooms || 'store' in layer.rooms
    labels.push(
      `<text x="${left + (isCrossed ? lane : 2)}" y="${y + 15}" font-size="11"><tspan class="strong label">${layer.name.toUpperCase()}</tspan><tspan class="soft" dx="10">${layer.about}</tspan></text>`,
    )
    y += 25
    let x = left
    for (const { room, columns } of there) {
      cards.set(room.name, { room, isPure: layer.isPure === true, x, y, width: widthOf(columns), height })
      x += widthOf(columns) + between
    }
    y += height + betweenLayers - 25
  }
  return svg({ ...picture(cards, labels, y) })
}

function picture(cards: ReadonlyMap<string, Card>, labels: readonly string[], bottom: number): Picture {
  return {
    width,
    height: bottom + 52,
    title: 'The rooms of Countersign and the way of one request',
    description: `Layers from top to bottom: ${layers
      .map(({ name, rooms }) => `${name}: ${Object.keys(rooms).join(', ')}`)
      .join(
        '; ',
      )}. A call comes from the caller to http, flows and store, which commits; the answer goes back. \
Then the message goes from store to delivery, providers and the carrier, and receipts come back.`,
    css: `
  .label { letter-spacing: 1.4px; fill: var(--soft) }
  .line { fill: none; stroke-width: 2.5; stroke-linejoin: round } .back { stroke-width: 1.5; stroke-dasharray: 4 4 }
  .on-way { fill: var(--on-way) } .on-far { fill: var(--on-far) }`,
    body: [
      ...labels,
      ...[...cards.values()].map(drawCard),
      ...drawWay(cards),
      text(
        left + 2,
        bottom + 24,
        12,
        'soft',
        'A room imports rooms that are drawn below it or beside it, never above.',
      ),
      ...legend(bottom + 24),
    ],
  }
}

function legend(y: number): string[] {
  const one = (x: number, hue: string, kind: string, words: string) => [
    `<path d="M${x} ${y - 4}h26" class="line ${kind}" stroke="var(--${hue})"/>`,
    text(x + 34, y, 12, 'soft', words),
  ]
  return [
    ...one(left + 456, 'way', '', 'a call'),
    ...one(left + 544, 'way', 'back', 'its answer'),
    ...one(left + 656, 'far', '', 'its message'),
    ...one(left + 774, 'far', 'back', 'receipts'),
  ]
}

function widthOf(columns: number): number {
  const one = (inner + between) / 12
  return columns * one - between
}

function textWidth(room: Room, cardWidth: number): number {
  return cardWidth - 30 - (room.name in steps ? lane - 14 : 0)
}

function heightOf(room: Room, cardWidth: number): number {
  const lines = linesOf(room.knows, sizes.knows, textWidth(room, cardWidth)).length
  return 46 + (lines - 1) * 17 + 18 + (room.name in steps ? 34 : 0)
}

function drawCard({ room, isPure, ...card }: Card): string {
  const step = steps[room.name]
  const isRight = onTheRight.has(room.name)
  const x = card.x + (step && !isRight ? lane : 16)
  const hue = isRight ? 'far' : 'way'
  const parts = [
    `<rect x="${card.x}" y="${card.y}" width="${card.width}" height="${card.height}" rx="10" fill="var(--${isPure ? 'pure' : 'card'})" stroke="var(--line)"/>`,
    text(x, card.y + 27, sizes.name, 'mono', `${room.name}/`),
    ...linesOf(room.knows, sizes.knows, textWidth(room, card.width)).map((line, i) =>
      text(x, card.y + 48 + i * 17, sizes.knows, 'soft', line),
    ),
  ]
  if (step) {
    const y = stepY(card)
    const at = isRight ? card.x + card.width - lane : x
    parts.push(text(at, y + 4.5, sizes.step, `${hue} strong${isRight ? ' end' : ''}`, step.does))
  }
  return parts.join('\n')
}

function stepY(card: Pick<Card, 'y' | 'height'>): number {
  return card.y + card.height - 22
}

/** Down on the left to the commit, up on the right to the carrier; the answer and receipts beside it. */
function drawWay(cards: ReadonlyMap<string, Card>): string[] {
  const [http, flows, store, delivery, providers] = Object.keys(steps).map((name) => cards.get(name)!)
  if (!(http && flows && store && delivery && providers)) throw new Error('a room of the way has no card')
  const right = left + inner
  const [down, up] = [left + 30, right - 30]
  const [answer, receipt] = [left + 12, right - 12]
  const [top, base] = [stepY(http), stepY(store)]
  const carrierY = stepY(providers)
  const person = { x: 50, y: top - 9 }
  const carrier = { x: width - 50, y: carrierY - 9 }
  const bend = 9
  const fromCommit = left + lane + 12 + steps.store!.does.length * sizes.step * 0.62
  return [
    // The call and its answer.
    `<path class="line" stroke="var(--way)" d="M${person.x + 24} ${top}H${down}V${base}"/>`,
    `<path class="line back" stroke="var(--way)" d="M${down - 13} ${base}Q${answer} ${base} ${answer} ${base - 14}V${top + 18 + bend}Q${answer} ${top + 18} ${answer - bend} ${top + 18}H${person.x + 33}"/>`,
    head(person.x + 26, top + 18, 'left', 'way'),
    // The message and its receipts.
    `<path class="line" stroke="var(--far)" d="M${up} ${carrierY}H${carrier.x - 33}"/>`,
    head(carrier.x - 26, carrierY, 'right', 'far'),
    `<path class="line back" stroke="var(--far)" d="M${carrier.x - 24} ${carrierY + 18}H${receipt + bend}Q${receipt} ${carrierY + 18} ${receipt} ${carrierY + 18 + bend}V${base - 31}"/>`,
    head(receipt, base - 24, 'down', 'far'),
    // From the commit on the left to the message on the right.
    `<path class="line" stroke="var(--far)" d="M${fromCommit} ${base}H${up - bend}Q${up} ${base} ${up} ${base - bend}V${carrierY}"/>`,
    ...Object.entries(steps).map(([name, { nth }]) => {
      const isRight = onTheRight.has(name)
      return badge(isRight ? up : down, stepY(cards.get(name)!), nth, isRight ? 'far' : 'way')
    }),
    ...place(person.x, person.y + 18, 'caller', 'way', terminal),
    ...place(carrier.x, carrier.y + 18, 'carrier', 'far', phone),
  ]
}

function badge(x: number, y: number, nth: number, hue: 'way' | 'far'): string {
  return `<circle cx="${x}" cy="${y}" r="11" fill="var(--${hue})"/>${text(x, y + 4.5, 12.5, `strong middle on-${hue}`, String(nth))}`
}

function head(x: number, y: number, to: 'left' | 'right' | 'down', hue: 'way' | 'far'): string {
  const turn = { right: 0, down: 90, left: 180 }[to]
  return `<path d="M0 0l-9 -5v10z" fill="var(--${hue})" transform="translate(${x} ${y}) rotate(${turn})"/>`
}

function place(x: number, y: number, name: string, hue: 'way' | 'far', icon: string): string[] {
  return [
    `<rect x="${x - 24}" y="${y - 24}" width="48" height="48" rx="14" fill="var(--${hue}-soft)"/>`,
    `<g transform="translate(${x} ${y})" fill="none" stroke="var(--${hue})" stroke-width="2" stroke-linecap="round" stroke-linejoin="round">${icon}</g>`,
    text(x, y + 42, 12.5, `strong middle ${hue}`, name),
  ]
}

const terminal = '<path d="M-9 -6l6 6l-6 6M1 7h8"/>'
const phone = '<rect x="-7" y="-12" width="14" height="24" rx="3"/><path d="M-1.5 8h3"/>'

/** Fails if a room has no place in the picture, or imports one that is drawn above it. */
function checkLayers(rooms: readonly Room[]): void {
  const layerOf = new Map(
    layers.flatMap(({ rooms }, i) => Object.keys(rooms).map((name) => [name, i] as const)),
  )
  for (const { name, imports } of rooms) {
    const own = layerOf.get(name)
    if (own === undefined) throw new Error(`${name}/ has no place in scripts/rooms-picture.ts`)
    for (const one of imports) {
      const other = layerOf.get(/^\w+/.exec(one)![0])
      if (other !== undefined && other < own)
        throw new Error(`${name}/ imports ${one}, which is drawn above it`)
    }
  }
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createReader, maxPdu } from './framing.ts'

/** A PDU of this length as far as framing knows. */
function frameOf(length: number, fill = 0): Buffer {
  const frame = Buffer.alloc(length, fill)
  frame.writeUInt32BE(length, 0)
  return frame
}

function cutAt(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b)
  return [...places, bytes.length].map((end, i) => bytes.subarray(i === 0 ? 0 : places[i - 1], end))
}

test('frames come out whole, in order, however the stream is cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 16, max: 400 }), fc.nat(255)), { maxLength: 20 }),
      fc.array(fc.nat(10_000), { maxLength: 60 }),
      (lengths, cuts) => {
        const frames = lengths.map(([length, fill]) => frameOf(length, fill))
        const seen: Buffer[] = []
        const reader = createReader((frame) => seen.push(Buffer.from(frame)))
        for (const chunk of cutAt(Buffer.concat(frames), cuts)) assert.ok(reader.push(chunk))
        assert.deepEqual(seen, frames)
      },
    ),
    { numRuns: 500 },
  )
})

test('S-11: a length outside 16 to 65,536 ends the stream at once, in one chunk or octet by octet', () => {
  for (const length of [0, 1, 4, 15, maxPdu + 1, 0x7fffffff, 0xffffffff])
    for (const size of [1, 3, 100]) {
      let frames = 0
      const reader = createReader(() => frames++)
      const head = Buffer.alloc(40)
      frameOf(16).copy(head)
      head.writeUInt32BE(length, 16)
      let fed = 0
      while (fed < head.length && reader.push(head.subarray(fed, fed + size))) fed += size
      assert.ok(fed < 20, `${length} was noticed after ${fed}`)
      assert.equal(reader.push(frameOf(16)), false)
      assert.equal(frames, 1)
    }
  for (const length of [16, maxPdu]) {
    const seen: number[] = []
    assert.ok(createReader((frame) => seen.push(frame.length)).push(frameOf(length)))
    assert.deepEqual(seen, [length])
  }
})

test('S-11: in however small pieces, the longest PDU costs one copy of each octet and memory for one PDU', (t) => {
  let copied = 0
  let allocated = 0
  const copy = Buffer.prototype.copy
  t.mock.method(Buffer.prototype, 'copy', function (this: Buffer, ...rest: Parameters<typeof copy>) {
    const count = copy.apply(this, rest)
    copied += count
    return count
  })
  const allocate = Buffer.allocUnsafe
  t.mock.method(Buffer, 'allocUnsafe', (size: number) => {
    allocated += size
    return allocate(size)
  })
  t.mock.method(Buffer, 'concat', () => assert.fail('a concatenation copies what was there again'))
  let frames = 0
  const reader = createReader(() => frames++)
  const frame = frameOf(maxPdu)
  for (const size of [1, 3, 7])
    for (let i = 0; i < frame.length; i += size) assert.ok(reader.push(frame.subarray(i, i + size)))
  assert.equal(frames, 3)
  assert.ok(copied <= 3 * maxPdu, `${copied} octets copied`)
  assert.ok(allocated <= 3 * maxPdu, `${allocated} octets allocated`)
})

test('S-11: random octets never throw, and no frame is out of bounds', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
          fc.integer({ min: 0, max: 70_000 }).map((length) => {
            const head = Buffer.alloc(20)
            head.writeUInt32BE(length, 0)
            return head
          }),
        ),
        { maxLength: 30 },
      ),
      (chunks) => {
        const reader = createReader((frame) => {
          assert.ok(frame.length >= 16 && frame.length <= maxPdu)
          assert.equal(frame.readUInt32BE(0), frame.length)
        })
        let isOpen = true
        for (const chunk of chunks) {
          const told = reader.push(chunk)
          assert.ok(isOpen || !told, 'a broken stream stays broken')
          isOpen = told
        }
      },
    ),
    { numRuns: 2_000 },
  )
})

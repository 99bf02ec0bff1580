import { describe, expect, test } from 'vitest'
import { eventSource, poolSize } from '../../src/cli/events.ts'

describe('generated events', () => {
  test.each([80, 81, 90, 99, 100, 101, 110, 256, 1024])(
    'of %i bytes are JSON of that size',
    (size) => {
      const event = eventSource(size)
      for (let i = 0; i < 2000; i++) {
        const bytes = event(i)
        expect(bytes.length).toBe(size)
        expect(JSON.parse(bytes.toString()).id).toBe(String(i).padStart(12, '0'))
      }
    },
  )

  test('large ones are fewer: 16 MiB of them are kept', () => {
    expect([100, 16_777, 1_000_000, 20_000_000].map((size) => poolSize(1000, size))).toEqual([
      1000, 1000, 16, 1,
    ])
    const event = eventSource(1_000_000)
    expect(event(16).length).toBe(1_000_000)
    expect(JSON.parse(event(16).toString()).id).toBe('000000000016')
  })

  test('too small for JSON are their number', () => {
    expect(eventSource(10)(42).toString()).toBe('0000000042')
    expect(eventSource(1)(42).toString()).toBe('2')
  })

  test('depend on their number alone', () => {
    expect(eventSource(100)(123456)).toEqual(eventSource(100)(123456))
    expect(eventSource(100)(1)).not.toEqual(eventSource(100)(1001))
  })
})

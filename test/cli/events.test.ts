import { describe, expect, test } from 'vitest'
import { eventSource } from '../../src/cli/events.ts'

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

  test('too small for JSON are their number', () => {
    expect(eventSource(10)(42).toString()).toBe('0000000042')
    expect(eventSource(1)(42).toString()).toBe('2')
  })

  test('depend on their number alone', () => {
    expect(eventSource(100)(123456)).toEqual(eventSource(100)(123456))
    expect(eventSource(100)(1)).not.toEqual(eventSource(100)(1001))
  })
})

import { describe, expect, it } from 'vitest'
import { headerKey } from '../../src/records/header-key.ts'

describe('the key of a header', () => {
  it.each([
    ['short ones that lie in the same slot', ['trace-id', 'trXXX-id', 'trace-id', 'trace-ie']],
    ['lengths that differ', ['a', 'aa', 'aaa', 'a', '']],
    ['what is not ASCII', ['Straße', 'Stra\u00dfe', '\u65e5\u672c', 'é', 'e\u0301', 'Straße']],
    ['what was known before it', ['Strasse', 'Stra\u00dfe', 'Strasse']],
    ['long ones', ['x'.repeat(300), `${'x'.repeat(298)}yx`, 'x'.repeat(300)]],
    ['broken UTF-8', ['\ufffd\ufffd']],
  ])('is that of its bytes: %s', (_, keys) => {
    for (let round = 0; round < 3; round++) {
      for (const key of keys) {
        const bytes = Buffer.from(`<${key}>`)
        expect(headerKey(bytes, 1, bytes.length - 1)).toBe(key)
      }
    }
    expect(headerKey(Buffer.from([0xc3, 0x28]), 0, 2)).toBe('\ufffd(')
  })
})

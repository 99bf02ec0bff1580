// CRC of 32 bits, reflected, by sixteen tables: sixteen bytes a step. For CRC-32C where no package
// loads, and for the plain CRC-32 of legacy messages.

/** The CRC of `bytes[start..end)` as an unsigned number. */
export type Crc = (bytes: Uint8Array, start?: number, end?: number) => number

/** Makes the function for a polynomial in reflected form (`0x82f63b78` is CRC-32C). */
export function makeCrc(polynomial: number): Crc {
  const [t0, t1, t2, t3, t4, t5, t6, t7, t8, t9, t10, t11, t12, t13, t14, t15] =
    makeTables(polynomial)

  return (b: Uint8Array, start: number = 0, end: number = b.length): number => {
    let crc = -1
    let i = start
    for (const last = end - 16; i <= last; i += 16) {
      crc ^= b[i] | (b[i + 1] << 8) | (b[i + 2] << 16) | (b[i + 3] << 24)
      crc =
        t15[crc & 255] ^
        t14[(crc >>> 8) & 255] ^
        t13[(crc >>> 16) & 255] ^
        t12[crc >>> 24] ^
        t11[b[i + 4]] ^
        t10[b[i + 5]] ^
        t9[b[i + 6]] ^
        t8[b[i + 7]] ^
        t7[b[i + 8]] ^
        t6[b[i + 9]] ^
        t5[b[i + 10]] ^
        t4[b[i + 11]] ^
        t3[b[i + 12]] ^
        t2[b[i + 13]] ^
        t1[b[i + 14]] ^
        t0[b[i + 15]]
    }
    for (; i < end; i++) crc = t0[(crc ^ b[i]) & 255] ^ (crc >>> 8)
    return ~crc >>> 0
  }
}

/** Table k holds the CRC of each byte followed by k zero bytes. */
function makeTables(polynomial: number): Int32Array[] {
  const tables = Array.from({ length: 16 }, () => new Int32Array(256))
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ polynomial : crc >>> 1
    tables[0][byte] = crc
  }
  for (let k = 1; k < tables.length; k++) {
    for (let byte = 0; byte < 256; byte++) {
      const shorter = tables[k - 1][byte]
      tables[k][byte] = (shorter >>> 8) ^ tables[0][shorter & 255]
    }
  }
  return tables
}

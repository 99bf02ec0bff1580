// Common harness of every Node driver: command line, payloads, clocks, one JSON line.
// A driver calls main({ client, version, produce, consume, pingpong }).
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const benchFolder = fileURLToPath(new URL('../', import.meta.url))

export function parseArgs(argv = process.argv.slice(2)) {
  const o = {
    op: argv[0],
    bootstrap: '127.0.0.1:19092',
    topic: 'pb-test',
    count: 100000,
    size: 100,
    compression: 'none',
    acks: 'all',
    linger: 5,
    batch: 1048576,
    idempotent: false,
    mode: 'single',
    bulk: 1000,
    transaction: 0,
    inflight: 5,
    window: 100000,
    burst: 1000,
    warmup: -1,
    fetchpart: 1048576,
    values: 'random',
    nokey: false,
    group: `pb-g-${process.pid}-${Date.now()}`,
  }
  for (let i = 1; i < argv.length; i++) {
    const k = argv[i].replace(/^--/, '')
    if (k === 'idempotent' || k === 'nokey') o[k] = true
    else o[k] = typeof o[k] === 'number' ? Number(argv[++i]) : argv[++i]
  }
  if (o.warmup < 0)
    o.warmup =
      o.op === 'produce' ? Math.min(50000, Math.ceil(o.count / 20)) : o.op === 'pingpong' ? 200 : 0
  o.brokers = o.bootstrap.split(',')
  return o
}

// Deterministic values. random: incompressible base64 text; json: JSON-like records that compress about 4-6 times.
export function makeValues(size, kind, n = 1000) {
  let s = 0x2545f491
  const rnd = () => {
    s ^= s << 13
    s ^= s >>> 17
    s ^= s << 5
    return s >>> 0
  }
  const out = []
  for (let i = 0; i < n; i++) {
    let t = ''
    if (kind === 'json') {
      t = `{"id":${rnd() % 1000000},"user":"user-${rnd() % 5000}","event":"page_view","ts":17000${rnd() % 100000000},"ok":true,"path":"/a/${rnd() % 100}"`
      while (t.length < size - 1) t += `,"f${t.length % 10}":"${rnd() % 1000}"`
      t = `${t.slice(0, size - 1)}}`
    } else {
      const b = Buffer.alloc(size)
      for (let j = 0; j < size; j++) b[j] = 33 + (rnd() % 90)
      out.push(b)
      continue
    }
    out.push(Buffer.from(t.padEnd(size, ' ')))
  }
  return out
}
// 8-byte keys, 10,000 of them: every client hashes them over the partitions, so all spread alike.
export function makeKeys(n = 10000) {
  const out = []
  for (let i = 0; i < n; i++) out.push(Buffer.from(`k${String(i).padStart(7, '0')}`))
  return out
}

export function clock() {
  const t0 = process.hrtime.bigint()
  const c0 = process.cpuUsage()
  return () => {
    const seconds = Number(process.hrtime.bigint() - t0) / 1e9
    const c = process.cpuUsage(c0)
    return { seconds, user: c.user / 1e6, sys: c.system / 1e6 }
  }
}

export function report(o, meta, r) {
  const { records, bytes, t, errors, ...more } = r
  const line = {
    client: meta.client,
    version: meta.version,
    runtime: `node ${process.versions.node}`,
    op: o.op,
    mode: o.mode,
    compression: o.compression,
    size: o.size,
    records,
    bytes,
    seconds: +t.seconds.toFixed(4),
    records_per_s: Math.round(records / t.seconds),
    mb_per_s: +(bytes / 1e6 / t.seconds).toFixed(2),
    cpu_user_s: +t.user.toFixed(3),
    cpu_sys_s: +t.sys.toFixed(3),
    cpu_us_per_record: +(((t.user + t.sys) * 1e6) / records).toFixed(3),
    max_rss_mb: Math.round(process.resourceUsage().maxRSS / 1024),
    errors,
    warmup: o.warmup,
    ...more,
  }
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

// Per-record sends with a bounded window. sendOne(i, cb) must call cb(err) once when record i is acknowledged,
// or return a promise. Bursts of o.burst sends with a turn of the event loop between them, as a busy service would.
export function windowed(o, n, sendOne, usesPromise = true) {
  return new Promise((resolve) => {
    let sent = 0
    let done = 0
    let errors = 0
    let armed = false
    let firstError
    const finish = () => resolve({ errors, firstError })
    const ok = () => {
      if (++done === n) finish()
      else if (!armed && sent < n && sent - done <= o.window - o.burst) arm()
    }
    const bad = (e) => {
      errors++
      firstError ??= e
      if (errors < 4) console.error('error', e?.message ?? e, e?.cause?.message ?? '')
      ok()
    }
    const cb = (e) => {
      if (e) bad(e)
      else ok()
    }
    const arm = () => {
      armed = true
      setImmediate(pump)
    }
    const pump = () => {
      armed = false
      const stop = Math.min(n, sent + o.burst)
      if (usesPromise) {
        while (sent < stop && sent - done < o.window) sendOne(sent++).then(ok, bad)
      } else {
        while (sent < stop && sent - done < o.window) sendOne(sent++, cb)
      }
      if (sent < n && sent - done < o.window) arm()
    }
    pump()
  })
}

// Arrays of o.bulk records, at most o.inflight sends under way. sendMany(start, end) returns a promise.
export async function bulked(o, n, sendMany) {
  let next = 0
  let errors = 0
  const worker = async () => {
    while (next < n) {
      const a = next
      const b = Math.min(n, a + o.bulk)
      next = b
      try {
        await sendMany(a, b)
      } catch (e) {
        errors += b - a
        if (errors < 4 * o.bulk)
          console.error(
            'error',
            e?.message ?? e,
            e?.errors?.[0]?.message ?? '',
            e?.cause?.message ?? '',
          )
      }
    }
  }
  await Promise.all(Array.from({ length: o.inflight }, worker))
  return { errors }
}

/** What a process that starts from nothing has taken until now; the import of the client is part of it. */
function sinceStart() {
  const { user, system } = process.cpuUsage()
  return {
    since_start_ms: +performance.now().toFixed(1),
    since_start_cpu_ms: +((user + system) / 1000).toFixed(1),
  }
}

const pct = (a, p) => a[Math.min(a.length - 1, Math.floor(a.length * p))]

export async function main(driver) {
  const o = parseArgs()
  const meta = { client: driver.client, version: driver.version }
  const wd = setTimeout(() => {
    console.error('driver time-out')
    process.exit(3)
  }, 240000)
  if (o.op === 'produce') {
    const values = makeValues(o.size, o.values)
    const keys = makeKeys()
    const nv = values.length
    const nk = keys.length
    const key = o.nokey ? () => undefined : (i) => keys[i % nk]
    const value = (i) => values[i % nv]
    // setup returns { single?(i, cb) or single?(i) promise, singleIsCallback, bulk?(a, b) promise, run?(n), close }
    const p = await driver.produce(o, { key, value })
    const go = (n) =>
      p.run
        ? p.run(n)
        : o.mode === 'single'
          ? windowed(o, n, p.single, !p.singleIsCallback)
          : bulked(o, n, p.bulk)
    let errors = 0
    if (o.warmup) errors += (await go(o.warmup)).errors
    const c = clock()
    const r = await go(o.count)
    const t = c()
    errors += r.errors
    report(o, meta, { records: o.count, bytes: o.count * o.size, t, errors, ...p.note })
    await Promise.race([p.close?.(), new Promise((resolve) => setTimeout(resolve, 3000))])
  } else if (o.op === 'pingpong') {
    const values = makeValues(o.size, o.values)
    const keys = makeKeys()
    const p = await driver.pingpong(
      { ...o, linger: 0 },
      { key: (i) => keys[i % keys.length], value: (i) => values[i % values.length] },
    )
    let errors = 0
    for (let i = 0; i < o.warmup; i++)
      await p.one(i).catch((e) => {
        if (!errors++) console.error(e)
      })
    const lat = []
    const c = clock()
    let first
    for (let i = 0; i < o.count; i++) {
      const a = process.hrtime.bigint()
      try {
        await p.one(i)
      } catch (e) {
        if (!errors++) console.error(e)
      }
      lat.push(Number(process.hrtime.bigint() - a) / 1e3)
      first ??= sinceStart()
    }
    const t = c()
    lat.sort((x, y) => x - y)
    report(o, meta, {
      records: o.count,
      bytes: o.count * o.size,
      t,
      errors,
      p50_us: Math.round(pct(lat, 0.5)),
      p99_us: Math.round(pct(lat, 0.99)),
      p50_ms: +(pct(lat, 0.5) / 1e3).toFixed(3),
      p99_ms: +(pct(lat, 0.99) / 1e3).toFixed(3),
      ...first,
    })
    await Promise.race([p.close?.(), new Promise((resolve) => setTimeout(resolve, 3000))])
  } else if (o.op === 'consume') {
    // setup returns { start(sink), close }; the driver calls sink.one(key, value) for each record,
    // or, in a loop of its own over a batch, adds up lengths and calls sink.many(records, bytes).
    let n = 0
    let bytes = 0
    let first
    let atFirst
    let finish
    const done = new Promise((resolve) => {
      finish = resolve
    })
    const c = { t: null }
    let t0
    const end = () => {
      if (c.t) return
      const t = c.clock()
      const fr = first === undefined ? 0 : Number(first - t0) / 1e9
      c.t = { ...t, first: fr, n, bytes }
      finish()
    }
    const sink = {
      target: o.count,
      one(key, value) {
        if (n === 0) {
          first = process.hrtime.bigint()
          atFirst = sinceStart()
        }
        bytes += value.length + (key === null || key === undefined ? 0 : key.length)
        if (++n === o.count) end()
      },
      many(records, size) {
        if (n === 0) {
          first = process.hrtime.bigint()
          atFirst = sinceStart()
        }
        bytes += size
        n += records
        if (n >= o.count) end()
      },
    }
    const s = await driver.consume(o)
    t0 = process.hrtime.bigint()
    c.clock = clock()
    const started = Promise.resolve(s.start(sink)).catch((e) => {
      console.error(e)
      process.exit(4)
    })
    await done
    report(o, meta, {
      records: c.t.n,
      bytes: c.t.n * o.size,
      t: c.t,
      errors: c.t.bytes === c.t.n * (o.size + 8) ? 0 : 1,
      touched_bytes: c.t.bytes,
      first_record_s: +c.t.first.toFixed(3),
      ...atFirst,
    })
    await Promise.race([s.close?.(), new Promise((resolve) => setTimeout(resolve, 3000))])
    void started
  } else throw new Error('op must be produce, consume or pingpong')
  clearTimeout(wd)
  process.exit(0)
}

// Clients that are npm packages lie in bench/node_modules; those with a native part that has to be built
// here, in the lab folder (npm run bench:peers).
export function load(name, folder = benchFolder) {
  const require = createRequire(join(folder, 'package.json'))
  const dir = join(folder, 'node_modules', name)
  const version = JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8')).version
  return { require, dir, version: version.replace(/^v/, '') }
}

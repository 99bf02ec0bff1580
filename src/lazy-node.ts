// Modules of Node that many programs never need, loaded at first use. Loading them takes as long as a
// third of this package does.

/** Node's modules by name. Reading one loads it, unless it is loaded already. */
export const lazyNode: {
  readonly crypto: typeof import('node:crypto')
  readonly dns: typeof import('node:dns')
  readonly http: typeof import('node:http')
  readonly https: typeof import('node:https')
  readonly net: typeof import('node:net')
  readonly perfHooks: typeof import('node:perf_hooks')
  readonly stream: typeof import('node:stream')
  readonly streamWeb: typeof import('node:stream/web')
  readonly tls: typeof import('node:tls')
  readonly workerThreads: typeof import('node:worker_threads')
  readonly zlib: typeof import('node:zlib')
} = {
  get crypto() {
    return process.getBuiltinModule('node:crypto')
  },
  get dns() {
    return process.getBuiltinModule('node:dns')
  },
  get http() {
    return process.getBuiltinModule('node:http')
  },
  get https() {
    return process.getBuiltinModule('node:https')
  },
  get net() {
    return process.getBuiltinModule('node:net')
  },
  get perfHooks() {
    return process.getBuiltinModule('node:perf_hooks')
  },
  get stream() {
    return process.getBuiltinModule('node:stream')
  },
  get streamWeb() {
    return process.getBuiltinModule('node:stream/web')
  },
  get tls() {
    return process.getBuiltinModule('node:tls')
  },
  get workerThreads() {
    return process.getBuiltinModule('node:worker_threads')
  },
  get zlib() {
    return process.getBuiltinModule('node:zlib')
  },
}

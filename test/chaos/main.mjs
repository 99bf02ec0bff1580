// Loads the TypeScript of this folder, which Node 20 does not do by itself, with what vitest brings.

import { fileURLToPath } from 'node:url'
import { createViteServer } from 'vitest/node'

const loader = await createViteServer({
  configFile: false,
  root: import.meta.dirname,
  logLevel: 'error',
  server: { middlewareMode: true, hmr: false, ws: false, watch: null },
  optimizeDeps: { noDiscovery: true },
})
try {
  const { main } = await loader.ssrLoadModule(fileURLToPath(new URL('main.ts', import.meta.url)))
  process.exitCode = await main(process.argv.slice(2))
} finally {
  await loader.close()
}

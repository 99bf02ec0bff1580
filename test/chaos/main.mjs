// npm run chaos (main.ts), and npm run chaos -- with the word churn, copies or share (churn.ts, ...).
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
  const [word, ...rest] = process.argv.slice(2)
  const [file, args] = ['churn', 'copies', 'share'].includes(word)
    ? [`${word}.ts`, rest]
    : ['main.ts', process.argv.slice(2)]
  const { main } = await loader.ssrLoadModule(fileURLToPath(new URL(file, import.meta.url)))
  process.exitCode = await main(args)
} finally {
  await loader.close()
}

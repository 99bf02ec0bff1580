// What was measured as one page: a table and a chart for each benchmark. A table is { title, chart, rows },
// where `chart` names the column that is drawn, and rows are { name, column: number ... }.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import * as echarts from 'echarts'

export function printTables(tables) {
  for (const table of tables) console.log(`\n### ${table.title}\n${markdown(table)}`)
}

/** Writes `results.json`, and the page and its charts from it. */
export function writeReport(tables, folder, command) {
  const results = {
    command,
    date: new Date().toISOString().slice(0, 10),
    node: process.versions.node,
    machine: `${cpus().length} cores, ${process.platform} ${process.arch}, load ${loadavg()[1].toFixed(0)} at the end`,
    tables,
  }
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'results.json'), `${JSON.stringify(results, null, 1)}\n`)
  drawReport(folder)
}

/** Makes the page anew from `results.json`. */
export function drawReport(folder) {
  const results = JSON.parse(readFileSync(join(folder, 'results.json'), 'utf8'))
  const charts = join(folder, 'charts')
  rmSync(charts, { recursive: true, force: true })
  mkdirSync(charts, { recursive: true })
  const sections = results.tables.map((table) => {
    const file = `${fileName(table.title)}.svg`
    writeFileSync(join(charts, file), chart(table))
    return `## ${table.title}\n\n![${table.chart}](charts/${file})\n\n${markdown(table)}\n`
  })
  const { command, date, node, machine } = results
  const head = `# Benchmark results

\`${command}\`, ${date}, Node ${node}, ${machine}. Medians of runs in turn; shorter bars are better. CPU is that of
the client's process, user and system, for each record; trust it before rates, as other work on the machine changes
those. Numbers are in [results.json](results.json).
`
  writeFileSync(join(folder, 'README.md'), `${head}\n${sections.join('\n')}`)
  console.log(`\nwritten: ${join(folder, 'README.md')}`)
}

function markdown({ rows }) {
  const columns = Object.keys(rows[0])
  const line = (cells) => `| ${cells.join(' | ')} |`
  const shown = (value) => (typeof value === 'number' ? value.toLocaleString('en') : value)
  return [
    line(columns.map((column) => (column === 'name' ? '' : column))),
    line(columns.map((column) => (column === 'name' ? '---' : '---:'))),
    ...rows.map((row) => line(columns.map((column) => shown(row[column])))),
  ].join('\n')
}

/** Bars, the shortest on top; ours in another colour. */
function chart({ chart: column, rows }) {
  const sorted = rows
    .filter((row) => Number.isFinite(row[column]))
    .toSorted((a, b) => b[column] - a[column])
  const view = echarts.init(null, null, {
    renderer: 'svg',
    ssr: true,
    width: 760,
    height: 70 + 26 * sorted.length,
  })
  view.setOption({
    animation: false,
    backgroundColor: '#fff',
    grid: { left: 240, right: 80, top: 10, bottom: 45 },
    xAxis: { type: 'value', name: column, nameLocation: 'middle', nameGap: 28 },
    yAxis: { type: 'category', data: sorted.map((row) => row.name) },
    series: [
      {
        type: 'bar',
        label: { show: true, position: 'right' },
        data: sorted.map((row) => ({
          value: row[column],
          itemStyle: { color: row.name.startsWith('kafkawire') ? '#2f6f9f' : '#b5bcc4' },
        })),
      },
    ],
  })
  const svg = view.renderToSVGString()
  view.dispose()
  return svg
}

function fileName(title) {
  return title
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '')
}

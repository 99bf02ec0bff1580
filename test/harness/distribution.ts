// Apache Kafka as jars: each version is brought once, by Maven, into a folder of its own that is the
// whole class path of its brokers and tools. A folder is complete or not there: it is filled under
// another name and renamed, so an interrupted download and two runs at once do no harm.

import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** A version of Apache Kafka that the tests run against. */
export type KafkaVersion = '4.4.0' | '4.3.0' | '4.1.0' | '3.9.2' | '2.8.2' | '2.1.1' | '1.1.1'

const kraft = (version: string): string[] => [
  `org.apache.kafka:kafka_2.13:${version}`,
  `org.apache.kafka:kafka-tools:${version}`,
  'org.slf4j:slf4j-simple:1.7.36',
]

// The ZooKeeper that these two ask for does not resolve addresses on JDK 17.
const withNewerZooKeeper = (version: string): string[] => [
  `org.apache.kafka:kafka_2.12:${version}`,
  'org.apache.zookeeper:zookeeper:3.5.10',
  'log4j:log4j:1.2.17',
  'org.slf4j:slf4j-simple:1.7.36',
]

const artifacts: Record<KafkaVersion, string[]> = {
  '4.4.0': kraft('4.4.0'),
  '4.3.0': kraft('4.3.0'),
  '4.1.0': kraft('4.1.0'),
  '3.9.2': kraft('3.9.2'),
  '2.8.2': ['org.apache.kafka:kafka_2.13:2.8.2', 'org.slf4j:slf4j-simple:1.7.36'],
  '2.1.1': withNewerZooKeeper('2.1.1'),
  '1.1.1': withNewerZooKeeper('1.1.1'),
}

export const kafkaVersions: readonly KafkaVersion[] = Object.keys(artifacts) as KafkaVersion[]

/** Whether brokers of this version keep their state in a KRaft quorum; the others in ZooKeeper. */
export function usesKraft(version: KafkaVersion): boolean {
  return Number(version.split('.')[0]) >= 3
}

/** Where downloads are kept between runs: `.cache/kafka`, or what KAFKAWIRE_CACHE names. */
export function cacheFolder(): string {
  return resolve(process.env.KAFKAWIRE_CACHE ?? join(import.meta.dirname, '../../.cache/kafka'))
}

/** Whether this version needs no download any more. */
export function isDownloaded(version: KafkaVersion): boolean {
  return existsSync(folderOf(version))
}

const downloads = new Map<KafkaVersion, Promise<string>>()

/** The class path of a version, after a download if need be. */
export function classPath(version: KafkaVersion): Promise<string> {
  let download = downloads.get(version)
  if (download === undefined) {
    download = ensure(version)
    downloads.set(version, download)
    download.catch(() => downloads.delete(version))
  }
  return download
}

function folderOf(version: KafkaVersion): string {
  return join(cacheFolder(), version)
}

async function ensure(version: KafkaVersion): Promise<string> {
  const folder = folderOf(version)
  const wanted = pom(version)
  const present = await readFile(join(folder, 'pom.xml'), 'utf8').catch(() => null)
  if (present === wanted) return join(folder, '*')
  if (present !== null) await rm(folder, { recursive: true, force: true })
  await download(version, wanted, folder)
  return join(folder, '*')
}

async function download(version: KafkaVersion, pomText: string, folder: string): Promise<void> {
  await mkdir(cacheFolder(), { recursive: true })
  const partial = await mkdtemp(join(cacheFolder(), `.${version}-`))
  try {
    await writeFile(join(partial, 'pom.xml'), pomText)
    const goal = ['-q', '-B', 'dependency:copy-dependencies', `-DoutputDirectory=${partial}`]
    await run('mvn', goal, { cwd: partial, timeout: 600_000 })
    await rename(partial, folder).catch((error: NodeJS.ErrnoException) => {
      // Another run was quicker; what it brought is the same.
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
    })
  } catch (cause) {
    throw new Error(`Maven could not bring Apache Kafka ${version} into ${folder}`, { cause })
  } finally {
    await rm(partial, { recursive: true, force: true })
  }
}

function pom(version: KafkaVersion): string {
  const dependencies = artifacts[version].map((artifact) => {
    const [group, name, number] = artifact.split(':')
    return `    <dependency><groupId>${group}</groupId><artifactId>${name}</artifactId><version>${number}</version></dependency>`
  })
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>kafkawire.test</groupId>
  <artifactId>kafka-${version}</artifactId>
  <version>1</version>
  <dependencies>
${dependencies.join('\n')}
  </dependencies>
</project>
`
}

// The configuration file: sections of Java's client properties, one for each cluster, chosen by
// `--profile NAME`. Lines before the first section hold for all.

import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { UsageError } from './failures.ts'
import { readInputFile } from './input-files.ts'
import { parseProperties } from './properties.ts'

/** `KAFKAWIRE_CONFIG`, or `kafkawire/config` in the user's configuration folder. */
export function configFile(env: NodeJS.ProcessEnv = process.env): string {
  const folder = env.XDG_CONFIG_HOME || join(homedir(), '.config')
  return env.KAFKAWIRE_CONFIG || join(folder, 'kafkawire', 'config')
}

/**
 * The properties of a profile. Without a name it is the section `[default]`, if there is one.
 * @throws UsageError if the named profile does not exist
 */
export function readProfile(
  name: string | undefined,
  path: string = configFile(),
): Map<string, string> {
  if (!existsSync(path)) {
    if (name === undefined) return new Map()
    throw new UsageError(
      `--profile ${name}: there is no configuration file ${path}. Create it with a section [${name}].`,
    )
  }
  const sections = splitSections(readInputFile(path))
  const chosen = name ?? 'default'
  const section = sections.get(chosen)
  if (section === undefined && name !== undefined) {
    const names = [...sections.keys()].filter((section) => section !== '')
    throw new UsageError(
      `--profile ${name}: ${path} has no section [${name}]; it has ${names.join(', ') || 'none'}.`,
    )
  }
  const shared = parseProperties(sections.get('') ?? '', path)
  const own = parseProperties(section ?? '', `${path} [${chosen}]`)
  return new Map([...shared, ...own])
}

function splitSections(text: string): Map<string, string> {
  const sections = new Map<string, string>()
  let name = ''
  for (const line of text.split(/\r?\n/)) {
    const heading = /^\s*\[([^\]]+)\]\s*$/.exec(line)
    if (heading !== null) name = heading[1].trim()
    else sections.set(name, `${sections.get(name) ?? ''}${line}\n`)
    if (!sections.has(name)) sections.set(name, '')
  }
  return sections
}
